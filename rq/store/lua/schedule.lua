-- Stores a job that is to be queued at a time. Sent twice, it is scheduled once; an id that waits elsewhere moves.
-- KEYS: 1 the list of the queue (routing only)
-- ARGV: 1 prefix  2 queue  3 id  4 call (see enqueue.lua)  5 '1' refuse an id that exists
--       6 due (epoch, seconds)  7 ttl (seconds, 0 none)  8.. field, value, ...
-- answers: QUEUED (it is scheduled now), AGAIN, DUPLICATE
--- @include keys
--- @include put
local q, id, home = ARGV[2], ARGV[3], k_registry('scheduled', ARGV[2])
local fields = {}
for i = 8, #ARGV do fields[i - 7] = ARGV[i] end
redis.call('ZCARD', home) -- keys of a wrong type are refused before anything is written
redis.call('SCARD', k_queues)
local answer = put(q, id, ARGV[4], ARGV[5] == '1', tonumber(ARGV[7]), fields, 'scheduled')
if answer ~= 'QUEUED' then return answer end
redis.call('ZADD', home, ARGV[6], id)
redis.call('SADD', k_queues, k_queue(q))
return answer
