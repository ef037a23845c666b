-- Shows readers that a job runs: the execution hash and both sets, `current_job` and `busy`. Only while it is leased,
-- so it never outlives its end. Told again, it renews.
-- KEYS: 1 the hash of the job
-- ARGV: 1 prefix  2 worker  3 queue  4 id  5 execution  6 started (epoch)  7 seconds the traces live
-- answers: 1, or 0 when the lease is gone
--- @include keys
--- @include time
local w, id, e, ttl = ARGV[2], ARGV[4], ARGV[5], tonumber(ARGV[7])
if not redis.call('ZSCORE', k_wip(ARGV[3]), id .. ':' .. e) then return 0 end
if redis.call('HEXISTS', KEYS[1], 'status') == 0 then return 0 end
redis.call('PERSIST', KEYS[1]) -- needs no memory: on a full server, too, it must be known that the job has begun
local key = k_execution(id, e)
redis.call('HSET', KEYS[1], 'announced', e, 'last_heartbeat', iso(NOW_US))
redis.call('HSET', key, 'id', e, 'job_id', id, 'worker_name', w, 'created_at', ARGV[6], 'last_heartbeat', epoch(NOW_US))
redis.call('EXPIRE', key, ttl)
redis.call('ZADD', k_executions(id), NOW + ttl + 60, e)
redis.call('EXPIRE', k_executions(id), ttl + 60)
if redis.call('EXISTS', k_worker(w)) == 1 then
  redis.call('SADD', k_running(w), id .. ':' .. e)
  redis.call('EXPIRE', k_running(w), math.max(1, redis.call('TTL', k_worker(w))))
  redis.call('HSET', k_worker(w), 'current_job', id, 'state', 'busy')
end
return 1
