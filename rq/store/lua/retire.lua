-- Takes a worker out of the sets and ends its lease; its hash tells of its death for 60 s.
-- KEYS: 1 the hash of the worker
-- ARGV: 1 prefix  2 worker  3 incarnation  4 queues joined by newline
-- answers: 1, or 0 when another incarnation has the name
--- @include keys
--- @include time
local w = ARGV[2]
local holder = redis.call('GET', k_lease(w))
if holder and holder ~= ARGV[3] then return 0 end
redis.call('SREM', P .. 'workers', KEYS[1])
for q in string.gmatch(ARGV[4], '[^\n]+') do redis.call('SREM', P .. 'workers:' .. q, KEYS[1]) end
redis.call('DEL', k_lease(w), k_running(w), k_pack(w))
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'death', iso(NOW_US))
  redis.call('HDEL', KEYS[1], 'current_job')
  redis.call('EXPIRE', KEYS[1], 60)
end
return 1
