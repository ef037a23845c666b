-- Those who wait for a job need not any more, whatever became of it.
-- KEYS: 1 the set of those who wait for the job
-- ARGV: 1 prefix  2 id of the job
-- answers: queue, id of each job released by this, one after the other (none where there are very many: they are
--       told in steps, see release_dependents.lua)
--- @include keys
--- @include depend
redis.call('DEL', k_gone('')) -- no such key: the first command needs no memory, so that a full server goes on
return tell_dependents(ARGV[2], 'all')
