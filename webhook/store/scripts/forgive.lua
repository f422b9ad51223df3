-- Takes back an attempt that ended without a crash, and the lease with it.
-- KEYS[1] lease, KEYS[2] attempts (same slot)
-- ARGV[1] token of the lease
-- Returns 1, or -1 when the lease is another's.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return -1
end
redis.call('DEL', KEYS[1])
redis.call('HINCRBY', KEYS[2], 'tried', -1)
return 1
