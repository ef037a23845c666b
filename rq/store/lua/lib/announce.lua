-- What readers see of a run: its execution hash and both sets, `current_job` and `busy` of its worker.
--- @include keys
--- @include time
local function show_run(w, id, e, started, ttl)
  local key = k_execution(id, e)
  redis.call('HSET', k_job(id), 'announced', e, 'last_heartbeat', iso(NOW_US))
  redis.call('HSET', key, 'id', e, 'job_id', id, 'worker_name', w, 'created_at', started, 'last_heartbeat', epoch(NOW_US))
  redis.call('EXPIRE', key, ttl)
  redis.call('ZADD', k_executions(id), NOW + ttl + 60, e)
  redis.call('EXPIRE', k_executions(id), ttl + 60)
  if redis.call('EXISTS', k_worker(w)) == 1 then
    redis.call('SADD', k_running(w), id .. ':' .. e)
    redis.call('EXPIRE', k_running(w), math.max(1, redis.call('TTL', k_worker(w))))
    redis.call('HSET', k_worker(w), 'current_job', id, 'state', 'busy')
  end
end
