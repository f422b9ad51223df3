"""Deliveries: what goes out together, when it is tried again, and when it is given up. No clock, no chance, no I/O."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from webhook.domain.alerting.dossier import SELF
from webhook.domain.alerting.telling import Telling, Transition
from webhook.domain.errors import DeliveryError

MOST_TELLINGS = 100  # of one batch, unless its sink takes fewer
STORM_GROUPS = 10  # beyond so many that are due at once, groups share batches
MOST_ATTEMPTS = 20
GIVEN_UP_MS = 86_400_000  # a batch that was sealed so long ago is not tried again
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 5_000, 300_000
LONGEST_ASKED_MS = 3_600_000  # a sink may ask for no longer pause
PROBED_AFTER = 3  # failures in a row, after which one batch at a time shows whether the sink is back
LONGEST_ERROR = 300  # characters
UNFIRED = "its firing was not delivered"

_RANKS = {
    Transition.FIRING: 0,
    Transition.REPEAT: 1,
    Transition.RISE: 1,
    Transition.FLAPPING: 1,
    Transition.ACKNOWLEDGED: 2,
}
_LAST_RANK = 3  # RESOLVED
_UNSAFE = re.compile(r"\S*(?:/|[\w-]{24,})\S*")  # what may be an address with a secret in it, or a secret


class Batch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What goes to a sink as one. Once sealed it holds the same for ever, and so its `id` tells copies; times are ms.

    `given_up_ms` is when it was given up. A sealed batch that has it already is not attempted.
    """

    id: str
    tellings: tuple[Telling, ...]
    sealed_ms: int
    attempts: int = 0
    error: str | None = None  # why the latest attempt failed
    given_up_ms: int | None = None

    @property
    def alerts(self) -> tuple[str, ...]:
        """The ids of its alerts, each once."""
        return tuple(dict.fromkeys(telling.alert_id for telling in self.tellings))


class Result(StrEnum):
    """How an attempt ended, as readers of the alert see it."""

    DELIVERED = "delivered"
    FAILED = "failed"  # it is tried again
    DEAD = "dead"  # it is tried again only if a person says so


class Note(Struct, frozen=True):
    """What became of one transition of an alert at one sink. `reason` says in a word why the sink was told."""

    at_ms: int
    reason: str
    result: Result
    attempt: int
    error: str | None = None


class SinkState(Struct, frozen=True, kw_only=True):
    """How the latest attempts at a sink went; times are ms. Before `probe_ms` nothing is sent to it."""

    failures: int = 0  # in a row
    failing_since_ms: int | None = None
    last_error: str | None = None
    last_success_ms: int | None = None
    probe_ms: int = 0


class Outcome(Struct, frozen=True):
    """What follows from an attempt: the batch as it is now, its result, and when it is tried again, 0 for never."""

    batch: Batch
    result: Result
    next_ms: int = 0


def batch_id(keys: Iterable[str]) -> str:
    """32 hex digits that stand for these delivery keys."""
    return hashlib.sha256("\x1f".join(sorted(keys)).encode()).hexdigest()[:32]


def make_batches(
    waiting: Iterable[Telling], unfired: Collection[str], now_ms: int, most: int = MOST_TELLINGS
) -> list[Batch]:
    """What is due as batches, with all that waits of the same channel: one a channel, or, in a storm, as few as can be.
    Of an alert they hold what comes first alone; what follows has to wait until that is settled.

    `unfired` are the alerts whose firing was given up. What else is to be told of them is given up as well.
    """
    spoken: list[Telling] = []
    dropped: list[Telling] = []
    for telling in _firsts(sorted(waiting, key=_order)):
        (dropped if telling.alert_id in unfired and not _fires(telling) else spoken).append(telling)
    batches = [_seal(part, now_ms) for group in _groups(spoken, now_ms) for part in _parts(group, most)]
    buried = [replace(_seal(part, now_ms), given_up_ms=now_ms, error=UNFIRED) for part in _parts(dropped, most)]
    return batches + buried


def _fires(telling: Telling) -> bool:
    return telling.transition is Transition.FIRING


def _order(telling: Telling) -> tuple[int, int, str]:
    return telling.decided_ms, _RANKS.get(telling.transition, _LAST_RANK), telling.key


def _groups(tellings: Sequence[Telling], now_ms: int) -> list[list[Telling]]:
    by_group: dict[str, list[Telling]] = {}
    for telling in tellings:
        by_group.setdefault(telling.group, []).append(telling)
    due = [group for group in by_group.values() if any(telling.due_ms <= now_ms for telling in group)]
    return [sorted(chain(*due), key=_order)] if len(due) > STORM_GROUPS else due


