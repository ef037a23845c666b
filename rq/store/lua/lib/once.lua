-- A request that answers what it found or changed, and that redis-py may send again when its reply is lost: the answer is
-- kept under the nonce of the call, and given again. Nothing is kept of a call that changed nothing: it is the same again.
--- @include keys
local KEPT = 120 -- seconds; redis-py gives up after about a minute

-- The answer of an earlier copy of this call, or nil.
local function said(call)
  local kept = call ~= '' and redis.call('GET', k_said(call))
  return kept and cjson.decode(kept) or nil
end

-- Keeps what this call answers, and answers it.
local function say(call, answer)
  if call ~= '' then redis.call('SET', k_said(call), cjson.encode(answer), 'EX', KEPT) end
  return answer
end
