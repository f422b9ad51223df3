-- The next rows of a sorted set in descending order of (score, member), from a cursor on.
-- KEYS[1] sorted set
-- ARGV[1] greatest score, ARGV[2] greatest member at that score (both included), ARGV[3] least score, ARGV[4] most rows
-- Returns {member, score, member, score, ...}.

-- Members compare by bytes, as sorted sets do; Lua's own comparison would follow the server's locale.
local function greater(a, b)
  for i = 1, math.min(#a, #b) do
    if a:byte(i) ~= b:byte(i) then
      return a:byte(i) > b:byte(i)
    end
  end
  return #a > #b
end

local rows, offset, wanted = {}, 0, tonumber(ARGV[4])
local chunk
repeat
  chunk = redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[1], ARGV[3], 'WITHSCORES', 'LIMIT', offset, wanted)
  for i = 1, #chunk, 2 do
    local after_cursor = tonumber(chunk[i + 1]) == tonumber(ARGV[1]) and greater(chunk[i], ARGV[2])
    if not after_cursor and #rows < 2 * wanted then
      rows[#rows + 1] = chunk[i]
      rows[#rows + 1] = chunk[i + 1]
    end
  end
  offset = offset + wanted
until #rows >= 2 * wanted or #chunk < 2 * wanted
return rows
