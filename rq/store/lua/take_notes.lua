-- Takes notes whose time has come: what is still to be done for jobs outside of Redis. Oldest first. A taken note is
-- due again after a while, unless it was dropped; one that was taken three times in vain is taken once more to be told.
-- KEYS: 1 the list of the first queue (routing only)
-- ARGV: 1 prefix  2 notes at most (up to 1,000; 0: only to look)  3 seconds until a taken note is due again, besides the
--       time limits of its job's callbacks  4.. queues
-- answers: {milliseconds until the next one is due ('' when there is none), {queue, member, worker, became, text, how
--       often it was taken}, ...}
--- @include keys
--- @include time
--- @include try
local NOTE_TTL, DAY = 86400, 86400
local left, answer = tonumber(ARGV[2]), { '' }
local soonest = math.huge

-- How long it may take: its job's callbacks bring their own limits.
local function patience(id)
  local h, longest = try('HMGET', k_job(id), 'failure_callback_timeout', 'stopped_callback_timeout') or {}, 0
  for i = 1, 2 do longest = math.max(longest, tonumber(h[i] or '') or 0) end
  return math.min(tonumber(ARGV[3]) + longest, DAY)
end

local function take(q, member)
  local key = k_note(member)
  if redis.call('EXPIRE', key, NOTE_TTL) == 0 then -- first, for it needs no memory: notes are taken on a full server, too
    redis.call('ZREM', k_aftermath(q), member)
    return
  end
  redis.call('ZADD', k_aftermath(q), 'XX', NOW + patience(string.match(member, '^[^:]*:(.*):[^:]*$') or ''), member)
  local h = redis.call('HMGET', key, 'worker', 'became', 'text')
  local times = redis.call('HINCRBY', key, 'taken', 1)
  answer[#answer + 1] = { q, member, h[1] or '', h[2] or '', h[3] or '', times }
end

for a = 4, #ARGV do
  local key = k_aftermath(ARGV[a])
  if left > 0 then
    local due = try('ZRANGEBYSCORE', key, '-inf', NOW, 'LIMIT', 0, left) or {}
    left = left - #due
    for _, member in ipairs(due) do take(ARGV[a], member) end
  end
  local first = try('ZRANGE', key, 0, 0, 'WITHSCORES') or {}
  soonest = math.min(soonest, tonumber(first[2]) or math.huge)
end
-- A score that is no time (1e300, inf) never comes.
if soonest < 1e12 then answer[1] = string.format('%.0f', math.max(0, math.ceil((soonest - NOW_US / 1e6) * 1000))) end
return answer
