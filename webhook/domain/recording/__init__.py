"""Recordings: what is known of one, how facts change it, what state it is in."""
