-- Jobs that another RQ has made ready, and that are not queued yet, go where they wait next.
-- KEYS: 1 the list of the queue (routing only)
-- ARGV: 1 prefix  2 queue  3.. ids (up to 1,000)
-- answers: how many of them were there
--- @include keys
--- @include ready
local moved = 0
redis.call('DEL', k_gone('')) -- no such key: the first command needs no memory
for a = 3, #ARGV do moved = moved + leave_ready(ARGV[2], ARGV[a]) end
return moved
