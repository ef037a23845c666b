-- Counters in buckets of time: hashes of a minute, ten minutes, an hour and a day, each with an end.
--- @include keys
--- @include time
local STEPS = { { 60, 7200 }, { 600, 93600 }, { 3600, 691200 }, { 86400, 7948800 } } -- seconds a bucket, seconds it is kept
local WEEK = { 604800, 7948800 } -- of functions alone: a list of 90 days reads 14 buckets of all functions, and not 92
local expiring = {}

-- The key of the bucket of `kind` in which the second `t` falls; nil when it would be over already.
local function bucket(kind, step, keep, t)
  local start = math.floor(math.min(t, NOW) / step) * step
  if start + step + keep <= NOW then return nil end
  local key = k_stats(kind, string.format('%.0f-%.0f', step, start))
  expiring[key] = start + step + keep
  return key
end

-- Calls f(key) for each bucket of `kind` that the second `t` falls in.
local function each_bucket(kind, t, f)
  for _, s in ipairs(STEPS) do
    local key = bucket(kind, s[1], s[2], t)
    if key then f(key) end
  end
  local key = kind == 'functions' and bucket(kind, WEEK[1], WEEK[2], t)
  if key then f(key) end
end

-- The field for a name: one that is new to a bucket that is full is counted with the others.
local function place(key, name, most)
  local field = '=' .. name
  if redis.call('HEXISTS', key, field) == 0 and redis.call('HLEN', key) > most then return '~' end
  return field
end

-- Every bucket that was written gets its end.
local function expire_buckets()
  for key, at in pairs(expiring) do redis.call('EXPIREAT', key, string.format('%.0f', at)) end
end
