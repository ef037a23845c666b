-- Whether a job still waits for others. `rq:job::{id}:dependencies` names what a job still waits for, `rq:job:{id}:dependents`
-- who waits for it; a job leaves both with the end it was waited for. What is not there (any more) is not waited for:
-- a result may have expired. RQ's own workers leave ended jobs in the sets, so what is met is looked up, too.
--- @include keys
--- @include time
--- @include try
local WAITED_FOR = 1000 -- jobs that one job may wait for

-- Whether a dependency of this status need not be waited for. One that only its notes keep is gone.
local function met(status, exists, failures_allowed)
  if not exists or status == 'finished' then return true end
  return failures_allowed and (status == 'failed' or status == 'stopped')
end

local function is_met(id, failures_allowed)
  local h = try('HMGET', k_job(id), 'status', 'created_at', 'forget') or {}
  return met(h[1], (h[1] or h[2]) and not h[3], failures_allowed)
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
