-- Adds what one writer has counted in about a second to the buckets of time, and keeps groups of failures. A batch that
-- is sent again (its reply was lost) changes nothing; one that a full server refuses may be sent later.
-- KEYS: 1 the string with the writer's last number
-- ARGV: 1 prefix  2 number of the batch, larger than the last  3 the batch, JSON with four lists. queues: {epoch, name,
--       started, done, failed, retried, lost, stopped, run us, wait us}; functions: {epoch, name, runs, failures, run us,
--       wait us, cpu us, peak kB, run histogram {index, count, ...}, wait histogram}; tops: {epoch, 'slowest' |
--       'heaviest', function, us or kB, job id}; errors: {fingerprint, first epoch, last epoch, count, type, message,
--       place, traceback, version, {functions}, {job id, epoch, ...}}
-- answers: OK | SAME (it had been here before)
--- @include keys
--- @include time
--- @include bucket
--- @include failures
local QUEUES, FUNCTIONS, TOP = 1000, 500, 10 -- names a bucket; executions a function
if tonumber(ARGV[2]) <= tonumber(redis.call('GET', KEYS[1]) or '0') then return 'SAME' end
redis.call('SET', KEYS[1], ARGV[2], 'EX', 3600)
local batch = cjson.decode(ARGV[3])

local function numbers(text)
  local found = {}
  for number in string.gmatch(text or '', '%S+') do found[#found + 1] = tonumber(number) or 0 end
  return found
end

local function joined(values)
  local parts = {}
  for i, value in ipairs(values) do parts[i] = string.format('%.0f', value) end
  return table.concat(parts, ' ')
end

local function add(key, field, from, first)
  local sums = numbers(redis.call('HGET', key, field))
  for i = first, #from do sums[i - first + 1] = (sums[i - first + 1] or 0) + from[i] end
  redis.call('HSET', key, field, joined(sums))
end

for _, q in ipairs(batch.queues) do
  each_bucket('queues', q[1], function(key)
    add(key, '*', q, 3)
    add(key, place(key, q[2], QUEUES), q, 3)
  end)
end

-- `index count ...` in the order of the indexes.
local function histogram(text, more)
  local old, counts, order, flat = numbers(text), {}, {}, {}
  for i = 1, #old, 2 do counts[old[i]] = old[i + 1] end
  for i = 1, #more, 2 do counts[more[i]] = (counts[more[i]] or 0) + more[i + 1] end
  for index in pairs(counts) do order[#order + 1] = index end
  table.sort(order)
  for i, index in ipairs(order) do flat[2 * i - 1], flat[2 * i] = index, counts[index] end
  return joined(flat)
end

for _, f in ipairs(batch.functions) do
  each_bucket('functions', f[1], function(key)
    local field = place(key, f[2], FUNCTIONS)
    local sums, runs, waits = string.match(redis.call('HGET', key, field) or '', '^(.-);(.-);(.*)$')
    local n = numbers(sums)
    for i = 1, 5 do n[i] = (n[i] or 0) + f[i + 2] end
    n[6] = math.max(n[6] or 0, f[8])
    redis.call('HSET', key, field, joined(n) .. ';' .. histogram(runs, f[9]) .. ';' .. histogram(waits, f[10]))
  end)
end

-- The executions with the highest values, one a line: value, epoch, job id.
local function enter(key, field, value, line)
  local lines, at = {}, nil
  for old in string.gmatch(redis.call('HGET', key, field) or '', '[^\n]+') do
    if not at and value > (tonumber(string.match(old, '^%d+')) or 0) then at = #lines + 1 end
    lines[#lines + 1] = old
  end
  table.insert(lines, at or #lines + 1, line)
  redis.call('HSET', key, field, table.concat(lines, '\n', 1, math.min(#lines, TOP)))
end

for _, t in ipairs(batch.tops) do
  for _, s in ipairs({ { 3600, 93600 }, { 86400, 691200 } }) do
    local key = bucket(t[2], s[1], s[2], t[1])
    if key then
      local line = string.format('%.0f %.0f %s', t[4], t[1], t[5])
      enter(key, place(key, t[3], FUNCTIONS), t[4], line)
    end
  end
end

for _, e in ipairs(batch.errors) do note_failure(e) end
expire_buckets()
return 'OK'
