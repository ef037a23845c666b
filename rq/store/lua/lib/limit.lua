-- Rate limits: at most so many jobs of a key are queued or running, the others wait, the longest waiting first. RQ 3.0's
-- keys. A slot is held from the queue to the end of the run, and through retries and repeats without a pause.
--- @include keys
--- @include time
--- @include try
--- @include wake
local ADMITTED = 1000 -- jobs a call at most; who gives back a slot next admits the rest

-- Waiting jobs take the slots that are free. Ids that are no waiting jobs any more are dropped.
local function admit(name)
  local most = tonumber(try('HGET', k_limit(name), 'concurrency') or '') or 1
  local free = most - (try('ZCARD', k_limit_holders(name)) or most)
  for _ = 1, ADMITTED do
    local first = free > 0 and try('ZPOPMIN', k_limit_waiters(name)) or {}
    if not first[1] then return end
    local h = try('HMGET', k_job(first[1]), 'status', 'origin', 'enqueue_at_front') or {}
    if h[1] == 'rate_limited' and h[2] and try('LLEN', k_queue(h[2])) then
      free = free - 1
      redis.call('ZADD', k_limit_holders(name), NOW, first[1])
      redis.call('HSET', k_job(first[1]), 'status', 'queued', 'enqueued_at', iso(NOW_US))
      redis.call(h[3] == '1' and 'LPUSH' or 'RPUSH', k_queue(h[2]), first[1])
      wake(h[2])
    end
  end
end

local parked = 0 -- by this script: those parked in one step keep their order

-- A stored job asks for a slot. Whether it got one: then it is on its queue; else it waits and its status says so.
local function ask_limit(id, name, most)
  local key = k_job(id)
  redis.call('SADD', k_limits, name)
  redis.call('HSET', k_limit(name), 'concurrency', most)
  redis.call('HSET', key, 'status', 'rate_limited')
  try('ZREM', k_limit_holders(name), id)
  try('ZADD', k_limit_waiters(name), 'NX', string.format('%.6f', (NOW_US + parked) / 1e6), id)
  parked = parked + 1
  admit(name)
  return redis.call('HGET', key, 'status') == 'queued'
end

-- A job gives back its slot, or its place among those that wait.
local function leave_limit(id, name)
  if not name or name == '' then return end
  try('ZREM', k_limit_waiters(name), id)
  if try('ZREM', k_limit_holders(name), id) == 1 then admit(name) end
end
