-- Begins an attempt at a batch, if nobody began one since it was read. Whoever begins it and dies leaves it to the next
-- one, once the time of its next attempt has come.
-- KEYS[1] sealed, KEYS[2] batches (same slot)
-- ARGV[1] batch, ARGV[2] its attempts with this one, ARGV[3] ms when it was sealed, ARGV[4] the batch with this attempt,
-- ARGV[5] ms of its next attempt
-- Returns 1, or 0 when nothing was changed.
local stored = redis.call('HGET', KEYS[2], ARGV[1])
if not stored then
  return 0
end
local known = cjson.decode(stored)
if (known.attempts or 0) + 1 ~= tonumber(ARGV[2]) or known.sealed_ms ~= tonumber(ARGV[3]) then
  return 0
end
-- a removal takes no memory, after which a server at maxmemory permits what does
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[4])
redis.call('ZADD', KEYS[1], ARGV[5], ARGV[1])
return 1
