-- A worker takes a job that it has not claimed: one that its caller took off a list by hand (`lpop`, `dequeue_any`), or
-- made. Started, with a lease, and off every list and registry, in one step; refused while somebody else's lease lives.
-- KEYS: 1 the hash of the job
-- ARGV: 1 prefix  2 worker  3 queue  4 id  5 execution
-- answers: {'OK' | 'HELD' (a live lease holds it) | 'NONE' (no such job), now (microseconds)}
--- @include keys
--- @include time
--- @include try
--- @include leave
--- @include policy
--- @include announce
local q, id, e = ARGV[3], ARGV[4], ARGV[5]
local now = string.format('%.0f', NOW_US)
local h = try('HMGET', KEYS[1], 'status', 'execution', 'data', 'ttl', 'on_lost') or {}
if not h[3] then return { 'NONE', now } end
local mine = h[2] == e and redis.call('ZSCORE', k_wip(q), id .. ':' .. e)
if not mine and running(q, id, h[1], h[2]) then return { 'HELD', now } end
leave(id, h[1], q)
try('LREM', k_intermediate(q), 0, id)
redis.call('DEL', k_first_seen(q, id))
redis.call('HSET', KEYS[1], 'status', 'started', 'started_at', iso(NOW_US), 'worker_name', ARGV[2], 'execution', e)
local left = redis.call('PTTL', KEYS[1])
if left > 0 then redis.call('PERSIST', KEYS[1]) end
if left > 0 and h[4] then -- giving it back restores it
  redis.call('HSET', KEYS[1], 'expire_at', string.format('%.0f', NOW_US / 1000 + left))
end
redis.call('ZADD', k_wip(q), NOW + 90, id .. ':' .. e)
if never_twice(h[5], ARGV[2]) then show_run(ARGV[2], id, e, epoch(NOW_US), 90) end -- as a claim does
return { 'OK', now }
