-- Moves scheduled jobs whose time has come, by Redis time, to their queues, oldest first. Twice does no harm.
-- KEYS: 1 the list of the first queue (routing only)
-- ARGV: 1 prefix  2 jobs a queue at most (up to 1,000)  3.. queues
-- answers: {jobs moved, epoch at which the next is due or ''}
--- @include keys
--- @include time
--- @include wake
local moved, soonest = 0, nil
for a = 3, #ARGV do
  local q = ARGV[a]
  local home = k_registry('scheduled', q)
  local ids = redis.call('ZRANGEBYSCORE', home, '-inf', NOW, 'LIMIT', 0, ARGV[2])
  if #ids > 0 then redis.call('ZREM', home, unpack(ids)) end
  for _, id in ipairs(ids) do
    local h = redis.call('HMGET', k_job(id), 'status', 'enqueue_at_front')
    if h[1] and h[1] ~= 'canceled' then
      redis.call('HSET', k_job(id), 'status', 'queued', 'enqueued_at', iso(NOW_US))
      redis.call(h[2] == '1' and 'LPUSH' or 'RPUSH', k_queue(q), id)
      moved = moved + 1
    end
  end
  if #ids > 0 then
    redis.call('SADD', P .. 'queues', k_queue(q))
    wake_if_waiting(q)
  end
  local first = redis.call('ZRANGE', home, 0, 0, 'WITHSCORES')[2]
  if first and (not soonest or tonumber(first) < soonest) then soonest = tonumber(first) end
end
return { moved, soonest and string.format('%.0f', soonest) or '' }
