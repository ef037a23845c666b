-- Cancels jobs that still wait where their caller saw them; those who wait for them go on waiting, as after `cancel`.
-- KEYS: 1 the set of queues (routing only)
-- ARGV: 1 prefix  2 home in which they were seen, '' any  3 when (epoch: who came to it later is left alone), '' any
--       4 place on the list where the first was seen, '' unknown  5 nonce of this call
--       6.. ids (up to 1,000)
-- answers: for each id: CANCELED, GONE, LATER, BROKEN, or the status for which it was left alone
--- @include keys
--- @include time
--- @include leave
--- @include limit
--- @include seen
--- @include pluck
--- @include once
local WAITS = { queued = true, scheduled = true, deferred = true, rate_limited = true, ready_to_enqueue = true }
local answers, off, changed = {}, {}, false
local earlier = said(ARGV[5])
if earlier then return earlier end
redis.call('DEL', k_gone('')) -- no such key: the first command needs no memory, so that a full server goes on

local function cancel(id)
  local h, why = seen(id, ARGV[2], ARGV[3])
  if not h then return why end
  if not (WAITS[h.status] and h.origin) then return h.status end
  take_off(off, id, h)
  changed = true
  redis.call('HSET', k_job(id), 'status', 'canceled')
  try('ZADD', k_registry('canceled', h.origin), NOW, id)
  leave_limit(id, h.rate_limit_key)
  return 'CANCELED'
end

for a = 6, #ARGV do answers[#answers + 1] = cancel(ARGV[a]) end
pluck(off, ARGV[4])
return changed and say(ARGV[5], answers) or answers
