-- Whether a job is still as somebody saw it who now wants it changed: in the same home, and come to it by then.
--- @include keys
--- @include time
--- @include leave
local FIELDS = { 'status', 'origin', 'execution', 'created_at', 'enqueued_at', 'ended_at', 'rate_limit_key',
  'rate_limit_concurrency', 'enqueue_at_front', 'sig' }
local SINCE = { queued = 'enqueued_at', finished = 'ended_at', failed = 'ended_at', stopped = 'ended_at' }
local SCORED = { canceled = true, deferred = true } -- their scores say since when

local function came_after(id, h, home, before)
  if SCORED[home] and h.origin then
    local score = try('ZSCORE', k_registry(home, h.origin), id)
    if score then return tonumber(score) > before end
  end
  local at = h[SINCE[h.status] or 'created_at'] or h.created_at
  return at ~= nil and at > iso(math.floor(before * 1e6))
end

-- The fields of a job that may be changed; else nil and why not: GONE, LATER, BROKEN, or the status that it has now, which
-- is `started` for whatever a live lease holds. `home`: a status, `failed` for both kinds of those; '' any. `before`:
-- epoch, '' any.
local function seen(id, home, before)
  local flat = try('HMGET', k_job(id), unpack(FIELDS))
  if not flat then return nil, 'BROKEN' end
  local h = {}
  for i, name in ipairs(FIELDS) do h[name] = flat[i] or nil end
  if not (h.status or h.created_at or h.origin) then return nil, 'GONE' end
  h.status = h.status or 'created'
  h.home = HOME[h.status] or h.status
  if h.origin and running(h.origin, id, h.status, h.execution) then return nil, 'started' end
  if home ~= '' and home ~= h.home then return nil, h.status end
  if before ~= '' and came_after(id, h, h.home, tonumber(before)) then return nil, 'LATER' end
  return h
end
