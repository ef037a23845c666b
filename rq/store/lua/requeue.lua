-- Takes failed and stopped jobs back to their queue. Retries are not restored. Sent twice, each is queued once, and the
-- answer is the same.
-- KEYS: 1 the list of the queue
-- ARGV: 1 prefix  2 queue  3 'front' or 'back'  4 when they were seen (epoch: who failed later is left alone), '' any
--       5 nonce of this call  6.. ids (up to 1,000)
-- answers: one per id: QUEUED, RATE_LIMITED (it waits for a slot first), NOT_FAILED (not in the registry, or its hash says another home; it leaves the registry),
--       GONE (its hash is no more; it leaves the registry), LATER
--- @include keys
--- @include time
--- @include wake
--- @include leave
--- @include place
--- @include once
local q, list, home = ARGV[2], k_queue(ARGV[2]), k_registry('failed', ARGV[2])
local any, before = false, ARGV[4] ~= '' and iso(math.floor(tonumber(ARGV[4]) * 1e6))
local earlier = said(ARGV[5])
if earlier then return earlier end
redis.call('LLEN', list) -- a key of a wrong type is refused before anything is written

local function requeue(id)
  local key = k_job(id)
  if before and (try('HGET', key, 'ended_at') or '') > before then return 'LATER' end
  if redis.call('ZREM', home, id) == 0 then return 'NOT_FAILED' end
  local h = try('HMGET', key, 'status', 'created_at', 'data', 'execution', 'worker_name', 'rate_limit_key',
    'rate_limit_concurrency') or {}
  if not (h[1] or h[2] or h[3]) then return 'GONE' end
  if h[1] ~= 'failed' and h[1] ~= 'stopped' then return 'NOT_FAILED' end
  if h[4] then revoke(q, id, h[4], h[5]) end -- a stopped one whose worker has not reported yet
  redis.call('HDEL', key, 'started_at', 'ended_at', 'exc_info', 'worker_name', 'execution', 'announced', 'losses',
    'deaths')
  redis.call('PERSIST', key)
  redis.call('PERSIST', k_dependents(id))
  any = true
  return place(q, id, ARGV[3] == 'front', h[6], h[7])
end

local answers = {}
for a = 6, #ARGV do answers[#answers + 1] = requeue(ARGV[a]) end
if not any then return answers end
redis.call('SADD', k_queues, list)
return say(ARGV[5], answers)
