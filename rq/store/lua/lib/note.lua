-- Notes: what is still to be done for a job outside of Redis, by any worker of its queue: user code for the dead, and
-- webhooks. The note is left in the step that makes it due and dropped when it is done (lua/take_notes, lua/drop_note).
--- @include keys
--- @include time
--- @include try
local NOTE_TTL = 86400
local FORGET_LATER = 600 -- seconds that a job whose TTL is 0 stays for its note

-- what: lost (the job's process died: its failure callback, the worker's handlers), stopped (its callback) or webhook.
-- o: an outcome (lib/results.lua); became: what became of the job.
local function leave_note(what, o, worker, became)
  local member = what .. ':' .. o.id .. ':' .. o.execution
  local text = what ~= 'webhook' or o.kind ~= 'F'
  redis.call('HSET', k_note(member), 'worker', worker, 'became', became, 'text', text and o.payload or '')
  redis.call('EXPIRE', k_note(member), NOTE_TTL)
  try('ZADD', k_aftermath(o.queue), NOW, member)
  o.noted = true
end
