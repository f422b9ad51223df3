"""Who takes part in the samples: one channel and one publisher, so that those of all products meet."""

CHANNEL = "Town_hall"
PUBLISHER = 48151623
BEGUN_BEFORE_MS = 60_000  # how long before its event the entity of a sample began
