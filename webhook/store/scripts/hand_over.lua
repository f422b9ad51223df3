-- Gives up a shard's lease with work left, and marks that a wake-up is on its way, which the caller sends next.
-- KEYS[1] lease, KEYS[2] pending flag, KEYS[3] attempts (same slot)
-- ARGV[1] token of the lease, ARGV[2] life of the pending flag in ms
-- Returns 1, or -1 when the lease is another's.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return -1
end
redis.call('DEL', KEYS[1])
redis.call('HDEL', KEYS[3], 'by:' .. ARGV[1])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
