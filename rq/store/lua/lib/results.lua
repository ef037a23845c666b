-- One entry in the results stream of a job, ten kept. A stream's first node is allocated at 4 KB whatever it holds
-- (measured: 4,400 bytes for one result); DUMP and RESTORE leave its true size, 534 bytes, and set the TTL as well.
-- Above 2 KB the copy costs more than it saves. RESTORE may be refused by a managed server: then XADD and EXPIRE do.
--- @include keys
--- @include time
local RESULT_TYPE = { F = '1', X = '2', Y = '2', L = '2', S = '3', R = '4', A = '4', M = '5' }
local RETURNED = { F = true, R = true, A = true, M = true } -- their payload is a value, else a traceback

-- o: kind, queue, id, execution, started, ended (microseconds, 0 unknown), ttl (seconds), payload (base64 text, '' for
-- none; a signed value is '<base64>!<signature>!'). ttl: seconds the stream lives, below 0 for ever.
local function store_result(o, worker, ttl)
  local key = k_results(o.id)
  local args = { 'type', RESULT_TYPE[o.kind], 'worker_name', worker }
  local function add(name, value) args[#args + 1] = name; args[#args + 1] = value end
  if o.execution ~= '' then add('execution_id', o.execution) end
  if o.started > 0 then
    add('execution_started_at', epoch(o.started))
    add('execution_ended_at', epoch(o.ended))
  end
  if RETURNED[o.kind] and o.payload:byte(-1) == 33 then
    local value, signature = o.payload:match('^([^!]*)!([^!]*)!$')
    add('return_value', value or '')
    add('sig', signature or '')
  elseif o.payload ~= '' then
    add(RETURNED[o.kind] and 'return_value' or 'exc_string', o.payload)
  end
  local more = redis.pcall('XADD', key, 'NOMKSTREAM', 'MAXLEN', 10, '*', unpack(args))
  if type(more) == 'table' then redis.call('DEL', key) end -- not a stream, or one whose last id is the highest there is
  if type(more) ~= 'string' then
    redis.call('XADD', key, '*', unpack(args))
    if #o.payload <= 2048 then
      local copy = redis.pcall('DUMP', key)
      local done = type(copy) == 'string'
        and redis.pcall('RESTORE', key, string.format('%.0f', ttl > 0 and ttl * 1000 or 0), copy, 'REPLACE')
      if done and not done.err then return end
    end
  end
  if ttl > 0 then redis.call('EXPIRE', key, ttl) else redis.call('PERSIST', key) end
end
