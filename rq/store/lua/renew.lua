-- Keeps a worker alive: its lease (30 s), its hash, and with members the leases of the jobs it holds (90 s).
-- KEYS: 1 the hash of the worker
-- ARGV: 1 prefix  2 worker  3 incarnation  4 seconds the hash lives  5 number of members n, then n times: queue,
--       member `id:execution`; then field, value, ... of the hash to write again if it was lost (FLUSHALL, expiry)
-- answers: {1 the lease is ours | 0 another incarnation has the name, how many members were still leased}
--- @include keys
--- @include time
local w, me, n = ARGV[2], ARGV[3], tonumber(ARGV[5])
local holder = redis.call('GET', k_lease(w))
if holder and holder ~= me then return { 0, 0 } end
redis.call('SET', k_lease(w), me, 'EX', 30)
if redis.call('EXISTS', KEYS[1]) == 0 then
  for a = 6 + n * 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[a], ARGV[a + 1]) end
  redis.call('SADD', P .. 'workers', KEYS[1])
end
redis.call('HSET', KEYS[1], 'last_heartbeat', iso(NOW_US))
redis.call('EXPIRE', KEYS[1], ARGV[4])
local held = 0
for i = 0, n - 1 do
  local key, member = k_wip(ARGV[6 + i * 2]), ARGV[7 + i * 2]
  if redis.call('ZSCORE', key, member) then
    redis.call('ZADD', key, 'XX', NOW + 90, member)
    held = held + 1
  end
end
return { 1, held }
