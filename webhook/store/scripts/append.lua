-- Appends one notification to a shard's inbox and says whether the caller has to wake the shard's drain.
-- KEYS[1] inbox, KEYS[2] pending flag (same slot)
-- ARGV[1] most entries of the inbox, ARGV[2] life of the pending flag in ms, ARGV[3...] field, value, ...
-- Returns {id, 1} when a wake-up has to be sent, {id, 0} when one is on its way, nothing when the inbox is full.
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then
  return false
end
local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 3))
if redis.call('SET', KEYS[2], id, 'NX', 'PX', ARGV[2]) then
  return {id, 1}
end
return {id, 0}
