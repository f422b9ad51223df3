-- Takes back an attempt whose process lives to say so, whoever holds the lease by now, and the lease if it is still its.
-- KEYS[1] lease, KEYS[2] attempts (same slot)
-- ARGV[1] token of the lease
-- Returns 1 when the lease was given up, 0 when it is another's.
redis.call('HDEL', KEYS[2], 'by:' .. ARGV[1])
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
return 1
