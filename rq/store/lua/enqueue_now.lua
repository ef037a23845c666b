-- Jobs that wait for their time, or for other jobs, need not any more: they go to their queue, or wait for a slot.
-- KEYS: 1 the set of queues
-- ARGV: 1 prefix  2 home in which they were seen, '' any  3 when (epoch: who came to it later is left alone), '' any
--       4 nonce of this call  5.. ids (up to 1,000)
-- answers: for each id: QUEUED, RATE_LIMITED, GONE, LATER, BROKEN, or the status for which it was left alone
--- @include keys
--- @include time
--- @include leave
--- @include place
--- @include seen
--- @include once
local WAITS = { scheduled = true, deferred = true, ready_to_enqueue = true }
local answers, changed = {}, false
local earlier = said(ARGV[4])
if earlier then return earlier end
redis.call('DEL', k_gone('')) -- no such key: the first command needs no memory, so that a full server goes on

local function enqueue_now(id)
  local h, why = seen(id, ARGV[2], ARGV[3])
  if not h then return why end
  if not (WAITS[h.status] and h.origin) then return h.status end
  if not try('LLEN', k_queue(h.origin)) then return 'BROKEN' end
  changed = true
  leave(id, h.status, h.origin)
  forget_others(id)
  redis.call('SADD', KEYS[1], k_queue(h.origin))
  return place(h.origin, id, h.enqueue_at_front == '1', h.rate_limit_key, h.rate_limit_concurrency)
end

for a = 5, #ARGV do answers[#answers + 1] = enqueue_now(ARGV[a]) end
return changed and say(ARGV[4], answers) or answers
