-- Jobs whose results their caller has read go, if they have finished and nobody else has a part in them. Sent twice,
-- nothing more goes. For 30 s it is known that they were there, should their enqueue be sent again.
-- KEYS: 1 the list of the queue
-- ARGV: 1 prefix  2 queue  3.. ids (up to 1,000)
-- answers: how many went
--- @include keys
--- @include try
local members, hashes, beside = {}, {}, {}

local function none(field) return not field or field == '' end -- another RQ writes empty ones

for a = 3, #ARGV do
  local id = ARGV[a]
  local h = try('HMGET', k_job(id), 'status', 'origin', 'group_id', 'rate_limit_key', 'webhooks', 'call') or {}
  if h[1] == 'finished' and h[2] == ARGV[2] and none(h[3]) and none(h[4]) and none(h[5])
    and redis.call('EXISTS', k_dependents(id)) == 0 then
    members[#members + 1] = id
    hashes[#hashes + 1] = k_job(id)
    beside[#beside + 1] = k_results(id)
    beside[#beside + 1] = h[6] or '1'
  end
end
if #members == 0 then return 0 end
try('ZREM', k_registry('finished', ARGV[2]), unpack(members))
redis.call('DEL', unpack(hashes))
for i, id in ipairs(members) do
  redis.call('DEL', beside[i * 2 - 1], k_dependencies(id))
  redis.call('SET', k_gone(id), beside[i * 2], 'EX', 30)
end
return #members
