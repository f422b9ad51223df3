-- Moves tellings that wait into one batch, if all of them wait still and none of their alerts is in another batch.
-- KEYS[1] waiting, KEYS[2] outbox, KEYS[3] sealed, KEYS[4] batches, KEYS[5] busy (same slot)
-- ARGV[1] batch, ARGV[2] what it holds, ARGV[3] ms of its first attempt, ARGV[4] how many tellings, then their keys,
-- then their alerts, each once
-- Returns 1, or 0 when nothing was changed.
local last = 4 + tonumber(ARGV[4])
for i = 5, last do
  if not redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    return 0
  end
end
for i = last + 1, #ARGV do
  local batch = redis.call('HGET', KEYS[5], ARGV[i])
  if batch and redis.call('ZSCORE', KEYS[3], batch) then
    return 0
  end
end
-- removals first: they take no memory, after which a server at maxmemory permits what does
for i = 5, last do
  redis.call('ZREM', KEYS[1], ARGV[i])
  redis.call('HDEL', KEYS[2], ARGV[i])
end
redis.call('HSET', KEYS[4], ARGV[1], ARGV[2])
for i = last + 1, #ARGV do
  redis.call('HSET', KEYS[5], ARGV[i], ARGV[1])
end
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[1])
return 1
