-- Puts an id on a list by hand, as is: what its job was run for before counts no more (lib/stale.lua). Sent twice, it is
-- there once.
-- KEYS: 1 the list of the queue
-- ARGV: 1 prefix  2 id  3 'front' or 'back'  4 nonce of this call
-- answers: how many ids are on the list now
--- @include keys
--- @include try
--- @include once
local before = said(ARGV[4])
if before then return before end
local count = redis.call(ARGV[3] == 'front' and 'LPUSH' or 'RPUSH', KEYS[1], ARGV[2])
try('HDEL', k_job(ARGV[2]), 'call')
return say(ARGV[4], count)
