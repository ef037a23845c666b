-- Drops expired members of the finished and the failed jobs: their hashes have expired by themselves. Oldest first, so
-- that a call is short however many there are; callers come again.
-- KEYS: 1 the list of the first queue (routing only)
-- ARGV: 1 prefix  2 members at most (up to 1,000)  3.. queues
-- answers: how many were dropped
--- @include keys
--- @include time
--- @include try
local left = tonumber(ARGV[2])
for a = 3, #ARGV do
  for _, kind in ipairs({ 'finished', 'failed' }) do
    local key = k_registry(kind, ARGV[a])
    local ids = left > 0 and try('ZRANGEBYSCORE', key, 0, NOW, 'LIMIT', 0, left) or {}
    if #ids > 0 then left = left - redis.call('ZREM', key, unpack(ids)) end
  end
end
return tonumber(ARGV[2]) - left
