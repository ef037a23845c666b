-- Outcomes of claimed jobs. The lease is the fence. F finished; X the function raised; Y it raised what is not to be
-- retried; L its process was lost, H the same and its worker has handlers to tell; S stopped on request; R it returned
-- a Retry (ttl: seconds until then), A the same to the head of the queue; M it returned one too many.
--- @include keys
--- @include time
--- @include try
--- @include leave
--- @include results
--- @include retry
--- @include depend
--- @include note
--- @include close
local YEAR = 31536000 -- RQ's failure TTL when none is given

local function finish(o, worker, h)
  local left = h[10] and seconds(h[10], 0) or 0
  if left > 0 then
    ended(k_job(o.id), 'finished', o)
    local answer = run_again(o, left, h[11], h[8])
    if answer then
      if waited_for then tell_dependents(o.id, 'finished') end
      if h[9] and h[9] ~= '' and worker ~= 'sync' then leave_note('webhook', o, worker, 'FINISHED') end
      if o.ttl ~= '0' then store_result(o, worker, -1) end -- it lives with the job
      return answer
    end
  end
  close(o, worker, h, 'finished', 'finished', seconds(o.ttl, -1))
  return 'FINISHED'
end

local function fail(o, worker, h)
  local left = (o.kind == 'X' or o.kind == 'L') and seconds(h[2], 0) or 0
  local answer = left > 0 and retry(o, left, seconds(h[7], 0) + 1, h[3], h[4], h[8])
  if o.lost and (o.handlers or (h[12] and h[12] ~= '')) then leave_note('lost', o, worker, answer or 'FAILED') end
  if answer then return answer end
  close(o, worker, h, 'failed', 'failed', seconds(h[5], YEAR))
  return 'FAILED'
end

local function stop(o, worker, h)
  local callback = redis.call('HGET', k_job(o.id), 'stopped_callback_name')
  if callback and callback ~= '' then leave_note('stopped', o, worker, 'STOPPED') end
  close(o, worker, h, 'stopped', 'failed', seconds(h[5], YEAR))
  return 'STOPPED'
end

-- The function asked to be run again: `ttl` is the delay.
local function ask_again(o, worker, h)
  local key = k_job(o.id)
  local count = tonumber(redis.call('HGET', key, 'number_of_retries') or '') or 0
  local answer = again(o, seconds(o.ttl, 0), o.kind == 'A', h[8])
  if not answer then return fail(o, worker, h) end
  redis.call('HSET', key, 'number_of_retries', string.format('%.0f', count + 1))
  store_result(o, worker, -1)
  return answer
end

-- What the outcome of a job whose lease was just taken does to it.
local function apply(o, worker)
  local h = try('HMGET', k_job(o.id), 'status', 'retries_left', 'retry_intervals', 'enqueue_at_front_on_retry',
    'failure_ttl', 'announced', 'retries_used', 'rate_limit_key', 'webhooks', 'repeats_left', 'repeat_intervals',
    'failure_callback_name') or {}
  if h[6] == o.execution or not h[1] then unannounce(o.id, o.execution, worker) end
  if not h[1] then return 'GONE' end
  if h[1] == 'canceled' or h[1] == 'stopped' then
    leave_limit(o.id, h[8])
    return 'KEPT'
  end
  if o.kind == 'F' then return finish(o, worker, h) end
  if o.kind == 'S' then return stop(o, worker, h) end
  if o.kind == 'R' or o.kind == 'A' then return ask_again(o, worker, h) end
  if o.kind == 'H' then o.kind, o.handlers = 'L', true end
  o.lost = o.kind == 'L'
  return fail(o, worker, h)
end

-- Applies one outcome. Answers what became of it: FINISHED, FAILED, STOPPED, QUEUED or SCHEDULED (another try), GONE
-- (the hash is no more), KEPT (canceled or stopped meanwhile: the status stays), STALE (no lease: nothing moved).
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
  local answers, dependents = {}, {}
  for i = 1, count do dependents[i] = k_dependents(ARGV[first + (i - 1) * OUTCOME_ARGS + 2]) end
  waited_for = count > 0 and (count > 1000 or redis.call('EXISTS', unpack(dependents)) > 0)
  for i = 0, count - 1 do answers[#answers + 1] = settle(outcome(first + i * OUTCOME_ARGS), worker) end
  settled()
  return answers
end
