-- Takes or renews the locks by which one scheduler alone queues what is due in some queues; another's lock stays.
-- KEYS: 1 the record of the scheduler (routing only)
-- ARGV: 1 prefix  2 scheduler  3 TTL (seconds)  4.. queues
-- answers: for each queue in their order NEW, KEPT (it was ours before) or OTHERS
--- @include keys
local name, ttl, answer = ARGV[2], ARGV[3], {}
for a = 4, #ARGV do
  local key = k_scheduler_lock(ARGV[a])
  local holder = redis.call('GET', key)
  if holder and holder ~= name then
    answer[#answer + 1] = 'OTHERS'
  else
    redis.call('SET', key, name, 'EX', ttl)
    answer[#answer + 1] = holder and 'KEPT' or 'NEW'
  end
end
return answer
