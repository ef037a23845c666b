-- Gives back a pack that was asked for and never taken up, by the number of its request. If the request has not
-- arrived yet it will find its number used and claim nothing (its outcomes are applied all the same).
-- KEYS: 1 the pack record of the worker
-- ARGV: 1 prefix  2 worker  3 seq
-- answers: how many jobs went back to the heads of their queues
--- @include keys
--- @include wake
--- @include give_back
--- @include replay
local worker, seq = ARGV[2], tonumber(ARGV[3])
local state = request_state(worker, seq)
if state == 'OLD' then return 0 end
if state == 'NEW' then remember(worker, seq, {}, {}) return 0 end
local members, answers = remembered(worker)
local moved = 0
for i = #members, 1, -1 do moved = moved + give_back(members[i][1], members[i][2], members[i][3]) end
remember(worker, seq, {}, answers)
return moved
