-- Numbered requests: each may be sent twice. A horse numbers its requests upwards, one outstanding. The same number:
-- nothing is claimed anew, what is still leased is answered again. A smaller number is refused: a delayed first copy
-- must not strand jobs. The record outlives a worker's pauses by far: 600 s.
--- @include keys
local PACK_TTL = 600

-- Answers 'NEW', 'SAME' or 'OLD', and the last number accepted (-1: none). The first command does
-- not grow memory, so that a full server still drains.
local function request_state(worker, seq)
  redis.call('EXPIRE', k_pack(worker), PACK_TTL)
  local last = tonumber(redis.call('HGET', k_pack(worker), 'seq') or -1)
  if last < seq then return 'NEW', last end
  return last == seq and 'SAME' or 'OLD', last
end

local function remember(worker, seq, members, answers)
  redis.call('HSET', k_pack(worker), 'seq', string.format('%.0f', seq), 'members', cjson.encode(members),
    'answers', cjson.encode(answers))
  redis.call('EXPIRE', k_pack(worker), PACK_TTL)
end

local function remembered(worker)
  local h = redis.call('HMGET', k_pack(worker), 'members', 'answers')
  return cjson.decode(h[1] or '[]'), cjson.decode(h[2] or '[]')
end
