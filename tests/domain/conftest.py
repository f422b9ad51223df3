"""Properties here have a budget of examples, not of time: a busy machine is no counterexample."""

from hypothesis import settings

settings.register_profile("vigil", deadline=None)
settings.load_profile("vigil")
