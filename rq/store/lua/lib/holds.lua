-- Whether a job may hold a slot of its rate limit: it is on its queue or runs.
--- @include keys
--- @include leave
local function holds(id)
  local h = try('HMGET', k_job(id), 'status', 'origin', 'execution') or {}
  if h[1] == 'queued' or h[1] == 'started' then return true end
  return h[1] == 'canceled' and h[2] and running(h[2], id, h[1], h[3])
end
