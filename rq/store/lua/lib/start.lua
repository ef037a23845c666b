-- A claimed job starts: status, execution, and its lease to be written with those of its queue. One that must never start
-- twice is announced here, in case its host vanishes.
--- @include keys
--- @include time
--- @include try
--- @include leave
--- @include announce
local LEASE = 90 -- seconds

-- c: the claim (lib/claim.lua); h: the fields that matter of the job's hash, flat: all of it.
local function start(c, q, number, id, flat, h)
  local key = k_job(id)
  local e = c.execution .. string.format('%02x', #c.jobs)
  if h.anew then revoke(q, id, h.execution) end
  redis.call('HSET', key, 'status', 'started', 'started_at', c.at, 'worker_name', c.worker, 'execution', e)
  local left = redis.call('PTTL', key)
  if left > 0 then redis.call('PERSIST', key) end
  if left > 0 and h.ttl then
    redis.call('HSET', key, 'expire_at', string.format('%.0f', NOW_US / 1000 + left))
  elseif h.expire_at then -- of an earlier run; giving this one back must not revive it
    redis.call('HDEL', key, 'expire_at')
  end
  if HOME[h.status] then try('ZREM', k_registry(HOME[h.status], q), id) end -- pushed by another RQ as it was
  if h.status == 'rate_limited' then leave(id, h.status, q) end
  if h.alone then show_run(c.worker, id, e, epoch(NOW_US), LEASE) end
  c.leases[#c.leases + 1] = NOW + LEASE
  c.leases[#c.leases + 1] = id .. ':' .. e
  c.members[#c.members + 1] = { q, id, e }
  c.jobs[#c.jobs + 1] = { number, id, e, flat }
end
