-- Gives back slots of rate limits that are held for nothing: their job expired on its queue, or ended in another RQ that
-- died before it said so. Drops keys that nobody uses.
-- KEYS: 1 the set of rate limit keys
-- ARGV: 1 prefix  2 keys a call, at most
-- answers: slots given back
--- @include keys
--- @include limit
--- @include holds
local HELD = 100 -- jobs looked at of each key
local given = 0

for _, name in ipairs(redis.call('SRANDMEMBER', KEYS[1], ARGV[2])) do
  for _, id in ipairs(try('ZRANGE', k_limit_holders(name), 0, HELD - 1) or {}) do
    if not holds(id) then given = given + redis.call('ZREM', k_limit_holders(name), id) end
  end
  admit(name)
  if try('ZCARD', k_limit_holders(name)) == 0 and try('ZCARD', k_limit_waiters(name)) == 0 then
    redis.call('SREM', KEYS[1], name)
    redis.call('DEL', k_limit(name))
  end
end
return given
