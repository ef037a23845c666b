-- Takes jobs that have expired or were deleted out of their groups, and groups that are empty off the list.
-- KEYS: 1 the set of group names
-- ARGV: 1 prefix  2 groups a call, at most  3 jobs of each, at most  4.. names to look at instead of any
-- answers: jobs taken out
--- @include keys
--- @include try
local names, taken = {}, 0
for a = 4, #ARGV do names[#names + 1] = ARGV[a] end
if #names == 0 then names = redis.call('SRANDMEMBER', KEYS[1], ARGV[2]) end
for _, name in ipairs(names) do
  for _, id in ipairs(try('SRANDMEMBER', k_group(name), ARGV[3]) or {}) do
    if redis.call('EXISTS', k_job(id)) == 0 then taken = taken + redis.call('SREM', k_group(name), id) end
  end
  if try('SCARD', k_group(name)) == 0 then redis.call('SREM', KEYS[1], name) end
end
return taken
