-- Makes a worker known: its hash, its place in the sets, its lease. A name in use is refused.
-- KEYS: 1 the hash of the worker
-- ARGV: 1 prefix  2 worker  3 incarnation  4 seconds the hash lives  5 queues joined by newline  6.. field, value, ...
-- answers: {1, now (microseconds)}, or {0} when a living worker has the name
--- @include keys
--- @include time
local w = ARGV[2]
local h = redis.call('HMGET', KEYS[1], 'birth', 'death', 'incarnation')
local lease = redis.call('GET', k_lease(w))
local alive = h[1] and not h[2] and (not h[3] or lease)
if alive and lease ~= ARGV[3] then return { 0 } end
redis.call('DEL', KEYS[1], k_running(w))
redis.call('HSET', KEYS[1], unpack(ARGV, 6))
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('SADD', P .. 'workers', KEYS[1])
for q in string.gmatch(ARGV[5], '[^\n]+') do redis.call('SADD', P .. 'workers:' .. q, KEYS[1]) end
redis.call('SET', k_lease(w), ARGV[3], 'EX', 30)
return { 1, string.format('%.0f', NOW_US) }
