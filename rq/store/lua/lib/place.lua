-- A stored job that has nothing else to wait for: to its queue, or to those who wait for a slot of its rate limit.
--- @include keys
--- @include time
--- @include wake
--- @include limit
-- `name` and `most` are the hash's fields rate_limit_key and rate_limit_concurrency. Answers QUEUED or RATE_LIMITED.
local function place(q, id, front, name, most)
  if name and name ~= '' then
    return ask_limit(id, name, tonumber(most or '') or 1) and 'QUEUED' or 'RATE_LIMITED'
  end
  redis.call('HSET', k_job(id), 'status', 'queued', 'enqueued_at', iso(NOW_US))
  redis.call(front and 'LPUSH' or 'RPUSH', k_queue(q), id)
  wake(q)
  return 'QUEUED'
end
