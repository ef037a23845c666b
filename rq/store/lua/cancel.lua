-- Takes a job out of where it waits; it will not be run. A running one is not touched, and its outcome not stored. Sent
-- twice, it answers the same.
-- KEYS: 1 the hash of the job
-- ARGV: 1 prefix  2 id  3 '1' those who wait for it are released  4 '1' it is taken off the lists of those it waits for
--       5 nonce of this call
-- answers: {CANCELED | ALREADY | GONE, then queue, id of each job released}
--- @include keys
--- @include time
--- @include leave
--- @include depend
--- @include once
local id, key = ARGV[2], KEYS[1]
local before = said(ARGV[5])
if before then return before end
local h = redis.call('HMGET', key, 'status', 'origin', 'created_at', 'execution', 'rate_limit_key', 'forget')
if h[6] or not (h[3] or h[1]) then return { 'GONE' } end
if h[1] == 'canceled' then return { 'ALREADY' } end
if h[2] then leave(id, h[1], h[2]) end
redis.call('HSET', key, 'status', 'canceled')
if h[2] then try('ZADD', k_registry('canceled', h[2]), NOW, id) end
-- One that runs holds its slot until it ends.
if not (h[2] and running(h[2], id, h[1], h[4])) then leave_limit(id, h[5]) end
if ARGV[4] == '1' then forget_others(id) end
local released = ARGV[3] == '1' and tell_dependents(id, 'all') or {}
table.insert(released, 1, 'CANCELED')
return say(ARGV[5], released)
