-- Jobs that wait for other jobs: a job that was stored looks up what it has to wait for, and both sides are written.
--- @include keys
--- @include time
--- @include try
--- @include place
--- @include waits

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

local WALK = 1000 -- jobs looked at for a circle

-- Whether a job would wait for itself through one of those it wants to wait for. Only a job that somebody waits for can.
local function is_circle(id, wanted)
  for _, other in ipairs(wanted) do
    if other == id then return true end
  end
  if (try('SCARD', k_dependents(id)) or 0) == 0 then return false end
  local todo, seen, at = { unpack(wanted) }, {}, 1
  while at <= #todo and at <= WALK do
    local other = todo[at]
    if other == id then return true end
    if not seen[other] and try('HGET', k_job(other), 'status') == 'deferred' then
      for _, next in ipairs(try('SRANDMEMBER', k_dependencies(other), 100) or {}) do todo[#todo + 1] = next end
    end
    seen[other] = true
    at = at + 1
  end
  return false
end

-- Whether a hash about to be written would make its job wait for itself.
local function is_circle_in(id, fields)
  for i = 1, #fields, 2 do
    if fields[i] == 'dependency_ids' then return is_circle(id, dependency_ids(fields[i + 1])) end
  end
  return false
end

-- A stored job goes where it waits next: for other jobs (DEFERRED), for its rate limit (RATE_LIMITED), or on its queue
-- (QUEUED). `front`: as asked by the caller, the hash may ask for it, too. One that came to wait for this job while it
-- was scheduled is not waited for: both would wait for ever.
local function arrive(q, id, front)
  local key = k_job(id)
  local h = redis.call('HMGET', key, 'dependency_ids', 'allow_dependency_failures', 'rate_limit_key',
    'rate_limit_concurrency', 'enqueue_at_front')
  local failures_allowed, waits = h[2] == '1', false
  for _, other in ipairs(dependency_ids(h[1])) do
    if not is_met(other, failures_allowed) and not is_circle(id, { other }) then
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

-- The answer for a job that was found stored by an earlier copy of its call: where it waits.
local WAITS = { deferred = 'DEFERRED', rate_limited = 'RATE_LIMITED' }
local function found_again(id) return WAITS[redis.call('HGET', k_job(id), 'status')] or 'AGAIN' end
