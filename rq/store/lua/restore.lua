-- Brings deleted jobs back to where they were, one that waited to the end of its queue. Sent twice, each comes back once.
-- KEYS: 1 the list of the bulk that deleted them
-- ARGV: 1 prefix  2 bulk  3 nonce of this call  4.. ids (up to 1,000)
-- answers: for each id: the status that it has now, TAKEN (the id was used again: that job is not touched), EXPIRED (it
--       would not run any more), BROKEN (its queue's key has a wrong type), GONE (it cannot be brought back any more)
--- @include keys
--- @include time
--- @include leave
--- @include place
--- @include arrive
--- @include once
local bulk, list, LOOK = ARGV[2], KEYS[1], 3600 -- seconds for which one that had ended is shown at least
local WAITS = { queued = true, rate_limited = true, ready_to_enqueue = true, scheduled = true, deferred = true }
local earlier = said(ARGV[3])
if earlier then return earlier end
redis.call('DEL', k_gone('')) -- no such key: the first command needs no memory, so that a full server goes on

-- When the job expires now (epoch, ms; nil never), as it was told to; false: it is over and would not run.
local function expiry(status, stored)
  local at = tonumber(stored)
  if not at then return nil end
  local now = NOW_US / 1000
  if WAITS[status] then return at > now and at end
  return math.max(at, now + LOOK * 1000)
end

local function go_home(id, status, q, h)
  if status == 'deferred' then return arrive(q, id, false) end
  if status == 'scheduled' then
    redis.call('ZADD', k_registry('scheduled', q), tonumber(h[2]) or NOW, id)
  elseif WAITS[status] then
    return place(q, id, false, h[3], h[4])
  elseif HOME[status] then
    local score = h[2]
    if (tonumber(score) or -1) >= 0 and tonumber(score) < NOW + LOOK and status ~= 'canceled' then score = NOW + LOOK end
    redis.call('ZADD', k_registry(HOME[status], q), score and score ~= '' and score or NOW, id)
  end
end

local changed = false

local function restore(id)
  local copy, key = k_trashed_job(bulk, id), k_job(id)
  if redis.call('EXISTS', copy) == 0 then
    redis.call('LREM', list, 1, id)
    return 'GONE'
  end
  if redis.call('EXISTS', key) == 1 then return 'TAKEN' end
  local h = redis.call('HMGET', copy, 'trash:expires', 'trash:score', 'rate_limit_key', 'rate_limit_concurrency',
    'status', 'origin', 'group_id')
  local status, q, at = h[5] or 'created', h[6], expiry(h[5], h[1])
  if at == false then return 'EXPIRED' end
  if q and not (try('LLEN', k_queue(q)) and (not HOME[status] or try('ZCARD', k_registry(HOME[status], q)))) then
    return 'BROKEN'
  end
  changed = true
  redis.call('RENAME', copy, key)
  redis.call('HDEL', key, 'trash:expires', 'trash:score')
  if redis.call('EXISTS', k_trashed_results(bulk, id)) == 1 and redis.call('EXISTS', k_results(id)) == 0 then
    redis.call('RENAME', k_trashed_results(bulk, id), k_results(id))
  end
  for _, mine in ipairs({ key, k_results(id) }) do
    redis.call('PERSIST', mine)
    if at then redis.call('PEXPIREAT', mine, string.format('%.0f', at)) end
  end
  redis.call('LREM', list, 1, id)
  if h[7] and h[7] ~= '' and try('SADD', k_group(h[7]), id) then redis.call('SADD', k_groups, h[7]) end
  if q then
    redis.call('SADD', k_queues, k_queue(q))
    go_home(id, status, q, h)
  end
  return redis.call('HGET', key, 'status') or 'created'
end

local answers = {}
for a = 4, #ARGV do answers[#answers + 1] = restore(ARGV[a]) end
return changed and say(ARGV[3], answers) or answers
