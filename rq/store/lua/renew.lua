-- Keeps a worker alive: its lease (30 s), its hash, and with members the leases of the jobs it holds (90 s).
-- KEYS: 1 the hash of the worker
-- ARGV: 1 prefix  2 worker  3 incarnation  4 seconds the hash lives  5 milliseconds the lease lives  6 number of members n,
--       then n times: queue, member `id:execution`; then the number of vitals v, then v times: field, value, written each
--       time; then field, value, ... of the hash to write again if it was lost (FLUSHALL, expiry); of these `queues`
--       (names joined by comma) puts it back in the sets. One that was buried alive comes back so
-- answers: {1 the lease is ours | 0 another incarnation has the name, or it was retired; how many members were still
--       leased}
--- @include keys
--- @include time
--- @include try
local w, me, n = ARGV[2], ARGV[3], tonumber(ARGV[6])
local vitals = 7 + n * 2
local h = redis.call('HMGET', KEYS[1], 'incarnation', 'death')
local holder = redis.call('GET', k_lease(w)) or h[1]
if holder and holder ~= me or h[2] and h[1] ~= me then return { 0, 0 } end
-- The first write needs no memory: a full server must not let living workers' leases run out.
if redis.call('PEXPIRE', k_lease(w), ARGV[5]) == 0 then redis.call('SET', k_lease(w), me, 'PX', ARGV[5]) end
if not h[1] or h[2] then
  redis.call('HSET', KEYS[1], 'incarnation', me)
  redis.call('HDEL', KEYS[1], 'death')
  for a = vitals + 1 + 2 * tonumber(ARGV[vitals]), #ARGV, 2 do
    redis.call('HSET', KEYS[1], ARGV[a], ARGV[a + 1])
    if ARGV[a] == 'queues' then
      for q in string.gmatch(ARGV[a + 1], '[^,]+') do redis.call('SADD', k_workers_of(q), KEYS[1]) end
    end
  end
  redis.call('SADD', k_workers, KEYS[1])
end
redis.call('HSET', KEYS[1], 'last_heartbeat', iso(NOW_US))
for a = vitals + 1, vitals + 2 * tonumber(ARGV[vitals]), 2 do redis.call('HSET', KEYS[1], ARGV[a], ARGV[a + 1]) end
redis.call('EXPIRE', KEYS[1], ARGV[4])
local held = 0
for i = 0, n - 1 do
  local key, member = k_wip(ARGV[7 + i * 2]), ARGV[8 + i * 2]
  if try('ZSCORE', key, member) then
    redis.call('ZADD', key, 'XX', NOW + 90, member)
    held = held + 1
  end
end
return { 1, held }
