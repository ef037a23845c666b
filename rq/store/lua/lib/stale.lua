-- Whether an entry of a list is left over from an earlier use of its id. A job with an id of its caller's own that expires
-- (or is lost) where it waits leaves its entry there; used again, the id stands on lists twice, and must run once. Ids
-- made for one call (no `call` in their hash) are not asked.
--- @include keys
--- @include try
--- @include leave
local OVER = { finished = true, failed = true, stopped = true, scheduled = true }
local LOOKED_AT = 10000 -- places of another list, from each end

-- h: `call`, `status`, `origin` and `execution` of its hash. Every way back to a list sets `queued`, so whoever has run in
-- this use of its id and is over has had its turn. On a list that is not its origin's it may have been put by hand.
local function stale(q, id, h)
  if not h.call then return false end
  if h.execution and OVER[h.status] then return true end
  if not h.origin or h.origin == q then return false end
  local list = k_queue(h.origin)
  return running(h.origin, id, h.status, h.execution) or try('LPOS', list, id, 'MAXLEN', LOOKED_AT)
    or try('LPOS', list, id, 'RANK', -1, 'MAXLEN', LOOKED_AT) or false
end
