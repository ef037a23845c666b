-- Outcomes of claimed jobs: F finished, X the function raised, L its process was lost. The lease is the fence.
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
    for i = 1, #list, 1000 do redis.call('ZADD', key, unpack(list, i, math.min(i + 999, #list))) end
  end
  sets = {}
end

-- Deleted as it ended: what is left for 30 s is the nonce of its enqueue, should that be sent again.
local function forget(id)
  local call = redis.call('HGET', k_job(id), 'call') or '1'
  redis.call('DEL', k_job(id), k_results(id), k_dependents(id), k_dependencies(id))
  redis.call('SET', k_gone(id), call, 'EX', 30)
end

local function finish(o, worker)
  if o.ttl == 0 then forget(o.id) return end
  local key = k_job(o.id)
  redis.call('HSET', key, 'status', 'finished', 'started_at', iso(o.started), 'ended_at', iso(o.ended))
  if o.ttl > 0 then redis.call('EXPIRE', key, o.ttl) end
  note(k_registry('finished', o.queue), o.ttl > 0 and NOW + o.ttl or '+inf', o.id)
  store_result(o, worker, o.ttl)
end

-- Retries are counted down in the hash; the n-th wait is the n-th interval, the last one repeats.
local function retry(o, left, intervals, front)
  local key = k_job(o.id)
  redis.call('HINCRBY', key, 'retries_left', -1)
  local used = redis.call('HINCRBY', key, 'retries_used', 1)
  local ok, waits = pcall(cjson.decode, intervals or '[]')
  local delay = 0
  if ok and type(waits) == 'table' and #waits > 0 then delay = tonumber(waits[math.min(used, #waits)]) or 0 end
  if delay > 0 then
    redis.call('HSET', key, 'status', 'scheduled')
    redis.call('ZADD', k_registry('scheduled', o.queue), NOW + delay, o.id)
    return 'SCHEDULED'
  end
  redis.call('HSET', key, 'status', 'queued', 'enqueued_at', iso(NOW_US))
  redis.call(front == '1' and 'LPUSH' or 'RPUSH', k_queue(o.queue), o.id)
  wake(o.queue)
  return 'QUEUED'
end

local function fail(o, worker, h)
  local left = tonumber(h[2]) or 0
  if left > 0 then return retry(o, left, h[3], h[4]) end
  local ttl = tonumber(h[5]) or YEAR
  if ttl == 0 then forget(o.id) return 'FAILED' end
  local key = k_job(o.id)
  redis.call('HSET', key, 'status', 'failed', 'ended_at', iso(o.ended > 0 and o.ended or NOW_US))
  if o.started > 0 then redis.call('HSET', key, 'started_at', iso(o.started)) end
  if ttl > 0 then redis.call('EXPIRE', key, ttl) end
  note(k_registry('failed', o.queue), ttl > 0 and NOW + ttl or -1, o.id)
  store_result(o, worker, ttl)
  return 'FAILED'
end

-- Applies one outcome. Answers what became of it: FINISHED, FAILED, QUEUED or SCHEDULED (a retry), GONE (the hash is
-- no more), KEPT (canceled or stopped meanwhile: the status stays), STALE (no lease: nothing moved).
local function settle(o, worker)
  if redis.call('ZREM', k_wip(o.queue), o.id .. ':' .. o.execution) == 0 then return 'STALE' end
  local h = redis.call('HMGET', k_job(o.id), 'status', 'retries_left', 'retry_intervals', 'enqueue_at_front_on_retry',
    'failure_ttl', 'announced')
  if h[6] == o.execution or not h[1] then unannounce(o.id, o.execution, worker) end
  if not h[1] then return 'GONE' end
  if h[1] == 'canceled' or h[1] == 'stopped' then return 'KEPT' end
  if o.kind == 'F' then finish(o, worker) return 'FINISHED' end
  return fail(o, worker, h)
end

-- Outcomes from ARGV: 8 each, see store_result. Answers the answer of each.
local OUTCOME_ARGS = 8
local function settle_argv(first, count, worker)
  local answers = {}
  for i = 0, count - 1 do
    local a = first + i * OUTCOME_ARGS
    answers[#answers + 1] = settle({ kind = ARGV[a], queue = ARGV[a + 1], id = ARGV[a + 2], execution = ARGV[a + 3],
      started = tonumber(ARGV[a + 4]), ended = tonumber(ARGV[a + 5]), ttl = tonumber(ARGV[a + 6]),
      payload = ARGV[a + 7] }, worker)
  end
  settled()
  return answers
end
