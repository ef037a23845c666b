-- Jobs that wait go, since their caller wants no more results; those that have begun or ended are left alone, as are
-- those that are not found: 50,000 places from each end of the list are searched. Sent twice, nothing more goes.
-- KEYS: 1 the list of the queue
-- ARGV: 1 prefix  2 queue  3.. ids that were put in the queue together (up to 1,000)
-- answers: how many went
--- @include keys
--- @include wake
--- @include erase
local SEARCH = 50000 -- 2 ms
local TAKEN = ' ' -- no id
local list, wanted, first, count, gone = KEYS[1], {}, nil, #ARGV - 2, 0
redis.call('DEL', k_gone('')) -- no such key: the first command needs no memory, so that a full server can be emptied
for a = 3, #ARGV do
  local h = try('HMGET', k_job(ARGV[a]), 'status', 'origin') or {}
  if h[2] == ARGV[2] and h[1] == 'scheduled' then
    if try('ZREM', k_registry('scheduled', ARGV[2]), ARGV[a]) == 1 then gone = gone + erase(ARGV[a]) end
  elseif h[2] == ARGV[2] and h[1] == 'queued' then
    wanted[ARGV[a]] = true
    first = first or ARGV[a]
  end
end

-- They are next to each other, but for what others have put in between, in this order or, put at the front, in the other.
local at = first and (redis.call('LPOS', list, first, 'MAXLEN', SEARCH)
  or redis.call('LPOS', list, first, 'RANK', -1, 'MAXLEN', SEARCH))
if at then
  local from, taken = math.max(0, at - 2 * count), 0
  for i, id in ipairs(redis.call('LRANGE', list, from, at + 2 * count)) do
    if wanted[id] then
      redis.call('LSET', list, from + i - 1, TAKEN)
      taken = taken + 1
      wanted[id] = nil
      gone = gone + erase(id)
    end
  end
  redis.call('LREM', list, at <= SEARCH and taken or -taken, TAKEN)
  wake_if_waiting(ARGV[2])
end
return gone
