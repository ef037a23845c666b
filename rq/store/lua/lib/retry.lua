-- A job's next try: on its queue, or among the scheduled until its time.
--- @include keys
--- @include time
--- @include try
--- @include wake
--- @include limit
local LONGEST = 1e10 -- seconds, 317 years: a TTL past it would overflow in EXPIRE

-- Fields of a hash may hold anything: a number of seconds, whole, or the default.
local function seconds(value, default)
  local n = tonumber(value)
  if not n or n ~= n then return default end
  return math.floor(math.max(-1, math.min(n, LONGEST)))
end

-- The list of numbers in a field, empty where there is none.
local function numbers(json)
  local ok, found = pcall(cjson.decode, json or '[]')
  return ok and type(found) == 'table' and found or {}
end

-- Never early: the due time is rounded up to a millisecond. A slot of a rate limit is kept unless the job has to wait for its time.
-- Answers QUEUED or SCHEDULED; nil where the job cannot be put anywhere.
local function again(o, delay, front)
  local answer, done = 'QUEUED', nil
  if delay > 0 then
    answer = 'SCHEDULED'
    local due = math.ceil(NOW_US / 1e3 + math.min(delay, LONGEST) * 1e3)
    done = try('ZADD', k_registry('scheduled', o.queue), string.format('%.3f', due / 1e3), o.id)
  else
    done = try(front and 'LPUSH' or 'RPUSH', k_queue(o.queue), o.id)
  end
  if not done then return nil end
  redis.call('HSET', k_job(o.id), 'status', string.lower(answer))
  if answer == 'QUEUED' then
    redis.call('HSET', k_job(o.id), 'enqueued_at', iso(NOW_US))
    wake(o.queue)
  else
    leave_limit(o.id, o.limit)
  end
  return answer
end

-- Retries are counted down in the hash; the n-th wait is the n-th interval, the last one repeats.
local function retry(o, left, used, intervals, front)
  local waits = numbers(intervals)
  local delay = #waits > 0 and tonumber(waits[math.min(used, #waits)]) or 0
  local answer = again(o, delay, front == '1')
  if answer then
    redis.call('HSET', k_job(o.id), 'retries_left', string.format('%.0f', left - 1),
      'retries_used', string.format('%.0f', used))
  end
  return answer
end

-- Runs after a success. The first interval is used up, as RQ's are, but for the last one.
local function run_again(o, left, intervals)
  local waits = numbers(intervals)
  local delay = #waits > 0 and tonumber(waits[1]) or 0
  local answer = again(o, delay, false)
  if answer then
    if #waits > 1 then table.remove(waits, 1) end
    redis.call('HSET', k_job(o.id), 'repeats_left', string.format('%.0f', left - 1),
      'repeat_intervals', #waits > 0 and cjson.encode(waits) or '[]')
  end
  return answer
end
