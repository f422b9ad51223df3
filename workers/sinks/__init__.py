"""Where alerts go: one module for each kind of sink."""
