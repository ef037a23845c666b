-- Stores a job that is to be queued at a time. Sent twice, it is scheduled once.
-- KEYS: 1 the list of the queue (routing only)
-- ARGV: 1 prefix  2 queue  3 id  4 call (see enqueue.lua)  5 '1' refuse an id that exists
--       6 due (epoch, whole seconds)  7 ttl (seconds, 0 none)  8.. field, value, ...
-- answers: QUEUED (it is scheduled now), AGAIN, DUPLICATE
--- @include keys
--- @include put
local q, id = ARGV[2], ARGV[3]
local fields = {}
for i = 8, #ARGV do fields[i - 7] = ARGV[i] end
local answer = put(q, id, ARGV[4], ARGV[5] == '1', tonumber(ARGV[7]), fields)
if answer ~= 'QUEUED' then return answer end
redis.call('ZADD', k_registry('scheduled', q), ARGV[6], id)
redis.call('SADD', P .. 'queues', k_queue(q))
return answer