def _firsts(tellings: Iterable[Telling]) -> list[Telling]:
    """The first of each alert. A batch that broke off is sent again from its beginning: with an alert's end in it, a
    sink that takes one telling at a time would hear that it fires after it heard that it is over.
    """
    firsts: dict[str, Telling] = {}
    for telling in tellings:
        firsts.setdefault(telling.alert_id, telling)
    return list(firsts.values())


def _parts(tellings: Sequence[Telling], most: int) -> list[Sequence[Telling]]:
    """In turn, at most `most` each."""
    return [tellings[at : at + most] for at in range(0, len(tellings), most)]


def _seal(tellings: Sequence[Telling], now_ms: int) -> Batch:
    return Batch(id=batch_id(telling.key for telling in tellings), tellings=tuple(tellings), sealed_ms=now_ms)


def attempted(batch: Batch) -> Batch:
    """The batch with one attempt more."""
    return replace(batch, attempts=batch.attempts + 1)


def delivered(batch: Batch) -> Outcome:
    """What follows from a success."""
    return Outcome(replace(batch, error=None), Result.DELIVERED)


def dead(batch: Batch, error: str, now_ms: int) -> Outcome:
    """What follows from giving it up."""
    return Outcome(replace(batch, error=error, given_up_ms=now_ms), Result.DEAD)


def undelivered(batch: Batch, failure: DeliveryError, now_ms: int, chance: float) -> Outcome:
    """What follows from a failure: another attempt after a pause, or, where that cannot help any more, giving it up."""
    error = str(failure)[:LONGEST_ERROR]
    if failure.permanent:
        return dead(batch, error, now_ms)
    if batch.attempts >= MOST_ATTEMPTS or is_stale(batch.sealed_ms, now_ms):
        return dead(batch, f"given up after {batch.attempts} attempts: {error}", now_ms)
    next_ms = now_ms + max(pause_ms(batch.attempts, chance), _asked_ms(failure))
    return Outcome(replace(batch, error=error), Result.FAILED, next_ms)


def is_stale(since_ms: int, now_ms: int) -> bool:
    """Whether what waits since then is too old to be tried again."""
    return now_ms - since_ms >= GIVEN_UP_MS


def pause_ms(failures: int, chance: float) -> int:
    """How long to wait after so many failures: from 5 s doubled up to 5 min, `chance` (0 to 1) taking up to half."""
    whole = min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS << min(failures - 1, 16))
    return int(whole * (1 - chance / 2))


def _asked_ms(failure: DeliveryError) -> int:
    return min(LONGEST_ASKED_MS, int(1000 * max(0.0, failure.retry_after or 0.0)))


def after_success(now_ms: int) -> SinkState:
    """The state of a sink that took what it was sent."""
    return SinkState(last_success_ms=now_ms)


def after_failure(state: SinkState, failure: DeliveryError, now_ms: int, chance: float) -> SinkState:
    """The state of a sink that did not: from the third failure on, and while it asks for a pause, it is left alone."""
    failures = state.failures + 1
    asked_ms = _asked_ms(failure)
    probing_ms = pause_ms(failures - PROBED_AFTER + 1, chance) if failures >= PROBED_AFTER else 0
    rest_ms = max(asked_ms, probing_ms)
    return replace(
        state,
        failures=failures,
        failing_since_ms=state.failing_since_ms or now_ms,
        last_error=str(failure)[:LONGEST_ERROR],
        probe_ms=max(state.probe_ms, now_ms + rest_ms) if rest_ms else state.probe_ms,
    )


def notes(outcome: Outcome, now_ms: int) -> dict[str, dict[str, Note]]:
    """What readers of the alerts are told, by session and then by `alert|sink|transition`."""
    batch, by_session = outcome.batch, dict[str, dict[str, Note]]()
    for telling in batch.tellings:
        told = Note(now_ms, reason_of(telling), outcome.result, batch.attempts, batch.error)
        by_session.setdefault(session_of(telling), {})[field_of(telling)] = told
    return by_session


def session_of(telling: Telling) -> str:
    """The id of the session that it is about."""
    return telling.labels.get("session") or SELF


def field_of(telling: Telling, transition: Transition | None = None) -> str:
    """What a result is noted under: of this transition, or of another of the same alert at the same sink."""
    return f"{telling.alert_id}|{telling.sink}|{transition or telling.transition}"


def reason_of(telling: Telling) -> str:
    """Why the sink is told."""
    return "first" if _fires(telling) else telling.transition.value


def plainly(failure: Exception) -> str:
    """What an unexpected error says, without what may be an address or a secret."""
    told = _UNSAFE.sub("…", str(failure)).strip()
    return f"{type(failure).__name__}{': ' if told else ''}{told}"[:LONGEST_ERROR]
