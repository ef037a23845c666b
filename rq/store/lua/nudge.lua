-- Wakes a worker for jobs that nobody announced: pushes of other RQs, tokens that died with their worker. One
-- supervisor at a time does it for all queues; the others learn when to ask again.
-- KEYS: 1 the lock
-- ARGV: 1 prefix  2 who asks  3 how long the right lasts (milliseconds)  4 '1' to do it without the right and end it
--       5.. queues to look at besides the known ones (up to 1,000 known ones are looked at)
-- answers: milliseconds until the right may be free (0: it is ours and the queues were looked at)
--- @include keys
--- @include wake
local holder, leaving = redis.call('GET', KEYS[1]), ARGV[4] == '1'
if holder and holder ~= ARGV[2] and not leaving then
  local left = redis.call('PTTL', KEYS[1])
  if left > 0 then return left end
end
-- The first write needs no memory, so that a full server wakes workers too.
redis.call('DEL', (not leaving or holder == ARGV[2]) and KEYS[1] or k_wake(''))
if not leaving then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end

local lists = {}
for a = 5, #ARGV do lists[k_queue(ARGV[a])] = true end
if not leaving then
  local known = redis.call('SCARD', k_queues) <= 1000 and redis.call('SMEMBERS', k_queues)
    or redis.call('SRANDMEMBER', k_queues, 1000)
  for _, key in ipairs(known) do lists[key] = true end
end
local start = #k_queue('') + 1
for list in pairs(lists) do
  if (try('LLEN', list) or 0) > 0 then wake(string.sub(list, start)) end
end
return 0
