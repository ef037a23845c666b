-- Takes the jobs of dead workers. Ours: not renewed for 25 s and the worker's lease is another's or gone. Announced
-- ones fail or are retried as RQ's rule says; unannounced ones (claimed less than 100 ms before) go back to the head
-- and count as one loss, three losses fail the job. Other RQs' leases: 60 s past their score.
-- KEYS: 1 the list of the queue
-- ARGV: 1 prefix  2 queue  3 jobs at most (up to 1,000)  4 text for a job that fails (base64 of zlib)
--       5 seconds without renewal after which a lease is looked at (25)
-- answers: {id, what became of it, worker, ...}
--- @include keys
--- @include time
--- @include wake
--- @include give_back
--- @include results
--- @include settle
local LOSSES = 3
local q, idle = ARGV[2], tonumber(ARGV[5])

local function reap(member, score)
  local id, e = string.match(member, '^(.*):([^:]*)$')
  if not id then id, e = member, '' end
  local h = redis.call('HMGET', k_job(id), 'execution', 'worker_name', 'announced', 'started_at')
  local ours = h[1] == e and #e == 32
  if ours and redis.call('GET', k_lease(h[2] or '')) == string.sub(e, 1, 16) then return nil end
  if not ours and score > NOW - 60 then return nil end
  local worker = h[2] or ''
  if ours and h[3] ~= e then
    if redis.call('HINCRBY', k_job(id), 'losses', 1) < LOSSES then
      return give_back(q, id, e) == 1 and 'QUEUED' or 'KEPT', id, worker
    end
  end
  local o = { kind = 'L', queue = q, id = id, execution = e, started = 0, ended = 0, ttl = 0, payload = ARGV[4] }
  if e == '' then redis.call('ZREM', k_wip(q), member) return 'GONE', id, worker end
  return settle(o, worker), id, worker
end

local found = redis.call('ZRANGEBYSCORE', k_wip(q), '-inf', NOW + 90 - idle, 'WITHSCORES', 'LIMIT', 0, ARGV[3])
local answer = {}
for i = #found - 1, 1, -2 do
  local what, id, worker = reap(found[i], tonumber(found[i + 1]))
  if what then
    answer[#answer + 1] = id
    answer[#answer + 1] = what
    answer[#answer + 1] = worker
  end
end
settled()
return answer
