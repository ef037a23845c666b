-- Takes the head off a list, for a caller who runs the job himself: nobody holds it then. Sent twice, it takes one.
-- KEYS: 1 the list of the queue
-- ARGV: 1 prefix  2 nonce of this call
-- answers: the id; nil when nothing waits
--- @include keys
--- @include once
local before = said(ARGV[2])
if before then return before end
local id = redis.call('LPOP', KEYS[1])
return id and say(ARGV[2], id)
