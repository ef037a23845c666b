-- The wake-up marker of a queue: one token at most, so that one push wakes one idle worker. 60 s: a token outlives
-- every pause between two claims of a living worker; a lost one is replaced by the nudge.
--- @include keys
--- @include try
local function wake(q)
  local key = k_wake(q)
  if redis.call('EXISTS', key) == 0 then
    redis.call('RPUSH', key, '1')
    redis.call('EXPIRE', key, 60)
  end
end

-- After a claim or a nudge: jobs left -> a token if there is none; none left -> no token.
local function wake_if_waiting(q)
  if (try('LLEN', k_queue(q)) or 0) > 0 then
    wake(q)
  else
    redis.call('DEL', k_wake(q))
  end
end
