"""Notifications that a planted fault sets aside, and a drain of the pure core that decides what it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from tests.build import AT_MS, SID, Kept, Notification, reading
from webhook.domain import folding as folding_module
from webhook.domain.arrivals import Reading, dead_letter
from webhook.domain.events import Undecoded
from webhook.domain.facts import Fact
from webhook.domain.folding import Folding, Known
from webhook.domain.log import DEAD, LOOSE, Entry, session_log
from webhook.domain.replaying import Answer, read_again, replay
from webhook.domain.session import Session
from webhook.domain.transitions import apply

PLANTED = "a planted fault"
LOG = session_log(SID)


@contextmanager
def faulty(doomed: set[str]) -> Iterator[None]:
    """While this goes on, what has one of these identities cannot be applied."""

    def fail_on_some(session: Session, fact: Fact, *, effect_known: bool = False) -> Session:
        if fact.identity in doomed and not isinstance(fact.event, Undecoded):
            raise RuntimeError(PLANTED)
        return apply(session, fact, effect_known=effect_known)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding_module, "apply", fail_on_some)
        yield


class Shop(Kept):
    """What is kept, by a drain that sets aside what fails and decides what it is asked for."""

    def begin(self) -> Folding:
        loose = sum(log == LOOSE for log, _ in self.entries)
        return Folding(Known(dict(self.sessions), dict(self.entries), dict(self.effects), loose=loose), self.limits)

    def end(self, folding: Folding) -> None:
        for session_id in folding.moved:
            folding.refold(session_id, self.entries)
        self._trim(folding)
        for name in folding.withdrawn:
            del self.entries[DEAD, name], self.spots[DEAD, name]
        self._keep(folding)
        assert {key for key in self.entries if key[0] == DEAD} == {key for key in self.spots if key[0] == DEAD}

    def tell(self, readings: Iterable[Reading]) -> None:
        folding = self.begin()
        for each in readings:
            self.take_or_set_aside(folding, each)
        self.end(folding)

    def take_or_set_aside(self, folding: Folding, each: Reading) -> None:
        try:
            folding.take(each)
        except RuntimeError as fault:
            folding.take(dead_letter(each, str(fault)))

    def decide(self, *fields: str) -> list[Answer]:
        """Replays these in one batch."""
        readings = {field: read_again(self.dead()[field], "default") for field in fields}
        folding = self.begin()
        answers = [replay(folding, field, readings[field]) for field in fields]
        self.end(folding)
        return answers

    def dead(self) -> dict[str, Entry]:
        return self.log(DEAD)

    def only_dead(self) -> tuple[str, Entry]:
        (item,) = self.dead().items()
        return item


def broken(said: Notification, shop: Shop | None = None) -> Shop:
    """A shop in which this could not be applied."""
    shop = shop or Shop()
    with faulty({reading(said).field}):
        shop.tell([reading(said)])
    return shop


def copied(said: Notification, notice_id: str, notify_ms: int = AT_MS + 500) -> Notification:
    return said | {"noticeId": notice_id, "notifyMs": notify_ms}


def timeless(said: Notification) -> Notification:
    """The same without a time of its own."""
    return said | {"payload": {name: value for name, value in said["payload"].items() if name != "sendts"}}
