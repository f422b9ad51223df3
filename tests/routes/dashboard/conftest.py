"""What tests of pages have in common."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from redis import Redis

from tests.routes.dashboard.signed import served


@pytest.fixture
def guarded(redis: Redis, tmp_path: Path) -> Flask:
    """The application with tokens set."""
    return served(redis, tmp_path)
