-- Deletes a job with all that belongs to it, wherever it is. A running one loses its lease: its outcome is not stored.
-- KEYS: 1 the hash of the job
-- ARGV: 1 prefix  2 id  3 queue to look in besides the hash's origin, or ''  4 '1' to take it off the list too
-- answers: 1 if there was a hash, else 0
--- @include keys
--- @include leave
local id, key = ARGV[2], KEYS[1]
local h = try('HMGET', key, 'origin', 'execution', 'group_id', 'status', 'worker_name') or {}
local existed = redis.call('DEL', key)
redis.call('DEL', k_results(id), k_dependents(id), k_dependencies(id))
local origin, other = h[1], ARGV[3] ~= '' and ARGV[3] ~= h[1] and ARGV[3] or nil
for _, q in ipairs({ origin or other, origin and other or nil }) do
  leave(id, h[4], q, ARGV[4] ~= '1')
  revoke(q, id, h[2], h[5])
end
if h[3] and h[3] ~= '' then try('SREM', k_group(h[3]), id) end
return existed
