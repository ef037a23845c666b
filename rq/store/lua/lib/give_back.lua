-- A claimed job that has not begun goes back to the head of its queue. Callers give members last first, so that the
-- order is kept. The lease is the fence: no lease, nothing happens. Answers 1 if it moved.
local function give_back(q, id, e)
  if redis.call('ZREM', k_wip(q), id .. ':' .. e) == 0 then return 0 end
  local key = k_job(id)
  local h = redis.call('HMGET', key, 'status', 'expire_at')
  if not h[1] or h[1] == 'canceled' or h[1] == 'stopped' then return 0 end
  redis.call('HDEL', key, 'started_at', 'worker_name', 'execution', 'announced', 'expire_at')
  redis.call('HSET', key, 'status', 'queued')
  if h[2] then redis.call('PEXPIREAT', key, h[2]) end
  redis.call('LPUSH', k_queue(q), id)
  wake(q)
  return 1
end

-- Readers' traces of an announced run.
local function unannounce(id, e, w)
  redis.call('DEL', k_execution(id, e))
  redis.call('ZREM', k_executions(id), e)
  redis.call('SREM', k_running(w), id .. ':' .. e)
  if redis.call('HGET', k_worker(w), 'current_job') == id then redis.call('HDEL', k_worker(w), 'current_job') end
end
