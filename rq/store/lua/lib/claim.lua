-- Claims jobs from the head of queues: pop, status, execution and lease in one step, so no job is ever in no place.
-- A queue's share: each of its jobs costs 1/limit of the pack, so a worker's pack holds the work of one pack however
-- many queues it serves. 90 s: RQ's readers fail whatever is past its score, so a lease is never short.
-- A job that must never start twice (policy 'fail') is taken alone.
--- @include keys
--- @include time
--- @include try
--- @include wake
--- @include leave
--- @include utf8
--- @include stale
--- @include depend
--- @include policy
--- @include start
local SCAN = 1000 -- ids looked at per call, whatever they turn out to be
local WANTED = { status = true, execution = true, ttl = true, expire_at = true, on_lost = true, call = true, origin = true }

-- The fields that matter here, and the size of all.
local function index(flat)
  local h, size = {}, 0
  for i = 1, #flat, 2 do
    if WANTED[flat[i]] then h[flat[i]] = flat[i + 1] end
    size = size + #flat[i + 1]
  end
  return h, size
end

-- Whether this id may run. A live lease already holds it: the second entry is dropped, unless another RQ has enqueued it
-- anew meanwhile, over the hash: then that run is over, as by our enqueue. Canceled and deferred: dropped; what is left over
-- from an earlier use of its id; and what no worker could name.
local function runnable(q, id, h, taken)
  if taken[id] or not is_text(id) or h.status == 'canceled' or h.status == 'deferred' then return false end
  local held = running(q, id, h.status, h.execution)
  h.anew = held and h.status == 'queued'
  return h.anew or not (held or stale(q, id, h))
end

-- One stretch of the list, at most `want` ids: reads, pops, then writes. Answers whether the queue may hold more.
local function stretch(c, q, number, want, share)
  local ids = redis.call('LRANGE', k_queue(q), 0, want - 1)
  local found, used = {}, 0
  for _, id in ipairs(ids) do
    local flat = try('HGETALL', k_job(id)) or {}
    local h, size = index(flat)
    local good = #flat > 0 and runnable(q, id, h, c.taken)
    h.alone = good and never_twice(h.on_lost, c.worker)
    if good and c.bytes > 0 and (h.alone or c.bytes + size > c.max_bytes) then
      c.full = true
      break
    end
    used = used + 1
    if good then
      c.taken[id] = true
      c.bytes = c.bytes + size
      found[#found + 1] = { id, flat, h }
      c.full = h.alone
      if c.full then break end
    else
      c.dropped[#c.dropped + 1] = id
      if #flat == 0 then c.expired[#c.expired + 1] = id end
    end
  end
  if used > 0 then redis.call('LPOP', k_queue(q), used) end
  for _, id in ipairs(c.expired) do tell_dependents(id, 'gone') end
  c.expired = {}
  for _, f in ipairs(found) do start(c, q, number, f[1], f[2], f[3]) end
  c.budget = c.budget - #found * share
  c.room = c.room - #found
  c.seen = c.seen + used
  return used == want
end

local function claim_queue(c, q, number, limit)
  if not (try('LLEN', k_queue(q)) and try('ZCARD', k_wip(q))) then
    c.broken[#c.broken + 1] = q
    return
  end
  local share, more = 1 / limit, true
  c.leases = {}
  while more and not c.full and c.room > 0 and c.seen < SCAN and c.budget > share / 2 do
    more = stretch(c, q, number, math.min(c.room, math.ceil(c.budget / share - 0.5)), share)
  end
  if #c.leases > 0 then redis.call('ZADD', k_wip(q), unpack(c.leases)) end
  wake_if_waiting(q)
end

-- c: worker, execution (30 hex: two more name the slot), room (jobs at most), max_bytes, queues {name, limit}, token
-- (the queue whose marker woke the caller, '' for none). Fills jobs, members, dropped, held (suspended queues), broken
-- (queues with a key of a wrong type).
local function claim(c)
  c.at, c.budget, c.bytes, c.seen, c.full = iso(NOW_US), 1, 0, 0, false
  c.jobs, c.members, c.taken, c.dropped, c.held, c.broken, c.expired = {}, {}, {}, {}, {}, {}, {}
  local all = redis.call('EXISTS', k_suspended) == 1
  for number, item in ipairs(c.queues) do
    if all or redis.call('EXISTS', k_suspended_queue(item[1])) == 1 then
      c.held[#c.held + 1] = item[1]
    elseif c.room > 0 and not c.full and c.budget > 0.5 / item[2] then
      claim_queue(c, item[1], number - 1, item[2])
    end
  end
  if c.token ~= '' then wake_if_waiting(c.token) end
end
