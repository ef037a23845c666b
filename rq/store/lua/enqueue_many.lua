-- Puts up to 1,000 jobs on one queue, in order. Sent twice, each is queued once. If one is refused (its key has a wrong
-- type), those before it are queued and the error is answered.
-- KEYS: 1 the list of the queue
-- ARGV: 1 prefix  2 queue  3 group of all jobs, '' none  4 number of fields s that all have alike, then s times field,
--       value; then per job: id, call (see enqueue.lua), 'front', 'back' or 'waits' (it goes where what it waits for
--       says, see enqueue_when_ready.lua), ttl (seconds, 0 none), number of its own fields f, then f times field, value
-- answers: where each is: QUEUED, AGAIN (this call was here before, or the id waits already), DEFERRED, RATE_LIMITED;
--       CYCLE (a job that it would wait for waits for it: it was left as it was)
--- @include keys
--- @include wake
--- @include put
--- @include arrive
local q, list, group = ARGV[2], k_queue(ARGV[2]), ARGV[3]
local back, ids, answers = {}, {}, {}
local alike = tonumber(ARGV[4]) * 2
local i, ok, answer = 5 + alike, true, nil
redis.call('LLEN', list) -- keys of a wrong type are refused before anything is written
redis.call('SCARD', k_queues)
if group ~= '' then redis.call('SCARD', k_group(group)) end

local function push_back()
  if #back > 0 then redis.call('RPUSH', list, unpack(back)) end
  back = {}
end

local function go(id, where)
  if where == 'waits' then
    push_back()
    return arrive(q, id, false)
  end
  if where == 'front' then redis.call('LPUSH', list, id) else back[#back + 1] = id end
  return 'QUEUED'
end

while i <= #ARGV and ok do
  local id, where, fields = ARGV[i], ARGV[i + 2], {}
  local last = i + 4 + tonumber(ARGV[i + 4]) * 2
  for a = i + 5, last do fields[#fields + 1] = ARGV[a] end
  for a = 5, 4 + alike do fields[#fields + 1] = ARGV[a] end
  local waits = where == 'waits'
  ok, answer = pcall(put, q, id, ARGV[i + 1], false, tonumber(ARGV[i + 3]), fields, waits and where or 'queue',
    waits and is_circle_in or nil)
  if ok then
    if answer ~= 'CYCLE' then ids[#ids + 1] = id end
    if waits and answer == 'AGAIN' then answer = found_again(id) end
    answers[#answers + 1] = answer == 'QUEUED' and go(id, where) or answer
  end
  i = last + 1
end
push_back()
if #ids > 0 then
  redis.call('SADD', k_queues, list)
  if group ~= '' then
    redis.call('SADD', k_groups, group)
    redis.call('SADD', k_group(group), unpack(ids))
  end
  wake_if_waiting(q)
end
if not ok then error(answer, 0) end
return answers
