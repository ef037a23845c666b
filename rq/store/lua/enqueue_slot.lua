-- Queues a cron job for one of its slots: by Redis time never before it is due, and once, however many schedulers ask
-- and however late one of them wakes up. Slots are taken in their order. A request to run now is served in the same way.
-- KEYS: 1 the list of the queue
-- ARGV: 1 prefix  2 queue  3 id (made for this call)  4 cron job  5 its definition (jobs of one name may have several)
--       6 slot (epoch, us)  7 due (epoch, us)  8 gap (us between two slots at least)
--       9 the request to run now that is served, 'always' to run whatever is stored, '' for a slot
--       10 ttl (seconds, 0 none)  11 how many ids the history keeps  12 its TTL (seconds)  13 TTL of the state (seconds)
--       14.. field, value, ...
-- answers: QUEUED, TAKEN (somebody had it, or it is over), EARLY, PAUSED
--- @include keys
--- @include time
--- @include wake
--- @include put
local q, id, name, definition, run = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[9]
local slot, due, gap = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local state = k_cron_state(name)
local field, mark = 'slot:' .. definition, string.format('%.0f', slot) .. ' ' .. id
if run ~= '' then field, mark = 'ran:' .. definition, run .. ' ' .. id end

local function refusal()
  local h = redis.call('HMGET', state, field, 'paused', 'since', 'run')
  if h[1] == mark then return 'QUEUED' end -- this very call was here before
  local last = string.match(h[1] or '', '^%S+')
  if run ~= '' then return (h[4] ~= run or last == run) and 'TAKEN' or nil end
  if h[2] then return 'PAUSED' end
  if NOW_US < due then return 'EARLY' end
  if (last and slot - tonumber(last) < gap) or (h[3] and slot <= tonumber(h[3])) then return 'TAKEN' end
end

local answer = run ~= 'always' and refusal()
if answer then return answer end
local fields = {}
for i = 14, #ARGV do fields[i - 13] = ARGV[i] end
redis.call('LLEN', k_queue(q)) -- keys of a wrong type are refused before anything is written
redis.call('SCARD', k_queues)
redis.call('ZCARD', k_cron_history(name))
redis.call('ZCARD', k_cron_jobs)
answer = put(q, id, '', false, tonumber(ARGV[10]), fields, 'queue')
if answer ~= 'QUEUED' then return 'QUEUED' end
if run ~= 'always' then
  redis.call('HSET', state, field, mark)
  if redis.call('HEXISTS', state, 'paused') == 0 then redis.call('EXPIRE', state, ARGV[13]) end
end
redis.call('SADD', k_queues, k_queue(q))
redis.call('RPUSH', k_queue(q), id)
wake(q)
redis.call('ZADD', k_cron_history(name), epoch(NOW_US), id)
redis.call('ZREMRANGEBYRANK', k_cron_history(name), 0, -1 - tonumber(ARGV[11]))
redis.call('EXPIRE', k_cron_history(name), ARGV[12])
redis.call('ZADD', k_cron_jobs, epoch(NOW_US), name)
return answer
