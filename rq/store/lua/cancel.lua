-- Takes a job out of where it waits; it will not be run. A running one is not touched, and its outcome not stored.
-- KEYS: 1 the hash of the job
-- ARGV: 1 prefix  2 id
-- answers: CANCELED, ALREADY, or GONE
--- @include keys
--- @include time
local id, key = ARGV[2], KEYS[1]
local h = redis.call('HMGET', key, 'status', 'origin', 'created_at')
if not h[3] and not h[1] then return 'GONE' end
if h[1] == 'canceled' then return 'ALREADY' end
local q = h[2] or ''
redis.call('LREM', k_queue(q), 0, id)
for _, kind in ipairs({ 'finished', 'failed', 'deferred', 'scheduled', 'ready' }) do
  redis.call('ZREM', k_registry(kind, q), id)
end
redis.call('HSET', key, 'status', 'canceled')
redis.call('ZADD', k_registry('canceled', q), NOW, id)
return 'CANCELED'
