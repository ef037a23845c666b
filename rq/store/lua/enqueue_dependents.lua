-- Those who wait for a job need not any more, whatever became of it. Sent twice, it answers the same.
-- KEYS: 1 the set of those who wait for the job
-- ARGV: 1 prefix  2 id of the job  3 nonce of this call
-- answers: queue, id of each job released by this, one after the other (none where there are very many: they are
--       told in steps, see release_dependents.lua)
--- @include keys
--- @include depend
--- @include once
local before = said(ARGV[3])
if before then return before end
redis.call('DEL', k_gone('')) -- no such key: the first command needs no memory, so that a full server goes on
local released = tell_dependents(ARGV[2], 'all')
return #released > 0 and say(ARGV[3], released) or released
