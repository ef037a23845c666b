-- Moves scheduled jobs whose time has come, by Redis time, to their queues, oldest first. Twice does no harm. Canceled
-- and running ones only leave the schedule. A queue whose lock another RQ's scheduler holds is left to it: it reads what is
-- due and pushes it later, so it would push again what we had moved meanwhile. Its lock ends 61 s after it.
-- KEYS: 1 the list of the first queue (routing only)
-- ARGV: 1 prefix  2 jobs at most (up to 1,000): each queue has its share, what is left goes to the first
--       that have more  3.. queues
-- answers: {jobs moved, milliseconds until the next is due or '' when there is none, jobs whose dependents are still to be
--       told of their end (see release_dependents.lua)}
--- @include keys
--- @include time
--- @include wake
--- @include leave
--- @include depend
--- @include arrive
local left = tonumber(ARGV[2])
local moved, soonest = 0, math.huge

local function promote(q, id)
  local key = k_job(id)
  local h = try('HMGET', key, 'status', 'enqueue_at_front', 'execution', 'created_at', 'dependency_ids',
    'rate_limit_key') or {}
  local status = h[1]
  if not (status or h[4]) then return tell_dependents(id, 'gone') end
  if status == 'canceled' or running(q, id, status, h[3]) then return end
  if status and status ~= 'scheduled' then leave(id, status, q) end
  moved = moved + 1
  if h[5] or (h[6] and h[6] ~= '') then return arrive(q, id, false) end -- it has more to wait for, perhaps
  redis.call('HSET', key, 'status', 'queued', 'enqueued_at', iso(NOW_US))
  redis.call(h[2] == '1' and 'LPUSH' or 'RPUSH', k_queue(q), id)
end

local function left_alone(q)
  local holder = try('GET', k_scheduler_lock(q))
  if not holder or try('HGET', k_scheduler(holder), 'packhorse') == '1' then return false end
  return redis.call('TTL', k_scheduler_lock(q)) > 0 -- a lock that never ends would hold the jobs for ever
end

local function promote_some(q, most)
  local home = k_registry('scheduled', q)
  local ids = try('ZRANGEBYSCORE', home, '-inf', string.format('%.6f', NOW_US / 1e6), 'LIMIT', 0, most) or {}
  if #ids == 0 or not (try('LLEN', k_queue(q)) and try('ZCARD', k_wip(q))) then return end
  left = left - #ids
  redis.call('ZREM', home, unpack(ids))
  for _, id in ipairs(ids) do promote(q, id) end
  redis.call('SADD', k_queues, k_queue(q))
  wake_if_waiting(q)
end

local queues = {}
for a = 3, #ARGV do
  if not left_alone(ARGV[a]) then queues[#queues + 1] = ARGV[a] end
end
local share = math.max(1, math.floor(left / math.max(1, #queues)))
for _, q in ipairs(queues) do promote_some(q, share) end
for _, q in ipairs(queues) do
  if left > 0 and #queues > 1 then promote_some(q, left) end
  local first = try('ZRANGE', k_registry('scheduled', q), 0, 0, 'WITHSCORES') or {}
  soonest = math.min(soonest, tonumber(first[2]) or math.huge)
end
-- A score that is no time (1e300, inf) never comes: 1e12 is 30,000 years away.
local wait = soonest < 1e12 and string.format('%.0f', math.max(0, math.ceil(soonest * 1000 - NOW_US / 1000))) or ''
return { moved, wait, redis.call('HLEN', k_releasing) }
