"""How often a page waits for the server."""

from __future__ import annotations

from typing import Any

from redis import Redis


class Counting(Redis):
    """A client that counts its round trips."""

    trips = 0

    def pipeline(self, *arguments: Any, **more: Any) -> Any:
        """One that counts when it is made; a page uses each once."""
        self.trips += 1
        return super().pipeline(*arguments, **more)

    def execute_command(self, *arguments: Any, **more: Any) -> Any:
        self.trips += 1
        return super().execute_command(*arguments, **more)
