-- Takes dead workers off the lists that readers see: ours whose lease has ended, and keys whose hash has expired. Their
-- jobs are the reaper's.
-- KEYS: 1 the set of workers
-- ARGV: 1 prefix  2 workers looked at at most (up to 1,000)
-- answers: names of the workers that had died without a word
--- @include keys
--- @include time
--- @include try
local start = #k_worker('') + 1
local found = {}
for _, key in ipairs(redis.call('SRANDMEMBER', KEYS[1], ARGV[2])) do
  local name = string.sub(key, start)
  local h = try('HMGET', key, 'incarnation', 'death', 'queues', 'birth') or {}
  local expired = not h[1] and not h[4]
  local dead = h[1] and not h[2] and not redis.call('GET', k_lease(name))
  if expired or dead then
    redis.call('SREM', KEYS[1], key)
    for q in string.gmatch(h[3] or '', '[^,]+') do try('SREM', k_workers_of(q), key) end
  end
  if dead then
    redis.call('HSET', key, 'death', iso(NOW_US))
    redis.call('HDEL', key, 'current_job')
    redis.call('EXPIRE', key, 60)
    redis.call('DEL', k_running(name))
    found[#found + 1] = name
  end
end
return found
