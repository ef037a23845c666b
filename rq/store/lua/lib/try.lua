-- A script that errs in its middle keeps what it wrote before. So a key of the wrong type (somebody else's, half of a
-- restored dump) is met through `try`: it costs the job or the queue that it belongs to, and nothing else.
local broken = {} -- such keys, as they were met

-- The reply of a command, or nil where its key has the wrong type. Any other error is raised.
local function try(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if not string.find(tostring(reply.err), 'WRONGTYPE', 1, true) then return redis.call(command, key, ...) end
  broken[#broken + 1] = key
  return nil
end
