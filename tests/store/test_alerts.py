"""Alerts as readers find them: page by page over all shards, by id, and those that fire."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from redis import Redis

from tests.store.alerting import FIRING, HOUR_MS, PENDING, RESOLVED, Alerted, alert
from tests.store.build import AT_MS, exited, started
from tests.store.rig import Rig
from webhook.domain.alerting.alerts import AlertState, Severity
from webhook.domain.alerting.delivery import Note, Result
from webhook.domain.alerting.dossier import SELF, VERSION
from webhook.domain.alerting.telling import Ack
from webhook.store.alerts import AlertQuery, Alerts, KnownAlert
from webhook.store.keys import ShardKeys
from webhook.store.known_alerts import Delivery
from webhook.store.paging import Cursor
from webhook.store.rounds import read

SHARDS = 3


@pytest.fixture
def alerted(redis: Redis) -> Alerted:
    return Alerted(redis, SHARDS)


@pytest.fixture
def alerts(redis: Redis) -> Alerts:
    return Alerts(redis, SHARDS)


def query(**wanted: Any) -> AlertQuery:
    return AlertQuery(**{"projects": ("default", "other")} | wanted)


def names(items: list[KnownAlert]) -> list[str]:
    return [known.found.id for known in items]


def walk(alerts: Alerts, limit: int, **wanted: Any) -> list[str]:
    """The ids of all pages; none holds more than `limit`."""
    found: list[str] = []
    cursor: Cursor | None = None
    for _ in range(100):
        page = alerts.page(query(**wanted), limit, cursor)
        assert len(page.items) <= limit
        found += names(page.items)
        cursor = page.next
        if cursor is None:
            return found
    raise AssertionError("the pages have no end")


def found(alerts: Alerts, name: str) -> KnownAlert:
    known = alerts.find(name)
    assert known is not None
    return known


@pytest.mark.parametrize("limit", [1, 2, 7, 50])
@pytest.mark.parametrize("wanted", [{}, {"state": FIRING}, {"channel": "lobby"}, {"severity": Severity.WARNING}])
def test_pages_over_all_shards_show_each_alert_once_the_last_begun_first(
    alerted: Alerted, alerts: Alerts, limit: int, wanted: dict[str, Any]
) -> None:
    told = [alerted.add(alert(at_ms=AT_MS + number), f"s{number}") for number in range(12)]
    tied = {alerted.add(alert(at_ms=AT_MS - 1), f"tied{number}") for number in range(3)}
    assert len({name.partition("-")[0] for name in told}) == SHARDS
    shown = walk(alerts, limit, **wanted)
    assert shown[:12] == told[::-1]
    assert (set(shown[12:]), len(shown)) == (tied, 15)


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_pages_of_a_session_show_each_of_its_alerts_once(alerted: Alerted, alerts: Alerts, limit: int) -> None:
    told = [alerted.add(alert(at_ms=AT_MS + number // 2, uid=str(number))) for number in range(8)]
    alerted.add(session="s2")
    shown = walk(alerts, limit, session="s1")
    assert (sorted(shown), len(shown)) == (sorted(told), 8)
    assert {*shown[:2]} == {*told[-2:]}


def cast(alerted: Alerted) -> dict[str, str]:
    """Alerts of all kinds, by their ids."""
    critical = Severity.CRITICAL
    return {
        alerted.add(alert("upload_failed", AT_MS + 3, severity=critical), "s1", "lobby"): "upload",
        alerted.add(alert("video_stopped", AT_MS + 2, RESOLVED), "s1", "lobby"): "resolved",
        alerted.add(alert("video_stopped", AT_MS + 1), "s2", "lobby", "other"): "other",
        alerted.add(alert("video_stopped", AT_MS, PENDING), "s3", "attic"): "pending",
    }


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ["upload", "resolved", "other", "pending"]),
        ({"state": FIRING}, ["upload", "other"]),
        ({"state": PENDING}, ["pending"]),
        ({"state": RESOLVED}, ["resolved"]),
        ({"severity": Severity.CRITICAL}, ["upload"]),
        ({"severity": Severity.INFO}, []),
        ({"rule": "video_stopped"}, ["resolved", "other", "pending"]),
        ({"rule": ""}, []),
        ({"channel": "lobby"}, ["upload", "resolved", "other"]),
        ({"channel": "lobby", "project": "other"}, ["other"]),
        ({"channel": "lobby", "projects": ("default",)}, ["upload", "resolved"]),
        ({"channel": "lobby", "state": FIRING}, ["upload", "other"]),
        ({"project": "other"}, ["other"]),
        ({"session": "s1"}, ["upload", "resolved"]),
        ({"session": "s1", "state": RESOLVED}, ["resolved"]),
        ({"session": "s1", "channel": "attic"}, []),
        ({"session": "s1", "since_ms": AT_MS + 3}, ["upload"]),
        ({"session": "s1", "until_ms": AT_MS + 3}, ["resolved"]),
        ({"session": "nobody"}, []),
        ({"since_ms": AT_MS + 2}, ["upload", "resolved"]),
        ({"until_ms": AT_MS + 2}, ["other", "pending"]),
        ({"since_ms": AT_MS + 1, "until_ms": AT_MS + 3, "state": FIRING}, ["other"]),
        ({"resolved_since_ms": AT_MS + 60_002}, ["resolved"]),
        ({"resolved_since_ms": AT_MS + 60_003}, []),
    ],
    ids=str,
)
def test_each_filter_chooses(alerted: Alerted, alerts: Alerts, wanted: dict[str, Any], expected: list[str]) -> None:
    named = cast(alerted)
    for limit in (1, 50):
        assert [named[name] for name in walk(alerts, limit, **wanted)] == expected


@pytest.mark.parametrize("limit", [1, 50])
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"acknowledged": True}, ["other", "pending"]),
        ({"acknowledged": False}, ["upload", "resolved"]),
        ({"acknowledged": True, "state": FIRING}, ["other"]),
        ({"acknowledged": True, "channel": "attic"}, ["pending"]),
        ({"acknowledged": False, "session": "s1"}, ["upload", "resolved"]),
        ({"silenced": True}, ["upload", "other", "pending"]),
        ({"silenced": True, "state": FIRING}, ["upload", "other"]),
        ({"silenced_by": "attic"}, ["pending"]),
        ({"silenced_by": "lobby", "severity": Severity.CRITICAL}, ["upload"]),
        ({"silenced_by": "old"}, []),
        ({"silenced": True, "acknowledged": True}, ["other", "pending"]),
    ],
    ids=str,
)
def test_what_people_did_about_alerts_chooses_too(
    alerted: Alerted, alerts: Alerts, limit: int, wanted: dict[str, Any], expected: list[str]
) -> None:
    named = cast(alerted)
    for name, told in named.items():
        if told in ("other", "pending"):
            alerts.acknowledge(found(alerts, name).found, Ack("ann", AT_MS))
    alerted.silence("lobby", "channel=lobby")
    alerted.silence("attic", "channel=attic")
    alerted.silence("old", "channel=lobby", ends_in_ms=-1)
    assert [named[name] for name in walk(alerts, limit, **wanted)] == expected


def test_an_alert_is_found_with_the_silences_that_keep_it_quiet(redis: Redis, alerted: Alerted, alerts: Alerts) -> None:
    name = alerted.add()
    alerted.silence("a", "channel=lobby")
    alerted.silence("b", "channel=attic")
    full = read(redis, "finding", alerts.finding(name))
    assert full is not None
    assert (full.alert, [silence.id for silence in full.silences]) == (found(alerts, name), ["a"])
    assert read(redis, "finding", alerts.finding("0-0123456789abcdef-1")) is None


def test_a_filter_that_few_pass_reaches_them_all(
    alerted: Alerted, alerts: Alerts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.store.alerts.MOST_LOOKED_AT", 10)
    rare = [alerted.add(alert("failover", AT_MS + 20 * number), f"r{number}") for number in range(3)]
    for number in range(60):
        alerted.add(alert(at_ms=AT_MS + number), f"s{number}")
    first = alerts.page(query(rule="failover"), 5, None)
    assert (first.items, first.next is not None) == ([], True)
    assert walk(alerts, 5, rule="failover") == rare[::-1]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"session": "s1"},
        {"channel": "lobby"},
        {"severity": Severity.WARNING},
        {"acknowledged": False},
        {"silenced": True},
    ],
)
def test_a_page_costs_two_pipelines_however_many_alerts_there_are(
    alerted: Alerted, alerts: Alerts, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any]
) -> None:
    for number in range(40):
        alerted.add(alert(uid=str(number)), f"s{number % 8}")
    alerted.silence("x", "rule=video_stopped", ends_in_ms=None)
    trips: list[str] = []
    pipeline, execute = Redis.pipeline, Redis.execute_command
    monkeypatch.setattr(Redis, "pipeline", lambda self, **more: trips.append("pipeline") or pipeline(self, **more))
    monkeypatch.setattr(
        Redis, "execute_command", lambda self, *words, **more: trips.append(words[0]) or execute(self, *words, **more)
    )
    page = alerts.page(query(**wanted), 3, None)
    assert (len(page.items), trips) == (3, ["pipeline", "pipeline"])


def test_a_row_whose_alert_is_gone_is_left_out(alerted: Alerted, alerts: Alerts) -> None:
    kept, gone = alerted.add(), alerted.add(alert(at_ms=AT_MS + 1), "s2")
    alerted.forget("s2")
    assert walk(alerts, 1) == [kept]
    assert alerts.find(gone) is None


def test_an_alert_that_another_episode_followed_is_not_taken_for_it(alerted: Alerted, alerts: Alerts) -> None:
    name = alerted.add(alert(episode=2))
    assert found(alerts, name).found.alert.episode == 2
    assert alerts.find(name.removesuffix("2") + "1") is None


def test_what_a_later_release_wrote_is_left_out(redis: Redis, alerted: Alerted, alerts: Alerts) -> None:
    kept, later = alerted.add(), alerted.add(session="s2")
    of = ShardKeys(int(later.partition("-")[0]))
    redis.set(of.dossier("s2"), msgspec.json.encode([VERSION + 1, {"entirely": "different"}]))
    assert walk(alerts, 50) == [kept]
    assert walk(alerts, 50, session="s2") == []
    assert names_of_firing(alerts) == [kept]
    assert alerts.find(later) is None


@pytest.mark.parametrize(
    "name", ["", "0", "0-0123456789abcdef-1", "99-0123456789abcdef-1", "00-x-1", "\u0660-0123456789abcdef-1", "-" * 500]
)
def test_an_id_that_names_nothing_finds_nothing(alerted: Alerted, alerts: Alerts, name: str) -> None:
    alerted.add()
    assert alerts.find(name) is None


def test_an_alert_is_found_by_its_id_with_its_labels(alerted: Alerted, alerts: Alerts) -> None:
    name = alerted.add(session="rtc:default:a%1Fb\x1fc", channel="a\x1fb")
    known = found(alerts, name)
    assert known.found.id == name
    assert known.found.session_id == "rtc:default:a%1Fb\x1fc"
    assert known.found.labels == {
        "product": "rtc",
        "project": "default",
        "channel": "a\x1fb",
        "session": "rtc:default:a%1Fb\x1fc",
        "source": "default",
        "rule": "video_stopped",
        "severity": "warning",
        "uid": "7",
        "track": "video",
    }
    assert walk(alerts, 50, channel="a\x1fb") == [name]


def test_those_of_vigil_itself_are_found_too(alerted: Alerted, alerts: Alerts) -> None:
    name = alerted.add(alert("inbox_backlog", uid=""), SELF, "", "", shard=0)
    assert (walk(alerts, 50), walk(alerts, 50, session=SELF)) == ([name], [name])
    assert found(alerts, name).found.alert.key.rule == "inbox_backlog"


def test_a_session_in_two_shards_has_the_alerts_of_both(alerted: Alerted, alerts: Alerts) -> None:
    first = alerted.add(alert("not_started", AT_MS, RESOLVED), shard=0)
    second = alerted.add(alert("failover", AT_MS + 1), shard=2)
    assert walk(alerts, 50, session="s1") == [second, first]
    assert [found(alerts, name).found.shard for name in (first, second)] == [0, 2]


def names_of_firing(alerts: Alerts, most: int = 10_000) -> list[str]:
    return [each.id for each in alerts.firing(most)]


def test_those_that_fire_are_found_however_many(
    alerted: Alerted, alerts: Alerts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.store.alerts.MOST_LOOKED_AT", 2)
    firing = {alerted.add(alert(uid=str(number)), f"s{number % 5}") for number in range(11)}
    alerted.add(alert("failover", state=PENDING), "s1")
    alerted.add(alert("failover", state=RESOLVED), "s9")
    assert (set(names_of_firing(alerts)), len(names_of_firing(alerts))) == (firing, 11)
    assert len(names_of_firing(alerts, 4)) == 4


@pytest.mark.parametrize(("state", "kept"), [(PENDING, True), (FIRING, True), (RESOLVED, False)])
def test_an_acknowledgement_is_kept_while_its_alert_is_open(
    redis: Redis, alerted: Alerted, alerts: Alerts, state: AlertState, kept: bool
) -> None:
    name = alerted.add(alert(state=state))
    ack = Ack("ann", AT_MS, "on it")
    assert alerts.acknowledge(found(alerts, name).found, ack) is kept
    assert found(alerts, name).ack == (ack if kept else None)
    acks = redis.hgetall(ShardKeys(int(name.partition("-")[0])).acks)
    assert acks == ({name.encode(): b'{"by":"ann","at_ms":%d,"note":"on it"}' % AT_MS} if kept else {})


def test_a_later_acknowledgement_takes_the_place_of_the_first_and_is_taken_back(
    alerted: Alerted, alerts: Alerts
) -> None:
    name, other = alerted.add(), alerted.add(alert("failover"))
    for by in ("ann", "bob"):
        alerts.acknowledge(found(alerts, name).found, Ack(by, AT_MS))
    assert found(alerts, name).ack == Ack("bob", AT_MS)
    assert found(alerts, other).ack is None
    alerts.take_back(found(alerts, name).found)
    assert found(alerts, name).ack is None


@pytest.mark.parametrize(
    ("silence", "quiet"),
    [
        ({}, True),
        ({"ends_in_ms": -1}, False),
        ({"ends_in_ms": None}, True),
        ({"expired_ms": AT_MS}, False),
        ({"starts_ms": AT_MS * 2}, False),
    ],
    ids=str,
)
def test_an_alert_names_the_silences_that_keep_it_quiet_now(
    alerted: Alerted, alerts: Alerts, silence: dict[str, Any], quiet: bool
) -> None:
    name = alerted.add()
    alerted.silence("b", "channel=lobby", **silence)
    alerted.silence("a", "uid=7", "severity=~warn.*")
    alerted.silence("c", "channel=attic")
    assert found(alerts, name).silenced_by == (("a", "b") if quiet else ("a",))


def test_what_is_resolved_no_silence_keeps_quiet(alerted: Alerted, alerts: Alerts) -> None:
    name = alerted.add(alert(state=RESOLVED))
    alerted.silence("a", "channel=lobby")
    assert found(alerts, name).silenced_by == ()


@pytest.mark.parametrize(("told", "quiet"), [([], True), ([exited()], False), ([exited(status=1)], False)])
def test_a_silence_until_the_session_ends_is_over_with_it(
    redis: Redis, alerted: Alerted, alerts: Alerts, told: list[Any], quiet: bool
) -> None:
    rig = Rig(redis, SHARDS)
    rig.append(started(), *told)
    rig.drain()
    shard, _ = rig.sessions.find("s1") or (0, None)
    name = alerted.add(shard=shard)
    alerted.silence("until it ends", "channel=lobby", ends_in_ms=None)
    alerted.silence("for an hour", "channel=lobby", ends_in_ms=HOUR_MS)
    expected = ("for an hour", "until it ends") if quiet else ("for an hour",)
    assert found(alerts, name).silenced_by == expected


def test_deliveries_are_those_of_the_alert_in_the_order_of_their_times(alerted: Alerted, alerts: Alerts) -> None:
    name, other = alerted.add(), alerted.add(alert("failover"))
    alerted.deliver(name, "mail", "repeat", at_ms=AT_MS + 9, reason="repeat", attempt=3, result="failed", error="no")
    alerted.deliver(name, "ops|night", "firing", at_ms=AT_MS + 1)
    alerted.deliver(other, "ops|night", "firing")
    alerted.deliver(name, "ops|night", "resolved", result="a later release's")
    assert found(alerts, name).deliveries == (
        Delivery("ops|night", "firing", Note(AT_MS + 1, "first", Result.DELIVERED, 1)),
        Delivery("mail", "repeat", Note(AT_MS + 9, "repeat", Result.FAILED, 3, "no")),
    )
