-- A job goes for good, with all that belongs to it: those who wait for it learn of it, its places are given up.
--- @include keys
--- @include try
--- @include leave
--- @include limit
--- @include depend
-- Its list, registries and leases are the caller's to leave first. `put_away`: does what it likes with the hash and the
-- results instead. Answers 1 if there was a hash.
local function erase(id, put_away)
  local h = try('HMGET', k_job(id), 'status', 'group_id', 'rate_limit_key') or {}
  forget_others(id)
  local existed = put_away and put_away() or redis.call('DEL', k_job(id))
  redis.call('DEL', k_results(id), k_dependencies(id))
  tell_dependents(id, h[1] == 'finished' and 'finished' or 'gone')
  if not redis.call('HGET', k_releasing, id) then redis.call('DEL', k_dependents(id)) end
  if h[2] and h[2] ~= '' then try('SREM', k_group(h[2]), id) end
  leave_limit(id, h[3])
  return existed
end
