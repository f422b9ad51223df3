-- How many members each sorted set has, and the greatest of them.
-- KEYS sorted sets of one slot, any of which may be missing
-- Returns for each {count, member, score}, {0} for one that is missing.
local found = {}
for i = 1, #KEYS do
  local count = redis.call('ZCARD', KEYS[i])
  if count == 0 then
    found[i] = {0}
  else
    local last = redis.call('ZREVRANGE', KEYS[i], 0, 0, 'WITHSCORES')
    found[i] = {count, last[1], last[2]}
  end
end
return found
