"""Silences: alerts that nobody is told of for a while. What alerts are goes on underneath."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from webhook.domain.alerting.matchers import Matcher, all_fit


class Silence(Struct, frozen=True, kw_only=True):
    """Alerts with these labels are told to nobody from `starts_ms` until `ends_ms`, by the server's clock.

    Where `ends_ms` is None it is until the session of the alert ends; `expired_ms` is when somebody ended it before.
    """

    id: str
    matchers: tuple[Matcher, ...]
    starts_ms: int
    ends_ms: int | None
    by: str
    reason: str
    created_ms: int
    expired_ms: int | None = None

    def covers(self, now_ms: int, *, over: bool) -> bool:
        """Whether it is in force at `now_ms` for a session that is `over`, or is not."""
        if self.expired_ms is not None or now_ms < self.starts_ms:
            return False
        return not over if self.ends_ms is None else now_ms < self.ends_ms

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether it is about an alert with these labels."""
        return all_fit(self.matchers, labels)


def silencing(silences: Iterable[Silence], labels: Mapping[str, str], now_ms: int, *, over: bool) -> list[Silence]:
    """Those that keep an alert with these labels quiet at `now_ms`, in the order of their ids."""
    found = [silence for silence in silences if silence.covers(now_ms, over=over) and silence.fits(labels)]
    return sorted(found, key=lambda silence: silence.id)
