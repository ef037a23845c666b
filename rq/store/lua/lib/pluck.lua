-- Ids leave lists of queues together: those of one stretch by one walk, since a walk for each costs its length every time.
-- First all leave (`take_off`), then `plucked`, and only then what may push onto lists: places stay true that long.
--- @include keys
--- @include try
--- @include leave
local STRETCH = 1000 -- places looked at
local SLACK = 400 -- of them before the place where the caller saw the first: workers take from the head meanwhile
local TAKEN = '\0taken' -- in the place of an id until the walk's end
local stretches, marked, taken = {}, {}, {} -- queue -> id -> place; queue -> how many, and the last place; ids

-- Marks the place of an id in the stretch around `from`. Whether it is there.
local function mark(q, id, from)
  local found = stretches[q]
  if not found then
    found = {}
    stretches[q] = found
    local first = math.max(0, tonumber(from) - SLACK)
    for at, other in ipairs(try('LRANGE', k_queue(q), first, first + STRETCH - 1) or {}) do
      found[other] = found[other] or first + at - 1
    end
  end
  if not found[id] then return false end
  redis.call('LSET', k_queue(q), found[id], TAKEN)
  local m = marked[q] or { 0, 0 }
  marked[q] = { m[1] + 1, math.max(m[2], found[id]) }
  return true
end

-- A job leaves its home. `from`: where the caller saw the first of them on the list, '' unknown: then the list is walked
-- for each. Answers nil, or why it cannot: GONE (it is among them already), MISSED (it is elsewhere on the list).
local function take_off(id, h, from)
  if taken[id] then return 'GONE' end
  if h.origin and h.status ~= 'queued' then leave(id, h.status, h.origin) end
  if h.origin and h.status == 'queued' then
    if from == '' then try('LREM', k_queue(h.origin), 1, id) elseif not mark(h.origin, id, from) then return 'MISSED' end
  end
  taken[id] = true
  return nil
end

-- The places that are marked go, by the shorter way.
local function plucked()
  for q, m in pairs(marked) do
    local from_end = m[2] > redis.call('LLEN', k_queue(q)) / 2
    redis.call('LREM', k_queue(q), from_end and -m[1] or m[1], TAKEN)
  end
end
