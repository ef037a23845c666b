-- A claimed job that has not begun goes back to the head of its queue. Callers give members last first, so that the
-- order is kept. The lease is the fence: no lease, nothing happens. Answers 1 if it moved.
--- @include keys
--- @include wake
--- @include leave
--- @include limit
local function give_back(q, id, e)
  if not try('LLEN', k_queue(q)) or try('ZREM', k_wip(q), id .. ':' .. e) ~= 1 then return 0 end
  local key = k_job(id)
  local h = try('HMGET', key, 'status', 'expire_at', 'announced', 'worker_name', 'rate_limit_key') or {}
  if h[3] == e then unannounce(id, e, h[4] or '') end
  if h[1] == 'canceled' or h[1] == 'stopped' then leave_limit(id, h[5]) end
  if not h[1] or h[1] == 'canceled' or h[1] == 'stopped' then return 0 end
  redis.call('HDEL', key, 'started_at', 'worker_name', 'execution', 'announced', 'expire_at')
  redis.call('HSET', key, 'status', 'queued')
  local expires = tonumber(h[2])
  if expires then redis.call('PEXPIREAT', key, string.format('%.0f', expires)) end
  redis.call('LPUSH', k_queue(q), id)
  wake(q)
  return 1
end
