-- Deletes a stretch of a queue with its jobs, head first. Callers repeat it, so that nobody waits long.
-- KEYS: 1 the list of the queue
-- ARGV: 1 prefix  2 jobs at most (up to 1,000)
-- answers: how many ids were taken off the list
--- @include keys
local ids = redis.call('LPOP', KEYS[1], ARGV[2])
if not ids then return 0 end
for _, id in ipairs(ids) do
  redis.call('DEL', k_job(id), k_results(id), k_dependents(id), k_dependencies(id))
end
return #ids
