"""Converters, players, ingest streams, transcoders, agents: things that begin, do something, and end."""
