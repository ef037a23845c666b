-- Applies the outcome of a job that ran in its caller's process (a queue with is_async=False): it has no lease, so the
-- execution in its hash is the fence. Sent twice, it is applied once.
-- KEYS: 1 the hash of the job
-- ARGV: 1 prefix  2 worker ('sync')  3 to 10 the eight of lib/results.lua
-- answers: FINISHED, FAILED, QUEUED, SCHEDULED, KEPT, GONE; STALE when another run holds the job or it has ended
--- @include keys
--- @include time
--- @include wake
--- @include give_back
--- @include results
--- @include settle
local o = outcome(3)
local h = redis.call('HMGET', KEYS[1], 'execution', 'status')
if h[2] and (h[1] ~= o.execution or h[2] ~= 'started') then return 'STALE' end
local answer = apply(o, ARGV[2])
settled()
return answer
