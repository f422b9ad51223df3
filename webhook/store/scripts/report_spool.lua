-- Tells what one host's spool directory holds, on a full server too.
-- KEYS[1] reports of all spools
-- ARGV[1] who reports, ARGV[2] the report; nothing where there is nothing to tell
-- a write that takes no memory, after which a server at maxmemory permits one that does
redis.call('HDEL', KEYS[1], ARGV[1])
if ARGV[2] then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
