-- Wakes a worker for jobs that nobody announced: pushes of other RQs, tokens that died with their worker. One
-- supervisor at a time does it for all queues; the others learn when to ask again.
-- KEYS: 1 the lock
-- ARGV: 1 prefix  2 who asks  3 how long the right lasts (milliseconds)  4 '1' to do it without the right and end it
--       5.. queues to look at besides the known ones
-- answers: milliseconds until the right may be free (0: it is ours and the queues were looked at)
--- @include keys
--- @include wake
local holder = redis.call('GET', KEYS[1])
local leaving = ARGV[4] == '1'
if holder and holder ~= ARGV[2] and not leaving then return math.max(1, redis.call('PTTL', KEYS[1])) end
if leaving then
  if holder == ARGV[2] then redis.call('DEL', KEYS[1]) end
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
local keys = {}
for a = 5, #ARGV do keys[k_queue(ARGV[a])] = true end
if not leaving then
  local known = redis.call('SCARD', P .. 'queues') <= 1000 and redis.call('SMEMBERS', P .. 'queues')
    or redis.call('SRANDMEMBER', P .. 'queues', 1000)
  for _, key in ipairs(known) do keys[key] = true end
end
local start = #k_queue('') + 1
for key in pairs(keys) do
  if redis.call('LLEN', key) > 0 then wake(string.sub(key, start)) end
end
return 0
