-- Gives up a shard's lease if nothing is left in its inbox. No wake-up is lost: whoever appends after this finds no
-- pending flag and sends one; whoever appended before it is seen here.
-- KEYS[1] lease, KEYS[2] pending flag, KEYS[3] inbox, KEYS[4] attempts (same slot)
-- ARGV[1] token of the lease
-- Returns 1 when released, 0 when there is work left (the lease is kept), -1 when the lease is another's.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return -1
end
if redis.call('XLEN', KEYS[3]) > 0 then
  return 0
end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[4])
return 1
