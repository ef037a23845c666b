-- One entry in the results stream of a job, ten kept. A stream's first node is allocated at 4 KB whatever it holds
-- (measured: 4,400 bytes for one result); DUMP and RESTORE leave its true size, 534 bytes, and set the TTL as well.
-- Above 2 KB the copy costs more than it saves. RESTORE may be refused by a managed server: then XADD and EXPIRE do.
local RESULT_TYPE = { F = '1', X = '2', L = '2' }

-- o: kind, queue, id, execution, started_us, ended_us, ttl, payload (base64 text, '' for none). ttl -1: never expires.
local function store_result(o, worker, ttl)
  local key = k_results(o.id)
  local args = { 'type', RESULT_TYPE[o.kind], 'worker_name', worker }
  local function add(name, value) args[#args + 1] = name; args[#args + 1] = value end
  if o.execution ~= '' then add('execution_id', o.execution) end
  if o.started > 0 then
    add('execution_started_at', epoch(o.started))
    add('execution_ended_at', epoch(o.ended))
  end
  if o.payload ~= '' then add(o.kind == 'F' and 'return_value' or 'exc_string', o.payload) end
  if redis.call('XADD', key, 'NOMKSTREAM', 'MAXLEN', 10, '*', unpack(args)) == false then
    redis.call('XADD', key, '*', unpack(args))
    if #o.payload <= 2048 then
      local copy = redis.call('DUMP', key)
      local done = redis.pcall('RESTORE', key, ttl > 0 and ttl * 1000 or 0, copy, 'REPLACE')
      if not done.err then return end
    end
  end
  if ttl > 0 then redis.call('EXPIRE', key, ttl) else redis.call('PERSIST', key) end
end
