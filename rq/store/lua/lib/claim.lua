-- Claims jobs from the head of queues: pop, status, execution and lease in one step, so no job is ever in no place.
-- A queue's share: each of its jobs costs 1/limit of the pack, so a worker's pack holds the work of one pack however
-- many queues it serves. 90 s: RQ's readers fail whatever is past its score, so a lease is never short.
local LEASE = 90
local SCAN = 1000 -- ids looked at per call, whatever they turn out to be

-- Whether this id may run. A live lease already holds it: the second entry is dropped. Canceled and deferred: dropped.
local function runnable(q, id, h, taken)
  if taken[id] then return false end
  if h.status == 'canceled' or h.status == 'deferred' then return false end
  return not (h.execution and redis.call('ZSCORE', k_wip(q), id .. ':' .. h.execution))
end

local function index(flat)
  local h = {}
  for i = 1, #flat, 2 do
    local name = flat[i]
    if name == 'status' or name == 'execution' or name == 'ttl' or name == 'data' then h[name] = flat[i + 1] end
  end
  return h
end

local function start(c, q, number, id, flat, h)
  local key = k_job(id)
  local e = c.execution .. string.format('%02x', #c.jobs)
  redis.call('HSET', key, 'status', 'started', 'started_at', c.at, 'worker_name', c.worker, 'execution', e)
  if h.ttl then
    local left = redis.call('PTTL', key)
    if left > 0 then
      redis.call('HSET', key, 'expire_at', string.format('%.0f', NOW_US / 1000 + left))
      redis.call('PERSIST', key)
    end
  end
  local lease = c.leases
  lease[#lease + 1] = NOW + LEASE
  lease[#lease + 1] = id .. ':' .. e
  c.members[#c.members + 1] = { q, id, e }
  c.jobs[#c.jobs + 1] = { number, id, e, flat }
end

-- One stretch of the list, at most `want` ids: reads, pops, then writes. Answers whether the queue may hold more.
local function stretch(c, q, number, want, share)
  local list = k_queue(q)
  local ids = redis.call('LRANGE', list, 0, want - 1)
  local found, used = {}, 0
  for _, id in ipairs(ids) do
    if #c.jobs + #found > 0 and c.bytes >= c.max_bytes then break end
    used = used + 1
    local flat = redis.pcall('HGETALL', k_job(id))
    local h = not flat.err and #flat > 0 and index(flat)
    if not h or not runnable(q, id, h, c.taken) then
      c.dropped[#c.dropped + 1] = id
    else
      c.taken[id] = true
      c.bytes = c.bytes + #(h.data or '')
      found[#found + 1] = { id, flat, h }
    end
  end
  if used > 0 then redis.call('LPOP', list, used) end
  for _, f in ipairs(found) do start(c, q, number, f[1], f[2], f[3]) end
  c.budget = c.budget - #found * share
  c.room = c.room - #found
  c.seen = c.seen + used
  return used == want
end

local function claim_queue(c, q, number, limit)
  local share, more = 1 / limit, true
  c.leases = {}
  while more and c.room > 0 and c.seen < SCAN and c.budget > share / 2 and c.bytes < c.max_bytes do
    more = stretch(c, q, number, math.min(c.room, math.ceil(c.budget / share - 0.5)), share)
  end
  if #c.leases > 0 then redis.call('ZADD', k_wip(q), unpack(c.leases)) end
  wake_if_waiting(q)
end

-- c: worker, execution (30 hex: two more name the slot), room (jobs at most), max_bytes, queues {name, limit}, token
-- (the queue whose marker woke the caller, '' for none). Fills jobs, members, dropped, held (suspended queues).
local function claim(c)
  c.at, c.budget, c.bytes, c.seen = iso(NOW_US), 1, 0, 0
  c.jobs, c.members, c.taken, c.dropped, c.held = {}, {}, {}, {}, {}
  local all = redis.call('EXISTS', P .. 'suspended') == 1
  for number, item in ipairs(c.queues) do
    if all or redis.call('EXISTS', P .. 'suspended:' .. item[1]) == 1 then
      c.held[#c.held + 1] = item[1]
    elseif c.room > 0 and c.budget > 0.5 / item[2] then
      claim_queue(c, item[1], number - 1, item[2])
    end
  end
  if c.token ~= '' then wake_if_waiting(c.token) end
end
