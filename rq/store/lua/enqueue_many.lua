-- Puts up to 1,000 jobs on one queue, in order. Sent twice, each is queued once. If one is refused (its key has a wrong
-- type), those before it are queued and the error is answered.
-- KEYS: 1 the list of the queue
-- ARGV: 1 prefix  2 queue  3 number of fields s that all have alike, then s times field, value; then per job: id,
--       call (see enqueue.lua), 'front' or 'back', ttl (seconds, 0 none), number of its own fields f, then f times
--       field, value
-- answers: how many were queued by this call
--- @include keys
--- @include wake
--- @include put
local q, list = ARGV[2], k_queue(ARGV[2])
local back, queued = {}, 0
local alike = tonumber(ARGV[3]) * 2
local i, ok, answer = 4 + alike, true, nil
redis.call('LLEN', list) -- keys of a wrong type are refused before anything is written
redis.call('SCARD', k_queues)
while i <= #ARGV and ok do
  local id, front, fields = ARGV[i], ARGV[i + 2] == 'front', {}
  local last = i + 4 + tonumber(ARGV[i + 4]) * 2
  for a = i + 5, last do fields[#fields + 1] = ARGV[a] end
  for a = 4, 3 + alike do fields[#fields + 1] = ARGV[a] end
  ok, answer = pcall(put, q, id, ARGV[i + 1], false, tonumber(ARGV[i + 3]), fields, 'queue')
  if ok and answer == 'QUEUED' then
    queued = queued + 1
    if front then redis.call('LPUSH', list, id) else back[#back + 1] = id end
  end
  i = last + 1
end
if #back > 0 then redis.call('RPUSH', list, unpack(back)) end
if queued > 0 then
  redis.call('SADD', k_queues, list)
  wake(q)
end
if not ok then error(answer, 0) end
return queued
