-- Takes a sink's lease if nobody holds it, on a full server too. Who commits from now on sends another wake-up.
-- KEYS[1] lease, KEYS[2] pending flag (same slot)
-- ARGV[1] token of the lease, ARGV[2] its life in ms
-- Returns 1, or 0 while another holds the lease.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
-- a write that takes no memory, after which a server at maxmemory permits one that does
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
