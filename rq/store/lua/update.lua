-- Writes fields of a job's hash if there is one: what is told late must not bring a deleted job back.
-- KEYS: 1 the hash of the job
-- ARGV: 1 prefix  2.. field, value, ...
-- answers: 1, or 0 when there is no job
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
