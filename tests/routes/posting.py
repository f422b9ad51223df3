"""What tests that post have in common."""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.test import TestResponse

SECRET = "a secret of the tests"

Post = Callable[..., TestResponse]
