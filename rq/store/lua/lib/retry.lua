-- A failed job's next try: on its queue, or among the scheduled until its time.
--- @include keys
--- @include time
--- @include try
--- @include wake
local LONGEST = 1e10 -- seconds, 317 years: a TTL past it would overflow in EXPIRE

-- Fields of a hash may hold anything: a number of seconds, whole, or the default.
local function seconds(value, default)
  local n = tonumber(value)
  if not n or n ~= n then return default end
  return math.floor(math.max(-1, math.min(n, LONGEST)))
end

-- Retries are counted down in the hash; the n-th wait is the n-th interval, the last one repeats. Never early: the due
-- time is rounded up. Answers nil where the job cannot be put anywhere.
local function retry(o, left, used, intervals, front)
  local ok, waits = pcall(cjson.decode, intervals or '[]')
  local delay, answer, done = 0, 'QUEUED', nil
  if ok and type(waits) == 'table' and #waits > 0 then
    delay = tonumber(waits[math.min(used, #waits)]) or 0
  end
  if delay > 0 then
    answer = 'SCHEDULED'
    local due = math.ceil(NOW_US / 1e6 + math.min(delay, LONGEST))
    done = try('ZADD', k_registry('scheduled', o.queue), due, o.id)
  else
    done = try(front == '1' and 'LPUSH' or 'RPUSH', k_queue(o.queue), o.id)
  end
  if not done then return nil end
  redis.call('HSET', k_job(o.id), 'status', string.lower(answer), 'retries_left', string.format('%.0f', left - 1),
    'retries_used', string.format('%.0f', used))
  if answer == 'QUEUED' then
    redis.call('HSET', k_job(o.id), 'enqueued_at', iso(NOW_US))
    wake(o.queue)
  end
  return answer
end
