"""What the first screen lists: the alerts that wait for somebody, and the sessions that run, broken ones first."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from webhook.domain.alerting.alerts import AlertState
from webhook.domain.alerting.dossier import Dossier
from webhook.domain.facets import ALERTING, RUNNING, indexes
from webhook.domain.session import Session
from webhook.store.keys import ShardKeys
from webhook.store.known_alerts import KnownAlert, read_dossier, reading_known
from webhook.store.members import parts
from webhook.store.paging import Row, Span, read_rows
from webhook.store.rounds import Reader, read_rounds
from webhook.store.sessions import decoded

MOST_ALERTS = 8
MOST_SESSIONS = 50
MOST_FIRING = 200  # of each shard, the oldest: among them those that nobody has are looked for


class Running(Struct, frozen=True):
    """A session that runs, and its alerts, None where it never had one."""

    session: Session
    dossier: Dossier | None


class Overview(Struct, frozen=True):
    """`alerts` fire, those that nobody has first, then the oldest; `sessions` with open alerts are the first."""

    alerts: list[KnownAlert]
    sessions: list[Running]


def reading(shards: int) -> Reader[Overview]:
    """The lists of the first screen, in two steps."""
    keys = [ShardKeys(shard) for shard in range(shards)]
    firing, alerting, running = yield from read_rounds(_waiting(keys), _newest(keys, ALERTING), _newest(keys, RUNNING))
    alerts, sessions = yield from read_rounds(_alerts(firing), _sessions(keys, list(dict.fromkeys(alerting + running))))
    return Overview(alerts, sorted(sessions, key=_is_well)[:MOST_SESSIONS])


def _waiting(keys: Sequence[ShardKeys]) -> Reader[list[Row]]:
    """Rows of alerts that fire, those that nobody has first, then the oldest."""
    index = f"state:{AlertState.FIRING.value}"
    answers = yield [
        command
        for of in keys
        for command in (("ZRANGE", of.alerts(index), 0, MOST_FIRING - 1, "WITHSCORES"), ("HKEYS", of.acks))
    ]
    acknowledged = {name.decode() for names in answers[1::2] for name in names}
    rows = [
        Row(int(score), member.decode(), of.shard)
        for of, members in zip(keys, answers[::2], strict=True)
        for member, score in members
    ]
    return sorted(rows, key=lambda row: (parts(row.member)[0] in acknowledged, row.score, row.member))[:MOST_ALERTS]


def _newest(keys: Sequence[ShardKeys], index: str) -> Reader[list[tuple[int, str]]]:
    """Shard and id of the sessions in an index, those with the latest activity first."""
    rows = yield from read_rows([(of.shard, of.index(index)) for of in keys], Span(None, None, None, MOST_SESSIONS))
    return [(row.shard, row.member) for row in rows]


def _alerts(rows: Sequence[Row]) -> Reader[list[KnownAlert]]:
    kept = yield from reading_known(rows)
    found = [kept.find(row) for row in rows]
    return [kept.all_of(each) for each in found if each is not None]


def _sessions(keys: Sequence[ShardKeys], places: Sequence[tuple[int, str]]) -> Reader[list[Running]]:
    stored = yield [
        ("GET", key(session_id)) for shard, session_id in places for key in (keys[shard].session, keys[shard].dossier)
    ]
    pairs = zip(map(decoded, stored[::2]), map(read_dossier, stored[1::2]), strict=True)
    return [Running(session, dossier) for session, dossier in pairs if session and RUNNING in indexes(session)]


def _is_well(running: Running) -> bool:
    return not running.session.alerts
