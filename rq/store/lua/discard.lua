-- Deletes jobs that are still where their caller saw them, to be brought back or for good. One that runs is left alone.
-- KEYS: 1 the set of queues (routing only)
-- ARGV: 1 prefix  2 bulk under which they can be brought back, '' for good  3 seconds for which they can
--       4 home in which they were seen, '' any  5 when (epoch: who came to it later is left alone), '' any
--       6 place on the list where the first was seen, '' unknown  7 queue of that home, '' unknown
--       8 bytes that may be kept, what exceeds them goes for good  9 nonce of this call  10.. ids (up to 1,000)
-- answers: {bytes kept, then for each id: KEPT, DELETED, GONE, LATER, MISSED (not around that place: to be
--       asked for without one), or the status for which it was left alone}
--- @include keys
--- @include time
--- @include leave
--- @include erase
--- @include seen
--- @include pluck
--- @include once
local bulk, keep, home, before, queue, room = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[7], tonumber(ARGV[8])
local answers, kept, list = { 0 }, 0, k_trashed(ARGV[2])
local earlier = said(ARGV[9])
if earlier then return earlier end
redis.call('DEL', k_gone('')) -- no such key: the first command needs no memory, so that a full server can be emptied

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

local todo = {} -- id, its weight, its score, its place among the answers

-- What becomes of a job; nil where that is to be seen when all have left their homes.
local function leaves(id)
  local h, why = seen(id, home, before)
  if h then
    local weight = bulk ~= '' and size(k_job(id)) + size(k_results(id)) or 0
    local score = HOME[h.status] and h.origin and try('ZSCORE', k_registry(h.home, h.origin), id)
    why = take_off(id, h, ARGV[6])
    if why then return why end
    forget_others(id) -- else another of them, which it waits for, would tell it
    todo[#todo + 1] = { id, weight, score, #answers + 1 }
    return ''
  end
  if why ~= 'GONE' and why ~= 'BROKEN' then return why end
  -- What names it goes too, or it would be shown for ever.
  if queue ~= '' and home ~= '' then take_off(id, { status = home, origin = queue }, ARGV[6]) end
  if why == 'GONE' then return why end
  todo[#todo + 1] = { id, math.huge, nil, #answers + 1 }
  return 'DELETED'
end

for a = 10, #ARGV do answers[#answers + 1] = leaves(ARGV[a]) end
plucked()
for _, job in ipairs(todo) do
  local id, weight, score, place = unpack(job, 1, 4)
  if bulk == '' or kept + weight > room then
    erase(id)
    answers[place] = 'DELETED'
  else
    kept = kept + weight
    erase(id, function() return put_away(id, score) end)
    answers[place] = 'KEPT'
  end
end
if kept > 0 then
  redis.call('EXPIRE', list, keep)
  redis.call('ZADD', k_trash, 'NX', NOW + keep, bulk)
  redis.call('ZREMRANGEBYSCORE', k_trash, 0, NOW)
  redis.call('EXPIRE', k_trash, keep + 86400)
end
answers[1] = kept
return #todo > 0 and say(ARGV[9], answers) or answers
