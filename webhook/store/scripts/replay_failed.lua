-- Has a batch that was given up attempted again, if none of its alerts is in another batch.
-- KEYS[1] failed, KEYS[2] failures, KEYS[3] sealed, KEYS[4] batches, KEYS[5] busy (same slot)
-- ARGV[1] batch, ARGV[2] the batch without its attempts, ARGV[3] ms of its first attempt, then its alerts
-- Returns 1, 0 when it is not there any more, -1 when an alert is in another batch; then nothing was changed.
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then
  return 0
end
for i = 4, #ARGV do
  local batch = redis.call('HGET', KEYS[5], ARGV[i])
  if batch and redis.call('ZSCORE', KEYS[3], batch) then
    return -1
  end
end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[4], ARGV[1], ARGV[2])
for i = 4, #ARGV do
  redis.call('HSET', KEYS[5], ARGV[i], ARGV[1])
end
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[1])
return 1
