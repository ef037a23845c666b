-- Writes a job's hash for `home` ('queue', 'waits', 'scheduled' or 'none'). The first write grows memory, so a full server
-- refuses it whole. A fresh id (made for this call) that exists or just finished is this very call again: nothing is
-- done. A caller's own id is told from an earlier use by `call`, a nonce in the hash; an earlier use of it leaves its
-- home, and a run of it loses its lease. `is_refused`: asked before anything is written. Answers QUEUED, AGAIN,
-- DUPLICATE or CYCLE (refused).
--- @include keys
--- @include try
--- @include leave
--- @include limit
local SEARCH = 50000 -- places looked at from each end of a list: 2 ms; past them the hash is believed
-- What an earlier use leaves in the hash and a new one must not find, unless it brings it along.
local LEFT = { 'started_at', 'ended_at', 'last_heartbeat', 'worker_name', 'execution', 'announced', 'expire_at',
  'losses', 'deaths', 'on_lost', 'retries_used', 'exc_info', 'result', 'forget', 'ttl', 'result_ttl', 'failure_ttl', 'meta', 'serializer',
  'dependency_id', 'dependency_ids', 'allow_dependency_failures', 'enqueue_at_front', 'retries_left', 'retry_intervals',
  'enqueue_at_front_on_retry', 'retry_on', 'give_up_on', 'number_of_retries', 'repeats_left', 'repeat_intervals',
  'rate_limit_key', 'rate_limit_concurrency', 'webhooks', 'success_callback_name', 'failure_callback_name',
  'stopped_callback_name', 'success_callback_timeout', 'failure_callback_timeout', 'stopped_callback_timeout', 'sig',
  'meta_sig' }

local function waits(q, id)
  local list = k_queue(q)
  return redis.call('LPOS', list, id, 'MAXLEN', SEARCH) or redis.call('LPOS', list, id, 'RANK', -1, 'MAXLEN', SEARCH)
    or redis.call('LLEN', list) > 2 * SEARCH
end

-- The hash is a new use of its id: what is left of the old one goes.
local function renew_hash(key, fields)
  local given, old = {}, {}
  for i = 1, #fields, 2 do given[fields[i]] = true end
  for _, name in ipairs(LEFT) do
    if not given[name] then old[#old + 1] = name end
  end
  redis.call('HDEL', key, unpack(old))
end

local function put_again(q, id, h, home, fields, ttl)
  local key, status, origin = k_job(id), h[2], h[3] or q
  local stays = home == 'queue' and status == 'queued' and origin == q and waits(q, id)
  redis.call('HSET', key, unpack(fields))
  renew_hash(key, fields)
  forget_others(id)
  redis.call('DEL', k_dependencies(id))
  redis.call('PERSIST', k_dependents(id))
  leave_limit(id, h[6])
  if ttl > 0 then
    redis.call('EXPIRE', key, ttl)
    redis.call('EXPIRE', k_results(id), ttl) -- earlier ones die with the job
  else
    redis.call('PERSIST', key)
  end
  if stays then return 'AGAIN' end
  leave(id, status, origin)
  if h[4] or status == 'started' then revoke(origin, id, h[4], h[5]) end -- canceled ones may still run, too
  return 'QUEUED'
end

local function put(q, id, call, unique, ttl, fields, home, is_refused)
  local key = k_job(id)
  if call == '' then
    if redis.call('EXISTS', key, k_gone(id)) > 0 then return 'AGAIN' end
    if is_refused and is_refused(id, fields) then return 'CYCLE' end
  else
    local h = redis.call('HMGET', key, 'call', 'status', 'origin', 'execution', 'worker_name',
      'rate_limit_key')
    if h[1] == call or redis.call('GET', k_gone(id)) == call then return 'AGAIN' end
    local exists = redis.call('EXISTS', key) == 1
    if exists and unique then return 'DUPLICATE' end
    if is_refused and is_refused(id, fields) then return 'CYCLE' end
    fields[#fields + 1] = 'call'
    fields[#fields + 1] = call
    if exists then return put_again(q, id, h, home, fields, ttl) end
  end
  redis.call('HSET', key, unpack(fields))
  if call ~= '' then -- an earlier use that expired where it waited has left its id there
    try('ZREM', k_registry('scheduled', q), id)
    try('ZREM', k_registry('deferred', q), id)
    try('ZREM', k_registry('canceled', q), id)
  end
  if ttl > 0 then redis.call('EXPIRE', key, ttl) end
  return 'QUEUED'
end
