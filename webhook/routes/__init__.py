"""Flask routes; they only translate."""
