-- Outcomes of claimed jobs. The lease is the fence. F finished; X the function raised; Y it raised what is not to be
-- retried; L its process was lost, H the same and its worker has handlers to tell (G, K: likewise, because its worker had
-- to end, which is not counted against the job: see lib/loss.lua for their payload); S stopped on request; R it returned
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
--- @include loss
-- The ttl of a failure whose worker has RQ's default exception handler disabled: the job gets the status, and no place
-- among the failed and no result. What else is to be done about it its handlers do.
local BARE = '-2'
local YEAR = 31536000 -- RQ's failure TTL when none is given

local function failure_ttl(o) return seconds(redis.call('HGET', k_job(o.id), 'failure_ttl'), YEAR) end

local function finish(o, worker, repeats_left)
  local left = repeats_left and seconds(repeats_left, 0) or 0
  if left > 0 then
    ended(k_job(o.id), 'finished', o)
    local answer = run_again(o, left, redis.call('HGET', k_job(o.id), 'repeat_intervals'))
    if answer then
      redis.call('HDEL', k_job(o.id), 'losses', 'deaths')
      if waited_for then tell_dependents(o.id, 'finished') end
      note_webhooks(o, worker, 'FINISHED')
      if o.ttl ~= '0' then store_result(o, worker, -1) end -- it lives with the job
      return answer
    end
  end
  close(o, worker, 'finished', 'finished', seconds(o.ttl, -1))
  return 'FINISHED'
end

local function fail(o, worker)
  local rule = o.kind == 'L' and lose(o, worker) or ''
  local h = redis.call('HMGET', k_job(o.id), 'retries_left', 'retries_used', 'retry_intervals',
    'enqueue_at_front_on_retry', 'failure_callback_name')
  local answer = another_try(o, rule, h)
  if o.kind == 'L' and (o.handlers or (h[5] and h[5] ~= '')) then leave_note('lost', o, worker, answer or 'FAILED') end
  if answer then return answer end
  if o.bare and (o.status ~= 'started' or redis.call('HGET', k_job(o.id), 'execution') ~= o.execution) then
    return 'KEPT' -- its handlers have put it elsewhere, where somebody may run it by now
  end
  close(o, worker, 'failed', 'failed', failure_ttl(o))
  return 'FAILED'
end

local function stop(o, worker)
  local callback = redis.call('HGET', k_job(o.id), 'stopped_callback_name')
  if callback and callback ~= '' then leave_note('stopped', o, worker, 'STOPPED') end
  close(o, worker, 'stopped', 'failed', failure_ttl(o))
  return 'STOPPED'
end

-- The function asked to be run again: `ttl` is the delay.
local function ask_again(o, worker)
  local key = k_job(o.id)
  local count = tonumber(redis.call('HGET', key, 'number_of_retries') or '') or 0
  local answer = again(o, seconds(o.ttl, 0), o.kind == 'A')
  if not answer then return fail(o, worker) end
  redis.call('HSET', key, 'number_of_retries', string.format('%.0f', count + 1))
  redis.call('HDEL', key, 'losses', 'deaths')
  store_result(o, worker, -1)
  return answer
end

-- What the outcome of a job whose lease was just taken does to it.
local function apply(o, worker)
  local status, announced, repeats_left
  local h = try('HMGET', k_job(o.id), 'status', 'announced', 'repeats_left', 'rate_limit_key', 'webhooks') or {}
  status, announced, repeats_left, o.limit, o.webhooks = unpack(h)
  if announced == o.execution or not status then unannounce(o.id, o.execution, worker) end
  if not status then return 'GONE' end
  if status == 'canceled' or status == 'stopped' then
    leave_limit(o.id, o.limit)
    return 'KEPT'
  end
  if o.kind == 'F' then return finish(o, worker, repeats_left) end
  if o.kind == 'S' then return stop(o, worker) end
  if o.kind == 'R' or o.kind == 'A' then return ask_again(o, worker) end
  o.bare, o.status = o.ttl == BARE and (o.kind == 'X' or o.kind == 'Y'), status
  local lost = LOST[o.kind]
  if lost then o.kind, o.handlers, o.spared = 'L', lost.handlers, lost.spared end
  return fail(o, worker)
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
