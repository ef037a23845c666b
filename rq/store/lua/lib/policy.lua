-- What becomes of a job whose process dies: `on_lost` of its hash, else of its worker's. 'requeue': it goes back. 'fail': it
-- fails, and is never started twice. Else RQ's way: another try if Retry has left one. Deaths are counted in the hash
-- (`losses`), with a line each (`deaths`); so many fail it whatever its policy (invariant I11).
--- @include keys
--- @include try
local POLICIES = { fail = true, requeue = true }
local MOST_DEATHS = 3 -- unless its worker's hash has `max_deaths`; 0: no limit

local function policy(on_lost, worker)
  if POLICIES[on_lost] then return on_lost end
  return try('HGET', k_worker(worker), 'on_lost') or ''
end

-- Whether a job must never start twice; its worker, which is one for a whole script, is asked once.
local workers_policy
local function never_twice(on_lost, worker)
  if POLICIES[on_lost] then return on_lost == 'fail' end
  workers_policy = workers_policy or policy(nil, worker)
  return workers_policy == 'fail'
end

-- Its policy, its deaths so far, and whether one more is one too many.
local function terms(id, worker)
  local h = try('HMGET', k_job(id), 'on_lost', 'losses', 'deaths') or {}
  local died = tonumber(h[2] or '') or 0
  died = died == died and math.floor(math.max(0, math.min(died, 1e9))) or 0
  local most = tonumber(try('HGET', k_worker(worker), 'max_deaths') or '') or MOST_DEATHS
  return policy(h[1], worker), died, most > 0 and died + 1 >= most, h[3]
end
