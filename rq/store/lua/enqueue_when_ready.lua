-- Stores one job that has something to wait for, and puts it where it waits: for other jobs, for a slot of its rate
-- limit, or on its queue when neither holds it. What it waits for is in its fields. Sent twice, it is there once.
-- KEYS: 1 the list of the queue
-- ARGV: 1 prefix  2 queue  3 id  4 call (see enqueue.lua)  5 ttl (seconds, 0 none)  6.. field, value, ...
-- answers: QUEUED, DEFERRED, RATE_LIMITED (also when this call was here before and it waits there still); AGAIN (this
--       call was here before, and it waits for nothing more); CYCLE (a job that it would wait for waits for it: nothing
--       was done)
--- @include keys
--- @include put
--- @include arrive
local q, id = ARGV[2], ARGV[3]
local fields = {}
for i = 6, #ARGV do fields[i - 5] = ARGV[i] end
redis.call('LLEN', k_queue(q)) -- keys of a wrong type are refused before anything is written
redis.call('ZCARD', k_registry('deferred', q))
redis.call('SCARD', k_queues)

local answer = put(q, id, ARGV[4], false, tonumber(ARGV[5]), fields, 'waits', is_circle_in)
if answer == 'AGAIN' then return found_again(id) end
if answer ~= 'QUEUED' then return answer end
redis.call('SADD', k_queues, k_queue(q))
return arrive(q, id, false)
