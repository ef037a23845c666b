-- Pauses a cron job, resumes it (what fell into the pause is over), or asks for a run now: every scheduler obeys.
-- KEYS: 1 the state of the cron job
-- ARGV: 1 prefix  2 'pause', 'resume' or 'run'  3 nonce of this call, which is the request to run as well  4 TTL of the
--       state (seconds)
-- answers: 1 if that changed something, else 0
--- @include time
--- @include once
local state, what = KEYS[1], ARGV[2]
local changed
local before = what ~= 'run' and said(ARGV[3])
if before then return before end
if what == 'pause' then
  changed = redis.call('HSETNX', state, 'paused', string.format('%.0f', NOW_US))
elseif what == 'resume' then
  changed = redis.call('HDEL', state, 'paused')
  if changed == 1 then redis.call('HSET', state, 'since', string.format('%.0f', NOW_US)) end
else
  changed = redis.call('HGET', state, 'run') == ARGV[3] and 0 or 1
  redis.call('HSET', state, 'run', ARGV[3])
end
if redis.call('HEXISTS', state, 'paused') == 1 then
  redis.call('PERSIST', state)
else
  redis.call('EXPIRE', state, ARGV[4])
end
return changed == 1 and what ~= 'run' and say(ARGV[3], 1) or changed
