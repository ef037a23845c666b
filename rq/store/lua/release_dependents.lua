-- Tells more of those who wait for a job of its end: a job with many dependents is not dealt with in one step. Sent
-- twice, it goes on where it stands.
-- KEYS: 1 the hash of jobs with dependents left to tell: id -> how it ended, or `how:cursor`
-- ARGV: 1 prefix  2 dependents a call, about
-- answers: how many jobs with dependents left to tell there are
--- @include keys
--- @include depend
local parent = redis.call('HRANDFIELD', KEYS[1], 1)[1]
if not parent then return 0 end
redis.call('DEL', k_gone('')) -- no such key: the first command needs no memory, so that a full server goes on
local how, cursor = string.match(redis.call('HGET', KEYS[1], parent), '^(%a+):?(%d*)$')
local key = k_dependents(parent)
local page = try('SSCAN', key, cursor ~= '' and cursor or '0', 'COUNT', ARGV[2]) or { '0', {} }
for _, id in ipairs(page[2]) do
  local _, waits = end_of(parent, id, how)
  if not waits then redis.call('SREM', key, id) end
end
if page[1] ~= '0' then
  redis.call('HSET', KEYS[1], parent, how .. ':' .. page[1])
else
  redis.call('HDEL', KEYS[1], parent)
  local left = redis.call('PTTL', k_job(parent)) -- what is left of the set lives as long as the job
  if left > 0 then redis.call('PEXPIRE', key, left) end
  if left == -2 then redis.call('DEL', key) end
end
return redis.call('HLEN', KEYS[1])
