-- Deletes a job with all that belongs to it, wherever it is. A running one loses its lease: its outcome is not stored.
-- KEYS: 1 the hash of the job
-- ARGV: 1 prefix  2 id  3 queue to look in ('': the hash's origin)  4 '1' to take it off the list too
-- answers: 1 if there was a hash, else 0
--- @include keys
local id, key = ARGV[2], KEYS[1]
local h = redis.call('HMGET', key, 'origin', 'execution', 'group_id')
local q = ARGV[3] ~= '' and ARGV[3] or h[1]
local existed = redis.call('DEL', key, k_results(id), k_dependents(id), k_dependencies(id))
if q then
  if ARGV[4] == '1' then redis.call('LREM', k_queue(q), 0, id) end
  for _, kind in ipairs({ 'finished', 'failed', 'deferred', 'scheduled', 'canceled', 'ready' }) do
    redis.call('ZREM', k_registry(kind, q), id)
  end
  if h[2] then redis.call('ZREM', k_wip(q), id .. ':' .. h[2]) end
end
for _, e in ipairs(redis.call('ZRANGE', k_executions(id), 0, 999)) do
  redis.call('DEL', k_execution(id, e))
  if q then redis.call('ZREM', k_wip(q), id .. ':' .. e) end
end
redis.call('DEL', k_executions(id))
if h[3] then redis.call('SREM', P .. 'group:' .. h[3], id) end
return existed > 0 and 1 or 0
