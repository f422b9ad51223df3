-- Keeps an acknowledgement while its alert is open: of an alert that nobody knows any more, nobody would forget it.
-- KEYS[1] acknowledgements, KEYS[2] index of pending alerts, KEYS[3] index of firing ones
-- ARGV[1] the alert's id, ARGV[2] its member in the indexes, ARGV[3] the acknowledgement
-- Returns 1, or 0 where the alert is not open and nothing was kept.

if not (redis.call('ZSCORE', KEYS[2], ARGV[2]) or redis.call('ZSCORE', KEYS[3], ARGV[2])) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
