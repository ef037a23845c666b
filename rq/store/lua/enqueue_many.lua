-- Puts up to 1,000 jobs on one queue, in order. Sent twice, each is queued once.
-- KEYS: 1 the list of the queue
-- ARGV: 1 prefix  2 queue  then per job: id, call (see enqueue.lua), 'front' or 'back', ttl (seconds, 0 none),
--       number of fields f, then f times field, value
-- answers: how many were queued by this call
--- @include keys
--- @include wake
--- @include put
local q, list = ARGV[2], k_queue(ARGV[2])
local back, queued = {}, 0
local i = 3
while i <= #ARGV do
  local id, front, fields = ARGV[i], ARGV[i + 2] == 'front', {}
  local last = i + 4 + tonumber(ARGV[i + 4]) * 2
  for a = i + 5, last do fields[#fields + 1] = ARGV[a] end
  if put(q, id, ARGV[i + 1], false, tonumber(ARGV[i + 3]), fields) == 'QUEUED' then
    queued = queued + 1
    if front then redis.call('LPUSH', list, id) else back[#back + 1] = id end
  end
  i = last + 1
end
if #back > 0 then redis.call('RPUSH', list, unpack(back)) end
if queued > 0 then
  redis.call('SADD', P .. 'queues', list)
  wake(q)
end
return queued
