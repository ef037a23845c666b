-- Takes the jobs of dead workers. Ours: not renewed for 25 s and the worker's lease is another's or gone, or not
-- renewed for 150 s whoever lives (nobody knows of it). Announced ones follow their policy (lib/policy.lua);
-- unannounced ones (claimed less than 100 ms before) go back to the head in the order they were claimed. Either counts as
-- a death (lib/loss.lua). Other RQs' leases: 20 s past their score.
-- KEYS: 1 the list of the queue
-- ARGV: 1 prefix  2 queue  3 leases looked at, at most (up to 1,000)  4 what happened (the payload of lib/loss.lua)
--       5 seconds without renewal after which a lease is looked at (25)  6 '1' the caller has handlers to tell (see
--       lib/settle.lua, H)
-- answers: {id, what became of it (see lib/settle.lua; KEPT: only the lease went), worker, ...}
--- @include keys
--- @include time
--- @include wake
--- @include give_back
--- @include results
--- @include settle
-- Seconds past the score. RQ's is at most 90 s from the last heartbeat, of which one comes every 30 s: with 20 more, for
-- clocks that differ, what its last worker left is taken within 2 minutes.
local OURS, THEIRS = 60, 20
local q, idle = ARGV[2], tonumber(ARGV[5])

-- A lease as it is known, or nil where its worker may still live.
local function look(member, score)
  local id, e = string.match(member, '^(.*):([^:]*)$')
  local h = try('HMGET', k_job(id or member), 'execution', 'worker_name', 'announced', 'status') or {}
  local o = { member = member, id = id or member, e = e or '', current = h[1], worker = h[2] or '',
    announced = h[3] == e, status = h[4], order = string.sub(e or '', 17) }
  o.ours = #o.e == 32 and h[1] == e
  if score > NOW - (o.ours and OURS or THEIRS) then
    if not o.ours then return nil end
    if redis.call('GET', k_lease(o.worker)) == string.sub(e, 1, 16) then return nil end
  end
  return o
end

-- RQ has popped the job and not started it. It may have gone from its list for ever.
local function adopt(o)
  if try('LPOS', k_queue(q), o.id) then return 'KEPT' end
  if give_back(q, o.id, o.e) == 0 then return 'KEPT' end
  try('LREM', k_intermediate(q), 0, o.id)
  return 'QUEUED'
end

-- Whether it may have begun just now, or not at all, and may begin again.
local function unbegun(o)
  if not o.ours or o.announced then return false end
  local rule, _, last = terms(o.id, o.worker)
  return rule ~= 'fail' and not last
end

local function reap(o)
  local outcome = { kind = ARGV[6] == '1' and 'H' or 'L', queue = q, id = o.id, execution = o.e, started = 0, ended = 0,
    payload = ARGV[4] }
  if unbegun(o) then
    if give_back(q, o.id, o.e) == 0 then return 'KEPT' end
    if redis.call('EXISTS', k_job(o.id)) == 1 then lose(outcome, o.worker) end -- else its ttl was over meanwhile
    return 'QUEUED'
  end
  local adopted = not o.ours and o.status == 'queued' and o.e ~= '' and adopt(o)
  redis.call('ZREM', k_wip(q), o.member)
  unannounce(o.id, o.e, o.worker)
  if adopted then return adopted end
  if not o.ours and o.status and o.status ~= 'started' then return 'KEPT' end
  if o.current and o.current ~= o.e and redis.call('ZSCORE', k_wip(q), o.id .. ':' .. o.current) then return 'KEPT' end
  return apply(outcome, o.worker)
end

local found = redis.call('ZRANGEBYSCORE', k_wip(q), '-inf', NOW + 90 - idle, 'WITHSCORES', 'LIMIT', 0, ARGV[3])
local dead, answer = {}, {}
for i = 1, #found, 2 do dead[#dead + 1] = look(found[i], tonumber(found[i + 1])) end
table.sort(dead, function(a, b) return a.order < b.order end)
for i = #dead, 1, -1 do
  local o = dead[i]
  local became = reap(o)
  for _, part in ipairs({ o.id, became, o.worker }) do answer[#answer + 1] = part end
end
settled()
return answer
