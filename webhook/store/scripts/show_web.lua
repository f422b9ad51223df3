-- Notes that a web process is there to hear, on a full server too.
-- KEYS[1] when one was last there
-- ARGV[1] now, in ms
-- a write that takes no memory, after which a server at maxmemory permits one that does
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1])
