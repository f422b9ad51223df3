"""`/silences`: asked for, tried out, listed and ended (contract.md, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from tests import unserved
from tests.routes.paging import API, get, walk
from tests.store.alerting import PENDING, RESOLVED, Alerted, alert
from tests.store.build import exited, raw, started
from tests.store.rig import Rig
from webhook import settings as configuration
from webhook.domain.arrivals import Kind
from webhook.domain.errors import InboxFull, StoreError
from webhook.queues import FOLD
from webhook.settings import Settings
from webhook.store import keys
from webhook.store.connection import server_now_ms
from webhook.store.inbox import Inbox, from_fields
from webhook.store.keys import ShardKeys
from webhook.views.times import parse_rfc3339, rfc3339

PATH = "/silences"
SHOWN = {
    *("id", "matchers", "startsAt", "endsAt", "until", "by", "reason", "createdAt", "state", "expiredAt", "mutes"),
}
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
WHY = {"reason": "the encoder is being replaced"}


@pytest.fixture
def alerted(rig: Rig) -> Alerted:
    return Alerted(rig.redis, rig.shards)


def body(*matchers: Any, **more: Any) -> dict[str, Any]:
    ends = {} if {"duration", "endsAt", "until"} & more.keys() else {"duration": 3600}
    return {"matchers": list(matchers or ("channel=lobby",))} | ends | WHY | more


def create(client: FlaskClient, *matchers: Any, **more: Any) -> dict[str, Any]:
    answer = client.post(f"{API}{PATH}", json=body(*matchers, **more))
    assert answer.status_code == 201, answer.get_data(as_text=True)
    view: dict[str, Any] = answer.json
    return view


def refused(client: FlaskClient, sent: Any, path: str = PATH) -> list[tuple[str, str]]:
    """The path and the message of each mistake; nothing was kept."""
    answer = client.post(f"{API}{path}", json=sent)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json"), answer.get_data(as_text=True)
    assert get(client, PATH)["items"] == []
    assert get(client, "/audit")["items"] == []
    return [(each["path"], each["message"]) for each in answer.json["errors"]]


def deeds(client: FlaskClient) -> list[tuple[str, str, str, str | None]]:
    return [(each["by"], each["action"], each["subject"], each["reason"]) for each in get(client, "/audit")["items"]]


def looks(rig: Rig) -> list[tuple[int, list[str]]]:
    """What the writers of shards are asked to look at."""
    found = []
    for shard in range(rig.shards):
        for _, fields in rig.redis.xrange(ShardKeys(shard).inbox):
            arrival = from_fields(fields)
            assert arrival.kind is Kind.LOOK
            found.append((shard, msgspec.json.decode(arrival.body, type=list[str])))
    return found


def ms(view: dict[str, Any], name: str) -> int:
    return parse_rfc3339(view[name])


def test_a_silence_has_the_shape_of_the_contract(client: FlaskClient, redis: Redis) -> None:
    before_ms = server_now_ms(redis)
    answer = client.post(f"{API}{PATH}", json=body({"label": "channel", "op": "=~", "value": "lob.*"}, 'uid!="7"'))
    view = answer.json
    assert (answer.status_code, set(view)) == (201, SHOWN)
    assert answer.headers["Location"] == f"{API}{PATH}/{view['id']}"
    assert view["matchers"] == [
        {"label": "channel", "op": "=~", "value": "lob.*"},
        {"label": "uid", "op": "!=", "value": "7"},
    ]
    assert (view["by"], view["reason"], view["state"]) == ("local", WHY["reason"], "active")
    assert (view["until"], view["expiredAt"], view["mutes"]) == (None, None, 0)
    assert before_ms <= ms(view, "createdAt") == ms(view, "startsAt") <= server_now_ms(redis)
    assert ms(view, "endsAt") == ms(view, "startsAt") + HOUR_MS
    assert view["id"][0] == "s"
    assert len(bytes.fromhex(view["id"][1:])) == 6
    assert get(client, f"{PATH}/{view['id']}") == view
    assert get(client, PATH) == {"items": [view], "next": None}


@pytest.mark.parametrize(
    ("duration", "length_ms"),
    [(1, 1000), (1.5, 1500), (90, 90_000), ("90", 90_000), ("2h", 2 * HOUR_MS), ("365d", 365 * DAY_MS)],
)  # fmt: skip
def test_it_lasts_as_long_as_is_said(client: FlaskClient, redis: Redis, duration: Any, length_ms: int) -> None:
    view = create(client, duration=duration)
    assert ms(view, "endsAt") - ms(view, "startsAt") == length_ms


def test_a_start_and_an_end_can_be_said(client: FlaskClient, redis: Redis) -> None:
    now_ms = server_now_ms(redis)
    view = create(client, startsAt=rfc3339(now_ms + HOUR_MS), endsAt=rfc3339(now_ms + DAY_MS))
    assert (ms(view, "startsAt"), ms(view, "endsAt")) == (now_ms + HOUR_MS, now_ms + DAY_MS)
    assert view["state"] == "pending"


def test_a_duration_is_counted_from_the_start(client: FlaskClient, redis: Redis) -> None:
    now_ms = server_now_ms(redis)
    view = create(client, startsAt=rfc3339(now_ms + HOUR_MS), duration="2h")
    assert ms(view, "endsAt") == now_ms + 3 * HOUR_MS


def test_a_start_that_has_passed_is_now(client: FlaskClient, redis: Redis) -> None:
    view = create(client, startsAt=rfc3339(server_now_ms(redis) - DAY_MS))
    assert (view["startsAt"], view["state"]) == (view["createdAt"], "active")


def test_it_can_last_as_long_as_a_session(client: FlaskClient, rig: Rig) -> None:
    rig.append(started("s1"))
    rig.drain()
    view = create(client, "session=s1", until="session_end")
    assert (view["until"], view["endsAt"], view["state"]) == ("session_end", None, "active")
    rig.append(exited("s1"))
    rig.drain()
    assert get(client, f"{PATH}/{view['id']}") == view | {"state": "expired"}


def test_until_its_session_ends_it_mutes_what_fires(client: FlaskClient, alerted: Alerted) -> None:
    alerted.add(session="s1")
    assert create(client, "session=s1", until="session_end")["mutes"] == 1
    assert get(client, PATH)["items"][0]["mutes"] == 1


def test_for_a_session_that_is_over_it_is_refused(client: FlaskClient, rig: Rig) -> None:
    rig.append(started("s1"), exited("s1"))
    rig.drain()
    answer = client.post(f"{API}{PATH}", json=body("session=s1", until="session_end"))
    assert (answer.status_code, answer.json["title"]) == (422, "Session is over")
    assert get(client, PATH)["items"] == []


@pytest.mark.parametrize("matchers", [("channel=~.*",), ("channel!=", "uid=~.+")])
def test_what_would_mute_everything_has_to_be_meant(client: FlaskClient, matchers: tuple[str, ...]) -> None:
    answer = client.post(f"{API}{PATH}", json=body(*matchers))
    assert (answer.status_code, answer.json["title"]) == (422, "Mutes everything")
    assert "?force=true" in answer.json["detail"]
    assert get(client, PATH)["items"] == []
    assert client.post(f"{API}{PATH}?force=true", json=body(*matchers)).status_code == 201
    assert len(get(client, PATH)["items"]) == 1


def test_labels_of_sources_are_known(rig: Rig, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "vigil.toml").write_text('[[source]]\nname = "default"\nsecrets = ["x"]\nlabels = { team = "a" }\n')
    client = unserved.create(configuration.load({"VIGIL_SHARDS": "2"}, tmp_path), rig.redis).test_client()
    assert client.post(f"{API}{PATH}", json=body("team!=b")).status_code == 201
    assert client.post(f"{API}{PATH}", json=body("taem!=b")).status_code == 400


def test_it_says_how_many_alerts_that_fire_it_mutes(client: FlaskClient, alerted: Alerted) -> None:
    for number in range(3):
        alerted.add(alert(uid=str(number)), session=f"s{number}")
    alerted.add(alert(uid="8"), session="s8", channel="hall")
    alerted.add(alert(uid="9", state=PENDING), session="s9")
    alerted.add(alert(uid="10", state=RESOLVED), session="s10")
    assert create(client, "channel=lobby")["mutes"] == 3
    assert create(client, "channel=lobby", "uid=~[12]")["mutes"] == 2
    assert create(client, "rule=failover")["mutes"] == 0
    assert [item["mutes"] for item in get(client, PATH)["items"]] == [0, 2, 3]


def test_one_that_has_not_begun_mutes_nothing(client: FlaskClient, rig: Rig, alerted: Alerted) -> None:
    alerted.add()
    view = create(client, startsAt=rfc3339(server_now_ms(rig.redis) + HOUR_MS))
    assert (view["state"], view["mutes"]) == ("pending", 0)
    assert looks(rig) == []
    create(client)
    assert [(item["state"], item["mutes"]) for item in get(client, PATH)["items"]] == [("active", 1), ("pending", 0)]


@pytest.mark.parametrize(
    ("sent", "mistakes"),
    [
        ({}, [("$.matchers", "is missing"), ("$.reason", "is missing"), ("$", "how long is said by nothing")]),
        (body() | {"matchers": "channel=lobby"}, [("$.matchers", "not an array")]),
        (body() | {"matchers": []}, [("$.matchers", "has 0 matchers; write 1 to 20")]),
        (body(*["channel=lobby"] * 21), [("$.matchers", "has 21 matchers; write 1 to 20")]),
        (body("channel=lobby", "channel", 7, None, ["x"]), [
            ("$.matchers[1]", "'channel' is no matcher"),
            ("$.matchers[2]", "write an object with label, op and value, or text"),
            ("$.matchers[3]", "write an object"),
            ("$.matchers[4]", "write an object"),
        ]),
        (body({"label": "channel", "op": "==", "value": "x"}), [("$.matchers[0]", "'==' is no operator")]),
        (body({"label": "chanel", "op": "=", "value": "x"}), [("$.matchers[0]", "no alert has a label 'chanel'")]),
        (body("uid=7", "sevrity=info"), [("$.matchers[1]", "no alert has a label 'sevrity'; known are channel, ")]),
        (body({"label": "a-b", "op": "=", "value": "x"}), [("$.matchers[0]", "'a-b' is no label")]),
        (body({"label": "channel", "op": "=~", "value": "("}), [("$.matchers[0]", "is no pattern of RE2")]),
        (body({"label": "channel", "op": "=", "value": "x" * 201}), [("$.matchers[0]", "has 201 characters")]),
        (body({"label": 1, "op": "=", "name": "x"}), [
            ("$.matchers[0].name", "is unknown"),
            ("$.matchers[0].label", "not a string"),
            ("$.matchers[0].value", "is missing"),
        ]),
        (body(duration="2h", until="session_end"), [("$", "by duration and until; write one of")]),
        (body(duration=0), [("$.duration", "0: from 1 s to 365 days")]),
        (body(duration=0.5), [("$.duration", "from 1 s to 365 days")]),
        (body(duration=-1), [("$.duration", "from 1 s to 365 days")]),
        (body(duration="366d"), [("$.duration", "366d: from 1 s to 365 days")]),
        (body(duration=1e300), [("$.duration", "from 1 s to 365 days")]),
        (body(duration="9" * 30), [("$.duration", "a number of seconds is needed")]),
        (body(duration="soon"), [("$.duration", "such as 7d or 90m")]),
        (body(duration=True), [("$.duration", "a number of seconds is needed")]),
        (body(duration=["2h"]), [("$.duration", "a number of seconds is needed")]),
        (body(endsAt="tomorrow"), [("$.endsAt", "'tomorrow': a time by RFC 3339")]),
        (body(endsAt="2999-01-01T00:00:00Z"), [("$.endsAt", "is more than 365 days ahead")]),
        (body(endsAt="2020-01-01T00:00:00Z"), [("$.endsAt", "is not later than")]),
        (body(endsAt="2999-01-01T00:00:00"), [("$.endsAt", "with its zone")]),
        (body(endsAt=5), [("$.endsAt", "not a string")]),
        (body(startsAt="2999-01-01T00:00:00Z"), [("$.startsAt", "is more than 365 days ahead")]),
        (body(until="tomorrow"), [("$.until", "'tomorrow' is unknown; known is session_end")]),
        (body(until="session_end"), [("$.until", "which session is not said")]),
        (body("session=~s1", until="session_end"), [("$.until", "which session is not said")]),
        (body("session=", until="session_end"), [("$.until", "which session is not said")]),
        (body(until=1), [("$.until", "not a string")]),
        (body(reason=""), [("$.reason", "has 0 characters; say in 1 to 500 why")]),
        (body(reason="  "), [("$.reason", "has 0 characters")]),
        (body(reason="x" * 501), [("$.reason", "has 501 characters")]),
        (body(reason=7), [("$.reason", "not a string")]),
        (body(why="x"), [("$.why", "is unknown; known are matchers, duration, endsAt, until, startsAt, reason")]),
        (body("channel", duration="soon", reason=" ", why="x"), [
            ("$.why", "is unknown"),
            ("$.matchers[0]", "is no matcher"),
            ("$.duration", "such as 7d"),
            ("$.reason", "has 0 characters"),
        ]),
    ],
)  # fmt: skip
def test_all_mistakes_are_told_at_once_with_their_places(
    client: FlaskClient, sent: dict[str, Any], mistakes: list[tuple[str, str]]
) -> None:
    told = refused(client, sent)
    assert [path for path, _ in told] == [path for path, _ in mistakes], told
    for (_, message), (_, words) in zip(told, mistakes, strict=True):
        assert words in message


def test_an_end_has_to_be_later_than_the_start(client: FlaskClient, redis: Redis) -> None:
    later = rfc3339(server_now_ms(redis) + HOUR_MS)
    assert refused(client, body(startsAt=later, endsAt=later))[0][0] == "$.endsAt"


def test_members_that_are_null_are_not_there(client: FlaskClient, redis: Redis) -> None:
    create(client, endsAt=None, until=None, startsAt=None, duration=5)


@pytest.mark.parametrize("path", [PATH, f"{PATH}/preview"])
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_only_json_silences_anything(client: FlaskClient, redis: Redis, path: str, content_type: str) -> None:
    answer = client.post(f"{API}{path}", data=raw(body()), content_type=content_type)
    assert answer.status_code == 415
    assert get(client, PATH)["items"] == []


@pytest.mark.parametrize("query", ["force=yes", "x=1"])
def test_parameters_that_are_unknown_are_refused(client: FlaskClient, redis: Redis, query: str) -> None:
    assert client.post(f"{API}{PATH}?{query}", json=body()).status_code == 400
    assert get(client, PATH)["items"] == []


def test_a_preview_shows_what_would_be_muted_and_keeps_nothing(client: FlaskClient, rig: Rig, alerted: Alerted) -> None:
    name = alerted.add()
    alerted.add(session="s2", channel="hall")
    answer = client.post(f"{API}{PATH}/preview", json={"matchers": ["channel=lobby"], "duration": 60})
    assert (answer.status_code, answer.json["mutes"]) == (200, 1)
    assert answer.json["alerts"] == [get(client, f"/alerts/{name}")]
    assert get(client, PATH)["items"] == []
    assert deeds(client) == looks(rig) == []


def test_a_preview_shows_fifty_and_counts_all(client: FlaskClient, alerted: Alerted) -> None:
    for number in range(53):
        alerted.add(alert(uid=str(number)), session=f"s{number % 7}")
    answer = client.post(f"{API}{PATH}/preview", json=body("channel=lobby")).json
    assert (answer["mutes"], len(answer["alerts"]), len({item["id"] for item in answer["alerts"]})) == (53, 50, 50)


def test_a_preview_of_what_begins_later_shows_what_it_would_mute_now(client: FlaskClient, alerted: Alerted) -> None:
    alerted.add()
    start = rfc3339(server_now_ms(alerted.redis) + HOUR_MS)
    assert client.post(f"{API}{PATH}/preview", json=body("channel=lobby", startsAt=start)).json["mutes"] == 1


def test_a_preview_of_nothing_is_empty_and_needs_a_usable_body(client: FlaskClient, redis: Redis) -> None:
    assert client.post(f"{API}{PATH}/preview", json=body()).json == {"mutes": 0, "alerts": []}
    assert refused(client, {"matchers": ["x"]}, f"{PATH}/preview")[0][0] == "$.matchers[0]"
    assert refused(client, body(reason=" "), f"{PATH}/preview")[0][0] == "$.reason"


def test_workers_are_asked_to_look_when_it_begins_and_when_it_is_ended(
    client: FlaskClient, rig: Rig, alerted: Alerted
) -> None:
    alerted.add(alert(uid="1"), session="s1", shard=0)
    alerted.add(alert(uid="2"), session="s1", shard=0)
    alerted.add(session="s2", shard=1)
    alerted.add(session="s3", shard=1, channel="hall")
    expected = [(0, ["s1"]), (1, ["s2"])]
    view = create(client, "channel=lobby")
    assert looks(rig) == expected
    assert rig.redis.llen(f"rq:queue:{FOLD}") == 2
    for shard in range(2):
        rig.redis.delete(ShardKeys(shard).inbox)
    assert client.delete(f"{API}{PATH}/{view['id']}", json={}).status_code == 200
    assert looks(rig) == expected


@pytest.mark.parametrize("failure", [InboxFull, StoreError])
def test_where_workers_cannot_be_asked_it_is_done_all_the_same(
    client: FlaskClient, rig: Rig, alerted: Alerted, monkeypatch: pytest.MonkeyPatch, failure: type[StoreError]
) -> None:
    def fail(*_: object) -> None:
        raise failure("a planted fault")

    alerted.add()
    monkeypatch.setattr(Inbox, "append_to", fail)
    view = create(client)
    assert client.delete(f"{API}{PATH}/{view['id']}", json={}).json["state"] == "expired"
    assert looks(rig) == []


def test_one_is_ended_and_stays_as_it_is_then(client: FlaskClient, redis: Redis, alerted: Alerted) -> None:
    alerted.add()
    view = create(client)
    assert view["mutes"] == 1
    ended = client.delete(f"{API}{PATH}/{view['id']}", json={"reason": " it works again "})
    assert ended.status_code == 200
    assert ended.json == view | {"state": "expired", "expiredAt": ended.json["expiredAt"], "mutes": 0}
    assert ms(view, "createdAt") <= ms(ended.json, "expiredAt") <= server_now_ms(redis)
    again = client.delete(f"{API}{PATH}/{view['id']}", json={})
    assert (again.status_code, again.json) == (200, ended.json)
    assert get(client, f"{PATH}/{view['id']}") == ended.json


def test_one_that_has_not_begun_can_be_ended(client: FlaskClient, rig: Rig, alerted: Alerted) -> None:
    alerted.add()
    view = create(client, startsAt=rfc3339(server_now_ms(rig.redis) + HOUR_MS))
    assert client.delete(f"{API}{PATH}/{view['id']}", json={}).json["state"] == "expired"
    assert looks(rig) == []


def test_one_that_came_to_its_end_stays_as_it_is(client: FlaskClient, alerted: Alerted) -> None:
    alerted.silence("s1", "channel=lobby", ends_in_ms=-1)
    answer = client.delete(f"{API}{PATH}/s1", json={})
    assert (answer.json["state"], answer.json["expiredAt"]) == ("expired", None)
    assert deeds(client) == []


def test_the_audit_list_tells_who_silenced_what_and_who_ended_it(client: FlaskClient, redis: Redis) -> None:
    view = create(client, "channel=lobby", {"label": "uid", "op": "!~", "value": 'a"b'})
    client.delete(f"{API}{PATH}/{view['id']}", json={"reason": "done"})
    client.delete(f"{API}{PATH}/{view['id']}", json={"reason": "done"})
    subject = f'{view["id"]} {{channel="lobby", uid!~"a\\"b"}}'
    assert deeds(client) == [
        ("local", "expire silence", subject, "done"),
        ("local", "silence", subject, WHY["reason"]),
    ]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("name", ["s1", "preview%00", "s" * 3000, "%ff", "s%0a"], ids=lambda name: name[:12])
def test_what_is_not_there_is_a_404_problem(client: FlaskClient, redis: Redis, method: str, name: str) -> None:
    answer = client.open(f"{API}{PATH}/{name}", method=method, json=None if method == "GET" else {})
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert deeds(client) == []


@pytest.mark.parametrize("sent", [{"reason": 7}, {"reason": "x" * 501}, {"why": "x"}, {"reason": " "}])
def test_a_body_that_cannot_be_used_ends_nothing(client: FlaskClient, redis: Redis, sent: dict[str, Any]) -> None:
    view = create(client)
    answer = client.delete(f"{API}{PATH}/{view['id']}", json=sent)
    assert (answer.status_code, answer.json["errors"][0]["path"][:2]) == (400, "$.")
    assert client.delete(f"{API}{PATH}/{view['id']}").status_code == 415
    assert get(client, f"{PATH}/{view['id']}") == view


def populate(alerted: Alerted) -> dict[str, str]:
    """Silences in each state, some created in one millisecond; the state of each by its id."""
    now_ms = server_now_ms(alerted.redis)
    for number in range(12):
        created_ms = now_ms - HOUR_MS + number // 3
        kind = ("active", "pending", "expired", "ended")[number % 4]
        ends_in_ms = -1 if kind == "expired" else HOUR_MS
        start = {"starts_ms": now_ms + 60_000} if kind == "pending" else {}
        ended = {"expired_ms": now_ms} if kind == "ended" else {}
        alerted.silence(f"s{number}", "channel=lobby", ends_in_ms=ends_in_ms, created_ms=created_ms, **start, **ended)
    return {f"s{number}": ("active", "pending", "expired", "expired")[number % 4] for number in range(12)}


@pytest.mark.parametrize("limit", [1, 2, 5, 12, 50])
@pytest.mark.parametrize("state", [None, "active", "pending", "expired"])
def test_pages_show_each_once_last_created_first(
    client: FlaskClient, alerted: Alerted, limit: int, state: str | None
) -> None:
    known = populate(alerted)
    items = walk(client, PATH, limit=limit, **({} if state is None else {"state": state}))
    assert {item["id"]: item["state"] for item in items} == {
        name: each for name, each in known.items() if state in (None, each)
    }
    places = [(item["createdAt"], item["id"]) for item in items]
    assert places == sorted(places, reverse=True)
    assert len(set(places)) == len(places)


@pytest.mark.parametrize(("limit", "more"), [(11, True), (12, False), (13, False)])
def test_after_the_last_there_is_no_next_page(client: FlaskClient, alerted: Alerted, limit: int, more: bool) -> None:
    populate(alerted)
    assert (get(client, PATH, limit=limit)["next"] is not None) is more


def test_a_page_goes_on_where_it_ended_whatever_was_created_since(client: FlaskClient, alerted: Alerted) -> None:
    known = populate(alerted)
    first = get(client, PATH, limit=5)
    create(client)
    alerted.redis.hdel(keys.SILENCES, first["items"][-1]["id"])
    rest = get(client, PATH, limit=50, cursor=first["next"])
    assert [item["id"] for item in (*first["items"], *rest["items"])] == sorted(
        known, key=lambda name: (int(name[1:]) // 3, name), reverse=True
    )
    assert rest["next"] is None


@pytest.mark.parametrize("query", [{"state": "on"}, {"limit": 0}, {"limit": 501}, {"cursor": "x"}, {"x": 1}])
def test_a_list_that_cannot_be_asked_for_is_400(client: FlaskClient, redis: Redis, query: dict[str, Any]) -> None:
    assert client.get(f"{API}{PATH}", query_string=query).status_code == 400


def test_a_cursor_of_another_list_is_refused(client: FlaskClient, alerted: Alerted) -> None:
    alerted.add(alert(uid="1"))
    alerted.add(alert(uid="2"))
    cursor = get(client, "/alerts", limit=1)["next"]
    assert client.get(f"{API}{PATH}", query_string={"cursor": cursor}).status_code == 400


def test_a_reader_that_has_the_list_gets_304(client: FlaskClient, alerted: Alerted) -> None:
    populate(alerted)
    tag = client.get(f"{API}{PATH}").headers["ETag"]
    assert client.get(f"{API}{PATH}", headers={"If-None-Match": tag}).status_code == 304


def test_a_thousand_are_enough(client: FlaskClient, alerted: Alerted) -> None:
    for number in range(1000):
        alerted.silence(f"s{number}", "channel=lobby")
    answer = client.post(f"{API}{PATH}", json=body())
    assert (answer.status_code, "expire those that nobody needs" in answer.json["detail"]) == (409, True)
    assert deeds(client) == []
    assert client.delete(f"{API}{PATH}/s7", json={}).status_code == 200
    create(client)


TOKENS = {"VIGIL_API_TOKENS": "ann:reader:reader-token,bob:operator:operator-token", "VIGIL_SHARDS": "2"}
Ask = Callable[..., TestResponse]


@pytest.fixture
def ask(redis: Redis, tmp_path: Path) -> Ask:
    client = unserved.create(configuration.load(TOKENS, tmp_path), redis).test_client()

    def send(role: str, method: str, path: str, **more: Any) -> TestResponse:
        return client.open(f"{API}{path}", method=method, headers={"Authorization": f"Bearer {role}-token"}, **more)

    return send


def test_readers_look_and_operators_act_under_their_names(ask: Ask) -> None:
    for method, path in (("POST", PATH), ("POST", f"{PATH}/preview"), ("DELETE", f"{PATH}/s1")):
        assert ask("reader", method, path, json=body()).status_code == 403
    view = ask("operator", "POST", PATH, json=body()).json
    assert view["by"] == "bob"
    assert ask("reader", "GET", PATH).json["items"] == [view]
    assert ask("reader", "GET", f"{PATH}/{view['id']}").json == view
    assert ask("reader", "DELETE", f"{PATH}/{view['id']}", json={}).status_code == 403
    assert ask("operator", "DELETE", f"{PATH}/{view['id']}", json={}).status_code == 200
    assert [deed["by"] for deed in ask("reader", "GET", "/audit").json["items"]] == ["bob", "bob"]
