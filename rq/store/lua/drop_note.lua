-- Drops a note: what it asked for is done, or cannot be. A job that was to be deleted as it ended, and stayed for its
-- notes, goes with the last one of its last run.
-- KEYS: 1 the sorted set of the queue's notes
-- ARGV: 1 prefix  2 member
-- answers: 1 if it was there, else 0
--- @include keys
--- @include try
redis.call('DEL', k_note(ARGV[2]))
local dropped = redis.call('ZREM', KEYS[1], ARGV[2])
local id, e = string.match(ARGV[2], '^[^:]*:(.*):([^:]*)$')
local h = id and try('HMGET', k_job(id), 'forget', 'execution') or {}
if dropped == 1 and h[1] == '1' and h[2] == e then
  local run = ':' .. id .. ':' .. e
  if redis.call('EXISTS', k_note('lost' .. run), k_note('stopped' .. run), k_note('webhook' .. run)) == 0 then
    redis.call('DEL', k_job(id))
  end
end
return dropped
