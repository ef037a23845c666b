-- Takes failed and stopped jobs back to their queue. Retries are not restored. Sent twice, each is queued once.
-- KEYS: 1 the list of the queue
-- ARGV: 1 prefix  2 queue  3 'front' or 'back'  4.. ids (up to 1,000)
-- answers: one per id: QUEUED, NOT_FAILED (not in the registry, or its hash says another home; it leaves the registry),
--       GONE (its hash is no more; it leaves the registry)
--- @include keys
--- @include time
--- @include wake
--- @include leave
local q, list, home = ARGV[2], k_queue(ARGV[2]), k_registry('failed', ARGV[2])
local any = false
redis.call('LLEN', list) -- a key of a wrong type is refused before anything is written

local function requeue(id)
  local key = k_job(id)
  if redis.call('ZREM', home, id) == 0 then return 'NOT_FAILED' end
  local h = try('HMGET', key, 'status', 'created_at', 'data', 'execution', 'worker_name') or {}
  if not (h[1] or h[2] or h[3]) then return 'GONE' end
  if h[1] ~= 'failed' and h[1] ~= 'stopped' then return 'NOT_FAILED' end
  if h[4] then revoke(q, id, h[4], h[5]) end -- a stopped one whose worker has not reported yet
  redis.call('HDEL', key, 'started_at', 'ended_at', 'exc_info', 'worker_name', 'execution', 'announced', 'losses')
  redis.call('HSET', key, 'status', 'queued', 'enqueued_at', iso(NOW_US))
  redis.call('PERSIST', key)
  redis.call(ARGV[3] == 'front' and 'LPUSH' or 'RPUSH', list, id)
  any = true
  return 'QUEUED'
end

local answers = {}
for a = 4, #ARGV do answers[#answers + 1] = requeue(ARGV[a]) end
if any then
  redis.call('SADD', k_queues, list)
  wake(q)
end
return answers
