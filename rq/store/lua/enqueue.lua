-- Puts one job on its queue: hash, list, set of queues and wake-up in one step. Sent twice, it is queued once.
-- KEYS: 1 the list of the queue
-- ARGV: 1 prefix  2 queue  3 id  4 call (nonce of this call when the id may have been used before, '' for a fresh id)
--       5 '1' refuse an id that exists  6 'front', 'back' or 'none' (write only)  7 ttl (seconds, 0 none)
--       8.. field, value, ...
-- answers: QUEUED, AGAIN (this call was here before, or the id waits already: its hash is now this one), DUPLICATE
--- @include keys
--- @include wake
--- @include put
local q, id, where = ARGV[2], ARGV[3], ARGV[6]
local fields = {}
for i = 8, #ARGV do fields[i - 7] = ARGV[i] end
redis.call('LLEN', k_queue(q)) -- keys of a wrong type are refused before anything is written
redis.call('SCARD', k_queues)
local answer = put(q, id, ARGV[4], ARGV[5] == '1', tonumber(ARGV[7]), fields, where == 'none' and 'none' or 'queue')
if answer ~= 'QUEUED' then return answer end
redis.call('SADD', k_queues, k_queue(q))
if where == 'none' then return answer end
redis.call(where == 'front' and 'LPUSH' or 'RPUSH', k_queue(q), id)
wake(q)
return answer
