-- Deletes a stretch of a queue with its jobs: those of the ids given that are still at its head. Sent twice, nothing
-- more goes, and it answers the same. One that runs already (its id was on the list twice), and an entry left over from
-- an earlier use of its id, is only taken off the list.
-- KEYS: 1 the list of the queue
-- ARGV: 1 prefix  2 nonce of this call  3.. ids from the head of the list (up to 1,000)
-- answers: how many ids were taken off the list
--- @include keys
--- @include try
--- @include erase
--- @include stale
--- @include once
local q, wanted, taken = string.sub(KEYS[1], #k_queue('') + 1), {}, 0
local before = said(ARGV[2])
if before then return before end
for a = 3, #ARGV do wanted[ARGV[a]] = (wanted[ARGV[a]] or 0) + 1 end
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, #ARGV - 3)) do
  if (wanted[id] or 0) > 0 then
    wanted[id] = wanted[id] - 1
    taken = taken + 1
    redis.call('LREM', KEYS[1], 1, id)
    local h = try('HMGET', k_job(id), 'status', 'call', 'origin', 'execution') or {}
    local left = { status = h[1], call = h[2], origin = h[3], execution = h[4] }
    if h[1] ~= 'started' and not stale(q, id, left) then erase(id) end
  end
end
return taken > 0 and say(ARGV[2], taken) or taken
