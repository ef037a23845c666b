-- The end of a job that others wait for: they are released, go on waiting for more, or are canceled.
--- @include keys
--- @include time
--- @include try
--- @include place
--- @include waits
local AT_ONCE = 200 -- dependents of one job that are dealt with in the script that ends it; more: lua/release_dependents

-- What the end of `parent` means to one job that waits for it. `how`: finished, failed, gone (deleted or expired
-- without an end) or all (released whatever became of it). Answers the queue if the job was released, and whether it
-- goes on waiting for this very job (a failed one may be requeued).
local function end_of(parent, id, how)
  local h = try('HMGET', k_job(id), 'status', 'origin', 'allow_dependency_failures', 'rate_limit_key',
    'rate_limit_concurrency', 'enqueue_at_front') or {}
  local failures_allowed = h[3] == '1'
  if h[1] ~= 'deferred' or not h[2] then return nil, false end
  if how == 'failed' and not failures_allowed then return nil, true end
  if try('SREM', k_dependencies(id), parent) == 0 then return nil, false end -- of an earlier use of its id
  if how == 'gone' and not failures_allowed then -- it will never finish: nothing may wait for ever
    try('ZREM', k_registry('deferred', h[2]), id)
    redis.call('HSET', k_job(id), 'status', 'canceled')
    try('ZADD', k_registry('canceled', h[2]), NOW, id)
    return nil, false
  end
  if still_waits(id, failures_allowed) then return nil, false end
  try('ZREM', k_registry('deferred', h[2]), id)
  place(h[2], id, h[6] == '1', h[4], h[5])
  return h[2], false
end

local dealt_with = 0 -- dependents met by this script: what is beyond AT_ONCE is done later, whatever pack it is in

-- Tells those who wait for `parent` of its end. Answers {queue, id, ...} of the released ones.
local function tell_dependents(parent, how)
  local key, released = k_dependents(parent), {}
  local count = try('SCARD', key) or 0
  if count == 0 then return released end
  if dealt_with + count > AT_ONCE then
    redis.call('HSET', k_releasing, parent, how)
    redis.call('PERSIST', key)
    return released
  end
  dealt_with = dealt_with + count
  for _, id in ipairs(redis.call('SMEMBERS', key)) do
    local q, waits = end_of(parent, id, how)
    if not waits then redis.call('SREM', key, id) end
    if q then
      released[#released + 1] = q
      released[#released + 1] = id
    end
  end
  return released
end
