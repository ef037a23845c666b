-- Gives up the locks of a scheduler; those that others took meanwhile stay.
-- KEYS: 1 the record of the scheduler (routing only)
-- ARGV: 1 prefix  2 scheduler  3.. queues
-- answers: how many were given up
--- @include keys
local given = 0
for a = 3, #ARGV do
  local key = k_scheduler_lock(ARGV[a])
  if redis.call('GET', key) == ARGV[2] then given = given + redis.call('DEL', key) end
end
return given
