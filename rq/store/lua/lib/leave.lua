-- A job leaves the home that its hash names, so that it is never in two (invariant I1).
--- @include keys
--- @include try
local HOME = { finished = 'finished', failed = 'failed', stopped = 'failed', deferred = 'deferred',
  scheduled = 'scheduled', canceled = 'canceled', ready_to_enqueue = 'ready' }
local KINDS = { 'finished', 'failed', 'deferred', 'scheduled', 'canceled', 'ready' }

-- Readers' traces of an announced run.
local function unannounce(id, e, w)
  redis.call('DEL', k_execution(id, e))
  try('ZREM', k_executions(id), e)
  if try('SREM', k_running(w), id .. ':' .. e) ~= 1 or try('HGET', k_worker(w), 'current_job') ~= id then return end
  local current = try('HGET', k_job(id), 'announced')
  if not current or current == e then redis.call('HDEL', k_worker(w), 'current_job') end -- else a later run of it
end

-- The runs that readers know of; RQ's jobs name theirs nowhere else.
local function announced(id) return try('ZRANGE', k_executions(id), 0, 99) or {} end

-- Whether a live lease holds it, ours or another RQ's.
local function running(q, id, status, e)
  if e and redis.call('ZSCORE', k_wip(q), id .. ':' .. e) then return true end
  if status ~= 'started' then return false end
  for _, other in ipairs(announced(id)) do
    if redis.call('ZSCORE', k_wip(q), id .. ':' .. other) then return true end
  end
  return false
end

-- Ends a job's leases and their traces: what its runs still report is STALE.
local function revoke(q, id, e, w)
  if e then
    try('ZREM', k_wip(q), id .. ':' .. e)
    unannounce(id, e, w or '')
  end
  for _, other in ipairs(announced(id)) do
    try('ZREM', k_wip(q), id .. ':' .. other)
    unannounce(id, other, w or '')
  end
end

-- Out of the list and the registries of a queue. Where the hash does not tell the truth, all are searched: O(waiting).
local function leave(id, status, q, keep_on_list)
  if status == 'started' or status == 'created' then return end
  if status == 'rate_limited' then
    try('ZREM', k_limit_waiters(try('HGET', k_job(id), 'rate_limit_key') or ''), id)
    return
  end
  local kind = HOME[status]
  if kind and try('ZREM', k_registry(kind, q), id) == 1 then return end
  local taken = not keep_on_list and try('LREM', k_queue(q), 0, id) or 0
  if status == 'queued' and taken > 0 then return end
  for _, other in ipairs(KINDS) do try('ZREM', k_registry(other, q), id) end
end

-- Those that a job waits for forget it, and it them.
local function forget_others(id)
  for _, other in ipairs(try('SRANDMEMBER', k_dependencies(id), 1000) or {}) do
    try('SREM', k_dependents(other), id)
    try('SREM', k_dependencies(id), other)
  end
end
