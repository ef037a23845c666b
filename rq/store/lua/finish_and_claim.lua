-- The outcomes of the last pack and the claim of the next in one trip. Safe to send again (see lib/replay.lua): sent
-- twice, an outcome is applied once and a job is claimed once. A job is claimed with its status, its execution and
-- its lease in the same step.
-- KEYS: 1 the list of the first queue (routing only)
-- ARGV: 1 prefix  2 worker  3 seq (number of the request, microseconds of Redis time and up)  4 execution (30 hex)
--       5 state the worker hash should show, '' to leave it  6 finished jobs  7 failed jobs  8 working time (seconds;
--       all three '': counted elsewhere)
--       9 room (jobs at most, up to 64; 0: claim nothing)  10 bytes of payload at most  11 token (queue that woke the
--       caller, '')  12 number of queues n, then n times: name, jobs a pack (1 to 64); then number of outcomes m,
--       then m times the eight of lib/results.lua
-- answers: {'OK' | 'SAME' | 'OLD', now (microseconds; OLD: no less than the last number accepted), answer of each
--       outcome, jobs {queue, id, execution, hash flat}, dropped ids, suspended queues, queues with keys of a wrong
--       type}; OLD: nothing was done
--- @include keys
--- @include time
--- @include wake
--- @include give_back
--- @include results
--- @include settle
--- @include claim
--- @include replay
local worker, seq = ARGV[2], tonumber(ARGV[3])
local state, last = request_state(worker, seq)
-- Whoever starts anew from the answered time is accepted, even if the server's clock went back.
if state == 'OLD' then return { 'OLD', string.format('%.0f', math.max(NOW_US, last)), {}, {}, {}, {}, {} } end

local queues, at = {}, 13
for i = 1, tonumber(ARGV[12]) do
  queues[i] = { ARGV[at], tonumber(ARGV[at + 1]) }
  at = at + 2
end
local answers = settle_argv(at + 1, tonumber(ARGV[at]), worker)

if state == 'SAME' then
  local members, before = remembered(worker)
  for i, answer in ipairs(answers) do
    if answer == 'STALE' and before[i] then answers[i] = before[i] end
  end
  remember(worker, seq, members, answers)
  local numbers, jobs = {}, {}
  for number, item in ipairs(queues) do numbers[item[1]] = number - 1 end
  for _, m in ipairs(members) do
    local member = m[2] .. ':' .. m[3]
    local score = numbers[m[1]] and try('ZSCORE', k_wip(m[1]), member)
    if score then
      -- Asked again after an outage: the leases are old, and only now somebody is there to renew them.
      if tonumber(score) < NOW + 75 then redis.call('ZADD', k_wip(m[1]), 'XX', NOW + 90, member) end
      jobs[#jobs + 1] = { numbers[m[1]], m[2], m[3], try('HGETALL', k_job(m[2])) or {} }
    end
  end
  return { 'SAME', string.format('%.0f', NOW_US), answers, jobs, {}, {}, {} }
end

local c = { worker = worker, execution = ARGV[4], room = math.min(64, tonumber(ARGV[9])),
  max_bytes = tonumber(ARGV[10]), token = ARGV[11], queues = queues }
claim(c)
remember(worker, seq, c.members, answers)
if redis.call('EXISTS', k_worker(worker)) == 1 then
  if ARGV[6] ~= '' then
    redis.call('HSET', k_worker(worker), 'successful_job_count', ARGV[6], 'failed_job_count', ARGV[7],
      'total_working_time', ARGV[8])
  end
  local show = #c.jobs > 0 and 'busy' or ARGV[5]
  if show ~= '' then redis.call('HSET', k_worker(worker), 'state', show) end
end
return { 'OK', string.format('%.0f', NOW_US), answers, c.jobs, c.dropped, c.held, c.broken }
