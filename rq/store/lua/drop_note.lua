-- Drops a note: what it asked for is done, or cannot be.
-- KEYS: 1 the sorted set of the queue's notes
-- ARGV: 1 prefix  2 member
-- answers: 1 if it was there, else 0
--- @include keys
redis.call('DEL', k_note(ARGV[2]))
return redis.call('ZREM', KEYS[1], ARGV[2])
