-- Shows readers that a job runs: the execution hash and both sets, `current_job` and `busy`. Only while it is leased,
-- so it never outlives its end. Told again, it renews.
-- KEYS: 1 the hash of the job
-- ARGV: 1 prefix  2 worker  3 queue  4 id  5 execution  6 started (epoch)  7 seconds the traces live
-- answers: 1, or 0 when the lease is gone
--- @include keys
--- @include time
--- @include announce
local id, e = ARGV[4], ARGV[5]
if not redis.call('ZSCORE', k_wip(ARGV[3]), id .. ':' .. e) then return 0 end
if redis.call('HEXISTS', KEYS[1], 'status') == 0 then return 0 end
redis.call('PERSIST', KEYS[1]) -- needs no memory: on a full server, too, it must be known that the job has begun
show_run(ARGV[2], id, e, ARGV[6], tonumber(ARGV[7]))
return 1
