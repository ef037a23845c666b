-- Takes dead workers off the lists that readers see: ours whose lease has ended, and keys whose hash has expired. Their
-- jobs are the reaper's.
-- KEYS: 1 the set of workers
-- ARGV: 1 prefix  2 workers looked at at most (up to 1,000)
-- answers: names of the workers that had died without a word
--- @include keys
--- @include time
--- @include try
local start, list_start = #k_worker('') + 1, #k_queue('') + 1
local SEARCHED = 10 -- workers a call whose queues are looked for among all known ones
local found, searched = {}, 0
for _, key in ipairs(redis.call('SRANDMEMBER', KEYS[1], ARGV[2])) do
  local name = string.sub(key, start)
  local h = try('HMGET', key, 'incarnation', 'death', 'queues', 'birth') or {}
  local expired = not h[1] and not h[4]
  local dead = h[1] and not h[2] and not redis.call('GET', k_lease(name))
  if expired then searched = searched + 1 end
  if dead or expired and searched <= SEARCHED then
    redis.call('SREM', KEYS[1], key)
    for q in string.gmatch(h[3] or '', '[^,]+') do try('SREM', k_workers_of(q), key) end
  end
  if expired and searched <= SEARCHED then -- which queues it had went with its hash
    for _, list in ipairs(redis.call('SRANDMEMBER', k_queues, 1000)) do
      try('SREM', k_workers_of(string.sub(list, list_start)), key)
    end
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
