-- Ends a suspension and wakes workers for what waits.
-- KEYS: 1 the marker of the suspension
-- ARGV: 1 prefix  2 nonce of this call  3.. queues to wake besides the known ones (up to 1,000)
-- answers: 1 if there was one
--- @include keys
--- @include wake
--- @include once
local before = said(ARGV[2])
local was = before or redis.call('DEL', KEYS[1])
local start = #k_queue('') + 1
for _, key in ipairs(redis.call('SRANDMEMBER', k_queues, 1000)) do wake_if_waiting(string.sub(key, start)) end
for a = 3, #ARGV do wake_if_waiting(ARGV[a]) end
return was == 1 and not before and say(ARGV[2], 1) or was
