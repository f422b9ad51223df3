-- Gives up a sink's lease unless a wake-up was sent since it was taken: then the holder has to look again. No wake-up
-- is lost: whoever commits after this finds no pending flag and sends one.
-- KEYS[1] lease, KEYS[2] pending flag (same slot)
-- ARGV[1] token of the lease
-- Returns 1 when released, 0 when there may be work (the lease is kept), -1 when the lease is another's.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return -1
end
if redis.call('DEL', KEYS[2]) == 1 then
  return 0
end
redis.call('DEL', KEYS[1])
return 1
