-- Groups of failures that look alike: how many, since when, of which functions, a sample, and the jobs.
--- @include keys
--- @include bucket
local GROUPS, JOBS, CALLERS, KEPT = 1000, 10000, 20, 7948800

-- The functions that failed this way, one a line.
local function callers(known, names)
  local lines, seen = {}, {}
  local function take(name)
    if not seen[name] and #lines < CALLERS then lines[#lines + 1], seen[name] = name, true end
  end
  for name in string.gmatch(known or '', '[^\n]+') do take(name) end
  for _, name in ipairs(names) do take(name) end
  return table.concat(lines, '\n')
end

-- Adds to a group of failures: `e` as lua/record.lua has it.
local function note_failure(e)
  local key, jobs = k_error_group(e[1]), k_error_jobs(e[1])
  local h = redis.call('HMGET', key, 'first', 'last', 'functions')
  local last = math.max(tonumber(h[2] or '') or 0, e[3])
  if not h[1] then
    redis.call('HSET', key, 'first', string.format('%.3f', e[2]), 'version', e[9])
    if redis.call('ZCARD', k_error_groups) >= GROUPS then
      local oldest = redis.call('ZPOPMIN', k_error_groups)[1]
      redis.call('DEL', k_error_group(oldest), k_error_jobs(oldest))
    end
  end
  redis.call('HINCRBY', key, 'count', e[4])
  redis.call('HSET', key, 'last', string.format('%.3f', last), 'functions', callers(h[3], e[10]), 'last_version', e[9])
  -- The sample is a late one, and written at most once a minute.
  if not h[2] or e[3] - tonumber(h[2]) >= 60 then
    redis.call('HSET', key, 'type', e[5], 'message', e[6], 'place', e[7], 'traceback', e[8])
  end
  redis.call('ZADD', k_error_groups, string.format('%.3f', last), e[1])
  redis.call('EXPIRE', k_error_groups, KEPT)
  redis.call('EXPIRE', key, KEPT)
  for i = 1, #e[11], 2 do redis.call('ZADD', jobs, string.format('%.3f', e[11][i + 1]), e[11][i]) end
  redis.call('ZREMRANGEBYRANK', jobs, 0, -JOBS - 1)
  redis.call('EXPIRE', jobs, KEPT)
  each_bucket('errors', e[3], function(bucket_key)
    redis.call('HINCRBY', bucket_key, place(bucket_key, e[1], GROUPS), e[4])
  end)
end
