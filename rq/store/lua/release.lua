-- Claimed jobs that have not begun go back to the heads of their queues, in their order. Fenced by the lease.
-- KEYS: 1 the list of the first queue (routing only)
-- ARGV: 1 prefix  2 number of jobs n, then n times: queue, id, execution, in the order in which they were claimed
-- answers: how many moved
--- @include keys
--- @include wake
--- @include give_back
local moved = 0
for i = tonumber(ARGV[2]) - 1, 0, -1 do
  local a = 3 + i * 3
  moved = moved + give_back(ARGV[a], ARGV[a + 1], ARGV[a + 2])
end
return moved
