-- Takes a shard's lease if nobody holds it, on a full server too, and notes the attempt at the head of its inbox.
-- KEYS[1] lease, KEYS[2] attempts (same slot)
-- ARGV[1] token of the lease, ARGV[2] its life in ms
-- Returns {attempts since the last commit that nobody took back, entries that are still to be taken singly}, or nothing
-- while another holds the lease.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return false
end
-- a write that takes no memory, after which a server at maxmemory permits one that does
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('HSET', KEYS[2], 'by:' .. ARGV[1], 1)
local singles = redis.call('HGET', KEYS[2], 'singles')
return {redis.call('HLEN', KEYS[2]) - (singles and 1 or 0), tonumber(singles or 0)}
