-- Takes a job out of where it waits; it will not be run. A running one is not touched, and its outcome not stored.
-- KEYS: 1 the hash of the job
-- ARGV: 1 prefix  2 id
-- answers: CANCELED, ALREADY, or GONE
--- @include keys
--- @include time
--- @include leave
local id, key = ARGV[2], KEYS[1]
local h = redis.call('HMGET', key, 'status', 'origin', 'created_at')
if not h[3] and not h[1] then return 'GONE' end
if h[1] == 'canceled' then return 'ALREADY' end
if h[2] then leave(id, h[1], h[2]) end
redis.call('HSET', key, 'status', 'canceled')
if h[2] then try('ZADD', k_registry('canceled', h[2]), NOW, id) end
return 'CANCELED'
