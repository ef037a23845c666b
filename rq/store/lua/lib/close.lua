-- A claimed job comes to its last end: status, registry, result, TTL, those that wait for it, its slot of a rate limit.
--- @include keys
--- @include time
--- @include try
--- @include leave
--- @include results
--- @include limit
--- @include depend
--- @include note
local sets = {} -- key -> flat score, id, ...: written once per script by settled()
local waited_for = true -- whether any of the jobs has others that wait for it: asked once for a whole pack

local function note(key, score, id)
  local list = sets[key]
  if not list then list = {}; sets[key] = list end
  list[#list + 1] = score
  list[#list + 1] = id
end

local function settled()
  for key, list in pairs(sets) do
    for i = 1, #list, 1000 do try('ZADD', key, unpack(list, i, math.min(i + 999, #list))) end
  end
  sets = {}
end

-- Deleted as it ended: what is left for 30 s is the nonce of its enqueue, should that be sent again.
local function forget(o)
  local key = k_job(o.id)
  if o.noted then
    redis.call('HSET', key, 'forget', '1')
    redis.call('EXPIRE', key, FORGET_LATER)
  end
  redis.call('SET', k_gone(o.id), redis.call('HGET', key, 'call') or '1', 'EX', 30)
  if not o.noted then redis.call('DEL', key) end
  redis.call('DEL', k_results(o.id), k_dependencies(o.id))
  if waited_for and not redis.call('HGET', k_releasing, o.id) then redis.call('DEL', k_dependents(o.id)) end
end

local function ended(key, status, o)
  if o.started > 0 then
    redis.call('HSET', key, 'status', status, 'started_at', iso(o.started), 'ended_at', iso(o.ended))
  else -- its process took what it knew with it
    redis.call('HSET', key, 'status', status, 'ended_at', iso(NOW_US))
  end
end

-- The hash, and the sets beside it, live as long as the result.
local function expire_with(id, ttl)
  if ttl > 0 then
    redis.call('EXPIRE', k_job(id), ttl)
    if waited_for then redis.call('EXPIRE', k_dependents(id), ttl) end
  end
end

-- `o.webhooks` and `o.limit` are the fields of the hash. A job of a sync queue has its webhooks sent by its caller.
local function note_webhooks(o, worker, became)
  if o.webhooks and o.webhooks ~= '' and worker ~= 'sync' then leave_note('webhook', o, worker, became) end
end

local function close(o, worker, status, kind, ttl)
  ended(k_job(o.id), status, o)
  if waited_for then
    tell_dependents(o.id, status == 'finished' and 'finished' or 'failed')
    if ttl == 0 and status ~= 'finished' then tell_dependents(o.id, 'gone') end -- nobody will requeue it
  end
  if o.webhooks and status ~= 'stopped' then note_webhooks(o, worker, string.upper(status)) end
  if o.limit then leave_limit(o.id, o.limit) end
  if ttl == 0 then forget(o) return end
  expire_with(o.id, ttl)
  if o.bare then return end
  note(k_registry(kind, o.queue), ttl > 0 and NOW + ttl or (kind == 'failed' and -1 or '+inf'), o.id)
  store_result(o, worker, ttl)
end
