-- A read-only snapshot for tests and checks: every container of the queues named, and every job's hash as it is seen
-- from there. All in one instant.
-- KEYS: 1 the list of the first queue (routing only)
-- ARGV: 1 prefix  2.. queues
-- answers: {queue, {container, {member, score or '', ...}, ...}, ...} and last {id, status, execution, ...}
--- @include keys
--- @include try
local KINDS = { 'wip', 'finished', 'failed', 'deferred', 'scheduled', 'canceled', 'ready' }
local answer, ids, seen = {}, {}, {}
local function look(id)
  if seen[id] then return end
  seen[id] = true
  local h = try('HMGET', k_job(id), 'status', 'execution') or {}
  ids[#ids + 1] = id
  ids[#ids + 1] = h[1] or ''
  ids[#ids + 1] = h[2] or ''
end
for a = 2, #ARGV do
  local q, homes = ARGV[a], {}
  local list = {}
  for _, id in ipairs(try('LRANGE', k_queue(q), 0, -1) or {}) do
    list[#list + 1] = id
    list[#list + 1] = ''
    look(id)
  end
  homes[#homes + 1] = 'queue'
  homes[#homes + 1] = list
  for _, kind in ipairs(KINDS) do
    local flat = try('ZRANGE', k_registry(kind, q), 0, -1, 'WITHSCORES') or {}
    for i = 1, #flat, 2 do look(kind == 'wip' and string.match(flat[i], '^(.*):[^:]*$') or flat[i]) end
    homes[#homes + 1] = kind
    homes[#homes + 1] = flat
  end
  answer[#answer + 1] = q
  answer[#answer + 1] = homes
end
answer[#answer + 1] = ids
return answer
