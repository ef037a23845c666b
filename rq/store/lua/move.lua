-- Jobs leave their queue for another: each leaves its home and enters the same one of the other, at its end.
-- KEYS: 1 the list of the other queue
-- ARGV: 1 prefix  2 the other queue  3 home in which they were seen, '' any  4 when (epoch: who came to it later is left
--       alone), '' any  5 place on the list where the first was seen, '' unknown  6 nonce of this call
--       7.. id, its signature as it was read, its signature for the other queue ('' none), of each (up to 300)
-- answers: for each id: MOVED, SAME (it is there), SIGNED (its signature names its queue, and no other was given), LATER,
--       GONE, BROKEN, MISSED (not around that place: to be asked for without one), or the status for which it was left alone
--- @include keys
--- @include time
--- @include leave
--- @include seen
--- @include pluck
--- @include wake
--- @include once
local to, answers, arrived, moved = ARGV[2], {}, {}, false
local earlier = said(ARGV[6])
if earlier then return earlier end
redis.call('LLEN', KEYS[1]) -- a key of a wrong type is refused before anything is written
redis.call('SCARD', k_queues)
redis.call('DEL', k_gone('')) -- no such key: the first command needs no memory, so that a full server goes on

local function move(id, old, new)
  local h, why = seen(id, ARGV[3], ARGV[4])
  if not h then return why end
  if h.status == 'started' or h.status == 'created' or not h.origin then return h.status end
  if h.origin == to then return 'SAME' end
  if (h.sig or '') ~= old then return 'LATER' end
  if old ~= '' and new == '' then return 'SIGNED' end
  local kind = HOME[h.status]
  if kind and not try('ZCARD', k_registry(kind, to)) then return 'BROKEN' end
  local score = kind and try('ZSCORE', k_registry(kind, h.origin), id) or NOW
  why = take_off(id, h, ARGV[5])
  if why then return why end
  moved = true
  redis.call('HSET', k_job(id), 'origin', to)
  if new ~= '' then redis.call('HSET', k_job(id), 'sig', new) end
  if kind then redis.call('ZADD', k_registry(kind, to), score, id) end
  if h.status == 'queued' then arrived[#arrived + 1] = id end
  return 'MOVED'
end

for a = 7, #ARGV, 3 do answers[#answers + 1] = move(ARGV[a], ARGV[a + 1], ARGV[a + 2]) end
plucked()
if #arrived > 0 then
  redis.call('RPUSH', KEYS[1], unpack(arrived))
  wake(to)
end
if not moved then return answers end
redis.call('SADD', k_queues, KEYS[1])
return say(ARGV[6], answers)
