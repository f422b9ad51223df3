"""Alerts: what rules say of a session, and what becomes of it in time. Pure, as all of the domain."""
