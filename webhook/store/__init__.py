"""All that is kept in Redis. Nothing outside this package, wiring and embedded imports redis."""
