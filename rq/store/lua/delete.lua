-- Deletes a job with all that belongs to it, wherever it is. A running one loses its lease: its outcome is not stored.
-- KEYS: 1 the hash of the job
-- ARGV: 1 prefix  2 id  3 queue to look in besides the hash's origin, or ''  4 '1' to take it off the list too
-- answers: 1 if there was a hash, else 0
--- @include keys
--- @include leave
--- @include erase
local id, key = ARGV[2], KEYS[1]
local h = try('HMGET', key, 'origin', 'execution', 'status', 'worker_name') or {}
redis.call('DEL', k_gone('')) -- no such key: the first command needs no memory, so that a full server can be emptied
local existed = erase(id)
local origin, other = h[1], ARGV[3] ~= '' and ARGV[3] ~= h[1] and ARGV[3] or nil
for _, q in ipairs({ origin or other, origin and other or nil }) do
  leave(id, h[3], q, ARGV[4] ~= '1')
  revoke(q, id, h[2], h[4])
end
return existed
