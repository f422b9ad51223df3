-- Ends an attempt at a batch, if nobody began another one since: the batch goes, waits for its next attempt, or is given
-- up, and readers of its alerts are told.
-- KEYS[1] sealed, KEYS[2] batches, KEYS[3] busy, KEYS[4] failed, KEYS[5] failures, KEYS[6...] deliveries, one a session
-- (same slot)
-- ARGV[1] batch, ARGV[2] its attempts with this one, ARGV[3] ms when it was sealed, ARGV[4] the batch as it is now,
-- ARGV[5] `delivered`, `failed` or `dead`, ARGV[6] ms of its next attempt, or when it was given up,
-- ARGV[7] ms before which what was given up is forgotten, ARGV[8] how many of those are kept,
-- ARGV[9] life of deliveries in s, ARGV[10] how many of a session are kept, ARGV[11] how many alerts, then their ids,
-- then for each session: how many words follow, field, note, field, note, ...
-- Returns 1, or 0 when nothing was changed.
local stored = redis.call('HGET', KEYS[2], ARGV[1])
if not stored then
  return 0
end
local known = cjson.decode(stored)
if (known.attempts or 0) ~= tonumber(ARGV[2]) or known.sealed_ms ~= tonumber(ARGV[3]) then
  return 0
end

local function forget(batch)
  redis.call('ZREM', KEYS[4], batch)
  redis.call('HDEL', KEYS[5], batch)
end

local function forget_oldest(deliveries, most)
  local all = redis.call('HGETALL', deliveries)
  local found = {}
  for i = 1, #all, 2 do
    found[#found + 1] = {cjson.decode(all[i + 1]).at_ms, all[i]}
  end
  table.sort(found, function(a, b) return a[1] < b[1] end)
  for i = 1, #found - most do
    redis.call('HDEL', deliveries, found[i][2])
  end
end

-- removals first: they take no memory, after which a server at maxmemory permits what does
redis.call('HDEL', KEYS[2], ARGV[1])
local last = 11 + tonumber(ARGV[11])
if ARGV[5] == 'failed' then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[4])
  redis.call('ZADD', KEYS[1], ARGV[6], ARGV[1])
else
  redis.call('ZREM', KEYS[1], ARGV[1])
  for i = 12, last do
    if redis.call('HGET', KEYS[3], ARGV[i]) == ARGV[1] then
      redis.call('HDEL', KEYS[3], ARGV[i])
    end
  end
end
if ARGV[5] == 'dead' then
  redis.call('HSET', KEYS[5], ARGV[1], ARGV[4])
  redis.call('ZADD', KEYS[4], ARGV[6], ARGV[1])
  local excess = redis.call('ZCARD', KEYS[4]) - tonumber(ARGV[8])
  if excess > 0 then
    for _, batch in ipairs(redis.call('ZRANGE', KEYS[4], 0, excess - 1)) do
      forget(batch)
    end
  end
end
for _, batch in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', ARGV[7])) do
  forget(batch)
end
local at = last + 1
for i = 6, #KEYS do
  local stop = at + tonumber(ARGV[at])
  redis.call('HSET', KEYS[i], unpack(ARGV, at + 1, stop))
  redis.call('EXPIRE', KEYS[i], ARGV[9])
  if redis.call('HLEN', KEYS[i]) > tonumber(ARGV[10]) then
    forget_oldest(KEYS[i], math.floor(tonumber(ARGV[10]) * 3 / 4))
  end
  at = stop + 1
end
return 1
