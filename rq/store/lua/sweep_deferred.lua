-- Looks through a queue's deferred jobs for those that nobody will release: what they wait for expired or was deleted
-- behind our back, or ended in another RQ that died before it told them. And pushes what such an RQ left among the ready.
-- KEYS: 1 the list of the queue (routing only)
-- ARGV: 1 prefix  2 queue  3 cursor, '0' to begin  4 jobs a call, about
-- answers: {cursor for the next call, '0' at the end; jobs that wait no longer}
--- @include keys
--- @include depend
--- @include leave
--- @include ready
local READY = 60 -- seconds that an RQ process has for what it made ready
local q, moved = ARGV[2], 0

-- How the end of a job is told to those who wait for it; nil while it has none.
local function how_ended(id)
  local h = try('HMGET', k_job(id), 'status', 'created_at') or {}
  if not h[1] and not h[2] then return 'gone' end
  if h[1] == 'finished' then return 'finished' end
  return (h[1] == 'failed' or h[1] == 'stopped') and 'failed' or nil
end

local function look(id)
  local others = try('SRANDMEMBER', k_dependencies(id), 100) or {}
  for _, other in ipairs(others) do
    local how = how_ended(other)
    if how then
      end_of(other, id, how)
      if how == 'gone' then try('SREM', k_dependents(other), id) end
    end
  end
  local h = try('HMGET', k_job(id), 'status', 'created_at', 'enqueue_at_front', 'rate_limit_key',
    'rate_limit_concurrency') or {}
  if h[1] ~= 'deferred' then
    if not h[1] and not h[2] then
      try('ZREM', k_registry('deferred', q), id)
      tell_dependents(id, 'gone')
    end
    if #others > 0 then moved = moved + 1 end
  elseif #others == 0 then -- RQ takes an id off the set only with the job itself
    try('ZREM', k_registry('deferred', q), id)
    place(q, id, h[3] == '1', h[4], h[5])
    moved = moved + 1
  end
end

local page = try('ZSCAN', k_registry('deferred', q), ARGV[3], 'COUNT', ARGV[4]) or { '0', {} }
redis.call('DEL', k_gone('')) -- no such key: the first command needs no memory
if try('LLEN', k_queue(q)) then
  for i = 1, #page[2], 2 do look(page[2][i]) end
  for _, id in ipairs(try('ZRANGEBYSCORE', k_registry('ready', q), '-inf', NOW - READY, 'LIMIT', 0, 100) or {}) do
    moved = moved + leave_ready(q, id)
  end
end
return { page[1], moved }
