-- Deaths: counted and written down. The payload of a lost job's outcome is what happened as plain text, its first line the
-- short form, then on a line of its own the same as base64 of zlib; or that alone.
--- @include keys
--- @include time
--- @include policy
--- @include retry
--- @include pack
local KEPT = 10 -- lines
local LOST = { L = {}, H = { handlers = true }, G = { spared = true }, K = { handlers = true, spared = true } }

-- Counts a death, unless the job is spared: its worker had to end. Answers its policy, or 'poison': it died too often.
local function lose(o, worker)
  local rule, died, last, deaths = terms(o.id, worker)
  local plain, packed = string.match(o.payload, '^(.*)\n([^\n]*)$')
  o.payload = packed or o.payload
  if o.spared then return rule end
  local line = iso(NOW_US) .. ' worker ' .. worker .. ': ' .. string.match(plain or 'its process was lost', '^[^\n]*')
  deaths = deaths and deaths ~= '' and deaths .. '\n' .. line or line
  if died >= KEPT then deaths = string.gsub(deaths, '^[^\n]*\n', '') end
  redis.call('HSET', k_job(o.id), 'losses', string.format('%.0f', died + 1), 'deaths', deaths)
  if not last then return rule end
  if died > 0 then
    o.payload = pack_text('rq.exceptions.AbandonedJobError: the process of this job died ' .. (died + 1)
      .. ' times, so it is not run again:\n' .. deaths .. '\n\n' .. (plain or ''))
  end
  return 'poison'
end

-- Another try of a job that failed, if it has one: what became of it, else nil. h: fields of the hash, as lib/settle.lua reads them.
local function another_try(o, rule, h)
  if rule == 'requeue' then return again(o, 0, o.spared or h[4] == '1') end
  if rule == 'fail' or rule == 'poison' then return nil end
  local left = (o.kind == 'X' or o.kind == 'L') and seconds(h[1], 0) or 0
  return left > 0 and retry(o, left, seconds(h[2], 0) + 1, h[3], h[4]) or nil
end
