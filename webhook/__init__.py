"""Vigil keeps watch over Agora sessions: the web side, the domain, the store and the command line."""
