-- Takes back what other RQs' workers popped into a queue's intermediate list and never started: first seen there more
-- than 60 s ago, and no lease holds it. First sight is stamped as RQ's own maintenance does. Newest first, so that they
-- come to the head of the queue in their order.
-- KEYS: 1 the intermediate list
-- ARGV: 1 prefix  2 queue  3 ids looked at, at most (up to 1,000)  4 what happened (the payload of lib/loss.lua)
--       5 '1' the caller has handlers to tell (see lib/settle.lua, H)
-- answers: {id, what became of it (see lib/settle.lua; KEPT: it only left the list), ...}
--- @include keys
--- @include time
--- @include wake
--- @include leave
--- @include settle
local PATIENCE, DAY = 60, 86400
local q, answer = ARGV[2], {}

-- Whether its time there is over; the first sight starts it.
local function overdue(id)
  local seen = tonumber(try('GET', k_first_seen(q, id)) or '')
  if not seen then
    redis.call('DEL', k_first_seen(q, id))
    redis.call('SET', k_first_seen(q, id), NOW, 'EX', DAY)
  end
  return seen and NOW - seen > PATIENCE
end

local function adopt(id)
  local key = k_job(id)
  local h = try('HMGET', key, 'status', 'execution', 'worker_name') or {}
  if running(q, id, 'started', h[2]) then return nil end
  redis.call('LREM', KEYS[1], 0, id)
  redis.call('DEL', k_first_seen(q, id))
  if h[1] == 'started' then -- its worker died with the lease of another RQ's cleanup: RQ's rule for the lost
    local lost = { kind = ARGV[5] == '1' and 'H' or 'L', queue = q, id = id, execution = '', started = 0, ended = 0, payload = ARGV[4] }
    return apply(lost, h[3] or '')
  end
  if h[1] ~= 'queued' then return h[1] and 'KEPT' or 'GONE' end
  if redis.call('LPOS', k_queue(q), id) then return 'KEPT' end
  redis.call('LPUSH', k_queue(q), id)
  wake(q)
  return 'QUEUED'
end

local ids = try('LRANGE', KEYS[1], 0, ARGV[3] - 1) or {}
if #ids > 0 and try('LLEN', k_queue(q)) and try('ZCARD', k_wip(q)) then
  for i = #ids, 1, -1 do
    local became = overdue(ids[i]) and adopt(ids[i])
    if became then
      answer[#answer + 1] = ids[i]
      answer[#answer + 1] = became
    end
  end
end
settled()
return answer
