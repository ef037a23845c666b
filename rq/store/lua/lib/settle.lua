-- Outcomes of claimed jobs: F finished, X the function raised, L its process was lost. The lease is the fence.
--- @include keys
--- @include time
--- @include try
--- @include leave
--- @include results
--- @include retry
local YEAR = 31536000 -- RQ's failure TTL when none is given
local sets = {} -- key -> flat score, id, ...: written once per script by settled()

local function note(key, score, id)
  local list = sets[key]
  if not list then list = {}; sets[key] = list end
  list[#list + 1] = score
  list[#list + 1] = id
end

local function settled()
  for key, list in pairs(sets) do
    for i = 1, #list, 1000 do try('ZADD', key, unpack(list, i, math.min(i + 999, #list))) end
  end
  sets = {}
end

-- Deleted as it ended: what is left for 30 s is the nonce of its enqueue, should that be sent again.
local function forget(id)
  local call = redis.call('HGET', k_job(id), 'call') or '1'
  redis.call('DEL', k_job(id), k_results(id), k_dependents(id), k_dependencies(id))
  redis.call('SET', k_gone(id), call, 'EX', 30)
end

local function ended(key, status, o)
  if o.started > 0 then
    redis.call('HSET', key, 'status', status, 'started_at', iso(o.started), 'ended_at', iso(o.ended))
  else -- its process took what it knew with it
    redis.call('HSET', key, 'status', status, 'ended_at', iso(NOW_US))
  end
end

local function finish(o, worker)
  local ttl = seconds(o.ttl, -1)
  if ttl == 0 then forget(o.id) return end
  local key = k_job(o.id)
  ended(key, 'finished', o)
  if ttl > 0 then redis.call('EXPIRE', key, ttl) end
  note(k_registry('finished', o.queue), ttl > 0 and NOW + ttl or '+inf', o.id)
  store_result(o, worker, ttl)
end

local function fail(o, worker, h)
  local left = seconds(h[2], 0)
  local again = left > 0 and retry(o, left, seconds(h[7], 0) + 1, h[3], h[4])
  if again then return again end
  local ttl = seconds(h[5], YEAR)
  if ttl == 0 then forget(o.id) return 'FAILED' end
  local key = k_job(o.id)
  ended(key, 'failed', o)
  if ttl > 0 then redis.call('EXPIRE', key, ttl) end
  note(k_registry('failed', o.queue), ttl > 0 and NOW + ttl or -1, o.id)
  store_result(o, worker, ttl)
  return 'FAILED'
end

-- What the outcome of a job whose lease was just taken does to it.
local function apply(o, worker)
  local h = try('HMGET', k_job(o.id), 'status', 'retries_left', 'retry_intervals', 'enqueue_at_front_on_retry',
    'failure_ttl', 'announced', 'retries_used') or {}
  if h[6] == o.execution or not h[1] then unannounce(o.id, o.execution, worker) end
  if not h[1] then return 'GONE' end
  if h[1] == 'canceled' or h[1] == 'stopped' then return 'KEPT' end
  if o.kind == 'F' then finish(o, worker) return 'FINISHED' end
  return fail(o, worker, h)
end

-- Applies one outcome. Answers what became of it: FINISHED, FAILED, QUEUED or SCHEDULED (a retry), GONE (the hash is
-- no more), KEPT (canceled or stopped meanwhile: the status stays), STALE (no lease: nothing moved).
local function settle(o, worker)
  local member = o.id .. ':' .. o.execution
  if try('ZREM', k_wip(o.queue), member) == 1 then return apply(o, worker) end
  -- Another RQ took the lease and knows nothing of all our traces.
  if try('SISMEMBER', k_running(worker), member) == 1 then unannounce(o.id, o.execution, worker) end
  return 'STALE'
end

-- An outcome from the eight arguments at `a`, see store_result.
local OUTCOME_ARGS = 8
local function outcome(a)
  return { kind = ARGV[a], queue = ARGV[a + 1], id = ARGV[a + 2], execution = ARGV[a + 3],
    started = tonumber(ARGV[a + 4]), ended = tonumber(ARGV[a + 5]), ttl = ARGV[a + 6], payload = ARGV[a + 7] }
end

-- Settles `count` outcomes of ARGV. Answers the answer of each.
local function settle_argv(first, count, worker)
  local answers = {}
  for i = 0, count - 1 do answers[#answers + 1] = settle(outcome(first + i * OUTCOME_ARGS), worker) end
  settled()
  return answers
end
