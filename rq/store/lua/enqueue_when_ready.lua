-- Stores one job that has something to wait for, and puts it where it waits: for other jobs, for a slot of its rate
-- limit, or on its queue when neither holds it. What it waits for is in its fields. Sent twice, it is there once.
-- KEYS: 1 the list of the queue
-- ARGV: 1 prefix  2 queue  3 id  4 call (see enqueue.lua)  5 ttl (seconds, 0 none)  6.. field, value, ...
-- answers: QUEUED, DEFERRED, RATE_LIMITED; AGAIN (this call was here before); CYCLE (a job that it would wait for waits
--       for it: nothing was done)
--- @include keys
--- @include put
--- @include arrive
local WALK = 1000 -- jobs looked at for a cycle
local q, id, key = ARGV[2], ARGV[3], k_job(ARGV[3])
local fields = {}
for i = 6, #ARGV do fields[i - 5] = ARGV[i] end
redis.call('LLEN', k_queue(q)) -- keys of a wrong type are refused before anything is written
redis.call('ZCARD', k_registry('deferred', q))
redis.call('SCARD', k_queues)

-- Only an id that is used again can be waited for already.
local function waits_for_itself()
  local wanted = {}
  for i = 1, #fields, 2 do
    if fields[i] == 'dependency_ids' then wanted = dependency_ids(fields[i + 1]) end
  end
  local seen, at = {}, 1
  while at <= #wanted and at <= WALK do
    if wanted[at] == id then return true end
    if not seen[wanted[at]] and try('HGET', k_job(wanted[at]), 'status') == 'deferred' then
      for _, other in ipairs(try('SRANDMEMBER', k_dependencies(wanted[at]), 100) or {}) do
        wanted[#wanted + 1] = other
      end
    end
    seen[wanted[at]] = true
    at = at + 1
  end
  return false
end

if ARGV[4] ~= '' and redis.call('EXISTS', key) == 1 and redis.call('HGET', key, 'call') ~= ARGV[4]
  and waits_for_itself() then return 'CYCLE' end
local answer = put(q, id, ARGV[4], false, tonumber(ARGV[5]), fields, 'waits')
if answer ~= 'QUEUED' then return answer end
redis.call('SADD', k_queues, k_queue(q))
return arrive(q, id, false)
