-- Makes a worker known: its hash, its place in the sets, its lease. A name in use is refused.
-- KEYS: 1 the hash of the worker
-- ARGV: 1 prefix  2 worker  3 incarnation  4 seconds the hash lives  5 milliseconds the lease lives  6 number of queues n,
--       then n names; then field, value, ...
-- answers: {1, now (microseconds; no less than the last number that a worker of this name used)}, or {0} when a living
--       worker has the name
--- @include keys
--- @include time
local w, n = ARGV[2], tonumber(ARGV[6])
local h = redis.call('HMGET', KEYS[1], 'birth', 'death', 'incarnation')
local lease = redis.call('GET', k_lease(w))
local alive = h[1] and not h[2] and (not h[3] or lease)
if alive and lease ~= ARGV[3] then return { 0 } end
redis.call('DEL', KEYS[1], k_running(w))
redis.call('HSET', KEYS[1], 'incarnation', ARGV[3], unpack(ARGV, 7 + n))
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('SADD', k_workers, KEYS[1])
for a = 7, 6 + n do redis.call('SADD', k_workers_of(ARGV[a]), KEYS[1]) end
redis.call('SET', k_lease(w), ARGV[3], 'PX', ARGV[5])
return { 1, string.format('%.0f', math.max(NOW_US, tonumber(redis.call('HGET', k_pack(w), 'seq') or 0))) }
