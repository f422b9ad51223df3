"""Dead letters that a person decided on: asked for through the inbox, done by the shard's one writer."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from rq.timeouts import JobTimeoutException

from webhook.domain.arrivals import Kind, Reading, dead_letter
from webhook.domain.folding import Folding, Spot
from webhook.domain.log import DEAD, Entry
from webhook.domain.replaying import (
    Answer,
    Request,
    Verdict,
    discard,
    fail,
    give_up,
    read_again,
    replay,
    take_over,
    unread,
)
from webhook.store.loading import Lost
from webhook.store.shard import Received, Shard

log = logging.getLogger(__name__)


class Asked(Struct):
    """One request of a person. `reading` is what its dead letter says to this release, `error` why it says nothing."""

    request: Request
    kind: Kind
    error: str = ""
    reading: Reading | None = None


def read_request(received: Received, error: str = "") -> Asked:
    """The request that came through the inbox; with an `error` it has failed already."""
    return Asked(msgspec.json.decode(received.arrival.body, type=Request), received.arrival.kind, error)


def look_up(shard: Shard, asked: Iterable[Asked]) -> dict[tuple[str, str], Entry]:
    """The dead letters that are asked for, by log and name; each request to replay one has its reading then."""
    fields = [each.request.field for each in asked]
    dead = shard.entries({DEAD: [Spot(0, f"|{field}") for field in fields]}) if fields else {}
    for each in asked:
        entry = each.request.carried or dead.get((DEAD, each.request.field))
        if entry is not None and each.kind is Kind.REPLAY and not each.error:
            _read(each, entry)
    return dead


def decide(folding: Folding, asked: Asked, lost: Lost) -> Answer:
    """What becomes of the dead letter. Never raises for what the dead letter says: it stays one then."""
    field, reading = asked.request.field, asked.reading
    error = asked.error or (lost.reasons.get(reading.fact.session_id, "") if reading and reading.fact else "")
    carried = asked.request.carried
    if asked.kind is Kind.DISCARD:
        return give_up(folding, field, carried) if carried else discard(folding, field)
    if carried:
        return _take_over(folding, asked, carried, error)
    if error:
        return fail(folding, field, error)
    if reading is None:
        return Answer(Verdict.GONE)
    try:
        return replay(folding, field, reading)
    except JobTimeoutException:  # the job's own time is over, whichever request it was at
        raise
    except Exception as failure:
        log.exception("dead letter %s could not be applied; it stays one", field)
        return fail(folding, field, f"{type(failure).__name__}: {failure}")


def _take_over(folding: Folding, asked: Asked, carried: Entry, error: str) -> Answer:
    """Nothing of it may be lost, for the shard that had it gives it up: what fails here is a dead letter here."""
    field, reading = asked.request.field, asked.reading
    ways = [] if error or reading is None else [reading, dead_letter(reading, "")]
    for way in ways:
        try:
            return take_over(folding, carried, replace(way, entry=replace(way.entry, error=error or way.entry.error)))
        except JobTimeoutException:  # as above
            raise
        except Exception as failure:
            log.exception("dead letter %s could not be applied; it is one here, too", field)
            error = f"{type(failure).__name__}: {failure}"
    return take_over(folding, carried, unread(field, carried, error or "it cannot be read"))


def _read(asked: Asked, entry: Entry) -> None:
    try:
        asked.reading = read_again(entry, asked.request.project)
    except JobTimeoutException:  # as above
        raise
    except Exception as failure:
        log.exception("dead letter %s could not be read; it stays one", asked.request.field)
        asked.error = f"{type(failure).__name__}: {failure}"
