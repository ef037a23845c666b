-- Cancels jobs that still wait where their caller saw them; those who wait for them go on waiting, as after `cancel`.
-- KEYS: 1 the set of queues (routing only)
-- ARGV: 1 prefix  2 home in which they were seen, '' any  3 when (epoch: who came to it later is left alone), '' any
--       4 place on the list where the first was seen, '' unknown  5 nonce of this call
--       6.. ids (up to 1,000)
-- answers: for each id: CANCELED, GONE, LATER, BROKEN, MISSED (not around that place: to be asked for without one), or the
--       status for which it was left alone
--- @include keys
--- @include time
--- @include leave
--- @include limit
--- @include seen
--- @include pluck
--- @include once
local WAITS = { queued = true, scheduled = true, deferred = true, rate_limited = true, ready_to_enqueue = true }
local answers, todo = {}, {}
local earlier = said(ARGV[5])
if earlier then return earlier end
redis.call('DEL', k_gone('')) -- no such key: the first command needs no memory, so that a full server goes on

local function leaves(id)
  local h, why = seen(id, ARGV[2], ARGV[3])
  if not h then return why end
  if not (WAITS[h.status] and h.origin) then return h.status end
  why = take_off(id, h, ARGV[4])
  if why then return why end
  todo[#todo + 1] = { id, h }
  return 'CANCELED'
end

for a = 6, #ARGV do answers[#answers + 1] = leaves(ARGV[a]) end
plucked()
for _, job in ipairs(todo) do
  local id, h = job[1], job[2]
  redis.call('HSET', k_job(id), 'status', 'canceled')
  try('ZADD', k_registry('canceled', h.origin), NOW, id)
  leave_limit(id, h.rate_limit_key)
end
return #todo > 0 and say(ARGV[5], answers) or answers
