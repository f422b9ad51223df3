-- Runs the writes of one batch if the caller still holds the shard's lease: all of them, or none where it is another's.
-- KEYS[1] lease, KEYS[i] the key of command i - 1 (all of one slot)
-- ARGV[1] token of the lease, ARGV[2] its life in ms, then for each command: how many words follow, the command's name,
-- its arguments after the key (at most a few thousand)
-- Returns 1, or -1 when the lease is another's.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return -1
end
-- A server at maxmemory refuses a script whose first write may take memory, and lets one go on that wrote before:
-- renewing the lease takes none.
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local at = 3
for i = 2, #KEYS do
  local last = at + tonumber(ARGV[at])
  redis.call(ARGV[at + 1], KEYS[i], unpack(ARGV, at + 2, last))
  at = last + 1
end
return 1
