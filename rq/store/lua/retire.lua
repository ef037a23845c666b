-- Takes a worker out of the sets and ends its lease; its hash tells of its death for 60 s. The record of its last
-- request stays until it expires: a delayed copy of that request must find it. Its incarnation goes: no late renewal
-- revives it.
-- KEYS: 1 the hash of the worker
-- ARGV: 1 prefix  2 worker  3 incarnation  4.. queues
-- answers: 1, or 0 when another incarnation has the name
--- @include keys
--- @include time
local w = ARGV[2]
local holder = redis.call('GET', k_lease(w)) or redis.call('HGET', KEYS[1], 'incarnation')
if holder and holder ~= ARGV[3] then return 0 end
redis.call('SREM', k_workers, KEYS[1])
for a = 4, #ARGV do redis.call('SREM', k_workers_of(ARGV[a]), KEYS[1]) end
redis.call('DEL', k_lease(w), k_running(w))
if redis.call('EXISTS', KEYS[1]) == 1 and redis.call('HSETNX', KEYS[1], 'death', iso(NOW_US)) == 1 then
  redis.call('HDEL', KEYS[1], 'current_job', 'incarnation')
  redis.call('EXPIRE', KEYS[1], 60)
end
return 1
