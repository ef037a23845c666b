-- The registry of RQ 3.0's in which a job is between `deferred` and its queue.
--- @include keys
--- @include try
--- @include place
-- A job goes where it waits next. Answers 1, or 0 where it was not ready: then only its id leaves the registry.
local function leave_ready(q, id)
  local h = try('HMGET', k_job(id), 'status', 'enqueue_at_front', 'rate_limit_key', 'rate_limit_concurrency') or {}
  if try('ZREM', k_registry('ready', q), id) ~= 1 or h[1] ~= 'ready_to_enqueue' then return 0 end
  place(q, id, h[2] == '1', h[3], h[4])
  return 1
end
