-- Writes a job's hash and puts its id on the list. The first write grows memory, so a full server refuses it whole.
-- A fresh id (made for this call) that exists or just finished is this very call again: nothing is done. A caller's
-- own id is told from an earlier use by `call`, a nonce in the hash. Answers QUEUED, AGAIN or DUPLICATE.
local function put(q, id, call, unique, ttl, fields)
  local key = k_job(id)
  if call == '' then
    if redis.call('EXISTS', key, k_gone(id)) > 0 then return 'AGAIN' end
  else
    local h = redis.call('HMGET', key, 'call', 'status', 'origin', 'created_at')
    if h[1] == call or redis.call('GET', k_gone(id)) == call then return 'AGAIN' end
    if unique and h[4] then return 'DUPLICATE' end
    if h[2] == 'queued' and h[3] == q and redis.call('LPOS', k_queue(q), id) then
      redis.call('HSET', key, 'call', call, unpack(fields))
      return 'AGAIN'
    end
    fields[#fields + 1] = 'call'
    fields[#fields + 1] = call
  end
  redis.call('HSET', key, unpack(fields))
  if ttl > 0 then redis.call('EXPIRE', key, ttl) elseif call ~= '' then redis.call('PERSIST', key) end
  return 'QUEUED'
end
