-- Ids leave lists of queues together: those of one stretch by one walk, since a walk for each costs its length every time.
--- @include keys
--- @include try
local STRETCH = 1000 -- places looked at
local SLACK = 400 -- of them before the place where the caller saw the first: workers take from the head meanwhile
local TAKEN = '\0taken' -- in the place of an id until the walk's end

-- `off`: queue -> ids. `from`: where the caller saw them, counted from the head, or ''. The first entry of each id goes.
local function pluck(off, from)
  local first = from ~= '' and math.max(0, tonumber(from) - SLACK)
  for q, ids in pairs(off) do
    local list, wanted, found = k_queue(q), {}, 0
    for _, id in ipairs(ids) do wanted[id] = true end
    for at, id in ipairs(first and try('LRANGE', list, first, first + STRETCH - 1) or {}) do
      if wanted[id] then
        wanted[id] = nil
        found = found + 1
        redis.call('LSET', list, first + at - 1, TAKEN)
      end
    end
    if found > 0 then redis.call('LREM', list, found, TAKEN) end
    for id in pairs(wanted) do try('LREM', list, 1, id) end
  end
end

-- A job leaves its home; one on a list does so with the others, in `pluck(off)`.
local function take_off(off, id, h)
  if h.status ~= 'queued' then return h.origin and leave(id, h.status, h.origin) end
  if not h.origin then return end
  off[h.origin] = off[h.origin] or {}
  table.insert(off[h.origin], id)
end
