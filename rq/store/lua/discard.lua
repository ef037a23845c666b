-- Deletes jobs that are still where their caller saw them, to be brought back or for good. One that runs is left alone.
-- KEYS: 1 the set of queues (routing only)
-- ARGV: 1 prefix  2 bulk under which they can be brought back, '' for good  3 seconds for which they can
--       4 home in which they were seen, '' any  5 when (epoch: who came to it later is left alone), '' any
--       6 place on the list where the first was seen, '' unknown  7 queue of that home, '' unknown
--       8 bytes that may be kept, what exceeds them goes for good  9 nonce of this call  10.. ids (up to 1,000)
-- answers: {bytes kept, then for each id: KEPT, DELETED, GONE, LATER, or the status for which it was left alone}
--- @include keys
--- @include time
--- @include leave
--- @include erase
--- @include seen
--- @include pluck
--- @include once
local bulk, keep, home, before, queue, room = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[7], tonumber(ARGV[8])
local answers, off, kept, list = { 0 }, {}, 0, k_trashed(ARGV[2])
local earlier = said(ARGV[9])
if earlier then return earlier end
redis.call('DEL', k_gone('')) -- no such key: the first command needs no memory, so that a full server can be emptied

local changed = false

local function size(key) return tonumber(redis.call('MEMORY', 'USAGE', key) or 0) or 0 end

-- The hash and the results move to keys of their own, with all that is needed to bring them back.
local function put_away(id, score)
  local key, copy, results = k_job(id), k_trashed_job(bulk, id), k_results(id)
  local left = redis.call('PTTL', key)
  redis.call('RENAME', key, copy)
  redis.call('HSET', copy, 'trash:expires', left > 0 and string.format('%.0f', NOW_US / 1000 + left) or '',
    'trash:score', score or '')
  redis.call('EXPIRE', copy, keep)
  if redis.call('EXISTS', results) == 1 then
    redis.call('RENAME', results, k_trashed_results(bulk, id))
    redis.call('EXPIRE', k_trashed_results(bulk, id), keep)
  end
  redis.call('RPUSH', list, id)
  return 1
end

local function discard(id)
  local h, why = seen(id, home, before)
  if not h and why ~= 'GONE' and why ~= 'BROKEN' then return why end
  if not h then -- what names it goes too, or it would be shown for ever
    if queue ~= '' and home ~= '' then take_off(off, id, { status = home, origin = queue }) end
    if why == 'BROKEN' then changed = erase(id) == 1 end
    return why == 'BROKEN' and 'DELETED' or 'GONE'
  end
  local weight = bulk ~= '' and size(k_job(id)) + size(k_results(id)) or 0
  local score = HOME[h.status] and h.origin and try('ZSCORE', k_registry(h.home, h.origin), id)
  take_off(off, id, h)
  changed = true
  if bulk == '' or kept + weight > room then
    erase(id)
    return 'DELETED'
  end
  kept = kept + weight
  erase(id, function() return put_away(id, score) end)
  return 'KEPT'
end

for a = 10, #ARGV do answers[#answers + 1] = discard(ARGV[a]) end
pluck(off, ARGV[6])
if kept > 0 then
  redis.call('EXPIRE', list, keep)
  redis.call('ZADD', k_trash, 'NX', NOW + keep, bulk)
  redis.call('ZREMRANGEBYSCORE', k_trash, 0, NOW)
  redis.call('EXPIRE', k_trash, keep + 86400)
end
answers[1] = kept
return changed and say(ARGV[9], answers) or answers
