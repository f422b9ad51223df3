"""Converters, players, ingest streams, transcoders and agents as they happen, and how Agora tells of them."""
