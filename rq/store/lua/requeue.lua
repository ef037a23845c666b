-- Takes failed jobs back to their queue. Retries are not restored. Sent twice, each is queued once.
-- KEYS: 1 the list of the queue
-- ARGV: 1 prefix  2 queue  3 'front' or 'back'  4.. ids (up to 1,000)
-- answers: one per id: QUEUED, NOT_FAILED (not in the registry), GONE (its hash is no more; it leaves the registry)
--- @include keys
--- @include time
--- @include wake
local q, list, home = ARGV[2], k_queue(ARGV[2]), k_registry('failed', ARGV[2])
local answers, any = {}, false
for a = 4, #ARGV do
  local id, key = ARGV[a], k_job(ARGV[a])
  if redis.call('ZREM', home, id) == 0 then
    answers[#answers + 1] = 'NOT_FAILED'
  elseif redis.call('EXISTS', key) == 0 then
    answers[#answers + 1] = 'GONE'
  else
    redis.call('HDEL', key, 'started_at', 'ended_at', 'exc_info', 'worker_name', 'execution', 'announced', 'losses')
    redis.call('HSET', key, 'status', 'queued', 'enqueued_at', iso(NOW_US))
    redis.call('PERSIST', key)
    redis.call(ARGV[3] == 'front' and 'LPUSH' or 'RPUSH', list, id)
    answers[#answers + 1] = 'QUEUED'
    any = true
  end
end
if any then
  redis.call('SADD', P .. 'queues', list)
  wake(q)
end
return answers
