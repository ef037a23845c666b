-- A job gives up its slot of a rate limit, or its place among those who wait; free slots go to those who wait longest.
-- KEYS: 1 the set of rate limit keys
-- ARGV: 1 prefix  2 rate limit key  3 id of the job that leaves, '' for none  4 '1' it leaves only if it neither waits
--       on its queue nor runs
-- answers: ids of the jobs that were queued by this
--- @include keys
--- @include limit
--- @include holds
local name, id = ARGV[2], ARGV[3]
local before = {}
for _, waiter in ipairs(try('ZRANGE', k_limit_waiters(name), 0, 999) or {}) do before[#before + 1] = waiter end
redis.call('DEL', k_gone('')) -- no such key: the first command needs no memory, so that a full server goes on
if id ~= '' and not (ARGV[4] == '1' and holds(id)) then
  try('ZREM', k_limit_waiters(name), id)
  try('ZREM', k_limit_holders(name), id)
end
admit(name)
local admitted = {}
for _, waiter in ipairs(before) do
  if waiter ~= id and redis.call('ZSCORE', k_limit_holders(name), waiter) then admitted[#admitted + 1] = waiter end
end
return admitted
