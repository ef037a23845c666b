-- Takes down how many jobs wait on each queue now. One supervisor does it for all, once a minute; twice does no harm.
-- KEYS: 1 the set of queues
-- ARGV: 1 prefix
-- answers: how many jobs wait on all the queues looked at (up to 1,000)
--- @include keys
--- @include time
--- @include try
--- @include bucket
-- The first write is to a key that is small and new once a minute; a full server refuses it, and nothing is sampled.
local QUEUES = 1000
local known = redis.call('SCARD', KEYS[1]) <= QUEUES and redis.call('SMEMBERS', KEYS[1])
  or redis.call('SRANDMEMBER', KEYS[1], QUEUES)
local start, lengths, total = #k_queue('') + 1, {}, 0
for _, list in ipairs(known) do
  local length = try('LLEN', list) or 0
  if length > 0 then lengths['=' .. string.sub(list, start)] = length end
  total = total + length
end
lengths['*'] = total

-- `last highest` of a bucket; a queue without a field had none waiting at any sample.
each_bucket('waiting', NOW, function(key)
  local flat, before, free = redis.call('HGETALL', key), {}, QUEUES
  for i = 1, #flat, 2 do before[flat[i]] = tonumber(string.match(flat[i + 1], ' (%d+)$')) end
  free = free - #flat / 2
  for field, length in pairs(lengths) do
    if not before[field] and field ~= '*' then free = free - 1 end
    if before[field] or field == '*' or free >= 0 then
      local highest = math.max(length, before[field] or 0)
      redis.call('HSET', key, field, string.format('%.0f %.0f', length, highest))
    end
  end
  for field, highest in pairs(before) do
    if not lengths[field] then redis.call('HSET', key, field, string.format('0 %.0f', highest)) end
  end
end)
expire_buckets()
return total
