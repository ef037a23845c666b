-- Jobs that wait for other jobs. `rq:job::{id}:dependencies` names what a job still waits for, `rq:job:{id}:dependents`
-- who waits for it; a job leaves both with the end it was waited for. What is not there (any more) is not waited for:
-- a result may have expired. RQ's own workers leave ended jobs in the sets, so what is met is looked up, too.
--- @include keys
--- @include time
--- @include try
--- @include place
local WAITED_FOR = 1000 -- jobs that one job may wait for

-- Whether a dependency of this status need not be waited for.
local function met(status, exists, failures_allowed)
  if not exists or status == 'finished' then return true end
  return failures_allowed and (status == 'failed' or status == 'stopped')
end

local function is_met(id, failures_allowed)
  local h = try('HMGET', k_job(id), 'status', 'created_at') or {}
  return met(h[1], h[1] or h[2], failures_allowed)
end

-- Whether a job still waits for others; forgets those that it need not wait for.
local function still_waits(id, failures_allowed)
  local key = k_dependencies(id)
  for _ = 1, WAITED_FOR do
    local other = try('SRANDMEMBER', key)
    if not other then return false end
    if not is_met(other, failures_allowed) then return true end
    redis.call('SREM', key, other)
  end
  return true
end

-- The set of those who wait for a failed or canceled job lives as long as the job. For one that may still run it does
-- not expire: who finds the job expired tells them.
local ENDED = { failed = true, stopped = true, canceled = true }
local function live_with(id)
  if not ENDED[try('HGET', k_job(id), 'status')] then return end
  local left = redis.call('PTTL', k_job(id))
  if left > 0 then redis.call('PEXPIRE', k_dependents(id), left) end
end

local function dependency_ids(json)
  local ok, ids = pcall(cjson.decode, json or '[]')
  if not ok or type(ids) ~= 'table' then return {} end
  local found, seen = {}, {}
  for _, id in ipairs(ids) do
    if type(id) == 'string' and not seen[id] and #found < WAITED_FOR then found[#found + 1] = id end
    seen[id] = true
  end
  return found
end

-- A stored job goes where it waits next: for other jobs (DEFERRED), for its rate limit (RATE_LIMITED), or on its queue
-- (QUEUED). `front`: as asked by the caller, the hash may ask for it, too.
local function arrive(q, id, front)
  local key = k_job(id)
  local h = redis.call('HMGET', key, 'dependency_ids', 'allow_dependency_failures', 'rate_limit_key',
    'rate_limit_concurrency', 'enqueue_at_front')
  local failures_allowed, waits = h[2] == '1', false
  for _, other in ipairs(dependency_ids(h[1])) do
    if not is_met(other, failures_allowed) then
      waits = true
      try('SADD', k_dependents(other), id)
      try('SADD', k_dependencies(id), other)
      live_with(other)
    end
  end
  if not waits then return place(q, id, front or h[5] == '1', h[3], h[4]) end
  redis.call('HSET', key, 'status', 'deferred')
  redis.call('ZADD', k_registry('deferred', q), NOW, id)
  local left = redis.call('PTTL', key)
  if left > 0 then redis.call('PEXPIRE', k_dependencies(id), left) end
  return 'DEFERRED'
end
