"""`POST /sessions` and `POST /start-request/check` (contract.md, section 4): what is kept, refused and never told."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from tests import unserved
from tests.routes.posting import SECRET, Post
from tests.store.build import AT_MS, created, exited, joined, left, raw, registration, started, uploaded, video
from tests.store.contents import everything
from tests.store.rig import WEEK_MS, Rig
from webhook import settings as configuration
from webhook.domain.registration import Registration
from webhook.domain.session import Session
from webhook.domain.signature import signed_headers
from webhook.routes import registration as route
from webhook.store.keys import ShardKeys
from webhook.views.sessions import session_view

API = "/api/v1"
PLANTED = "pLaNtEd0123456789abcdefghijklmnop"
READER, OPERATOR = "reader-token", "operator-token"

Register = Callable[..., TestResponse]


def start_request(**settings: Any) -> dict[str, Any]:
    """One that keeps every rule, with a credential wherever one belongs."""
    return {
        "cname": "lobby",
        "uid": "527841",
        "clientRequest": {
            "token": f"token-{PLANTED}",
            "recordingConfig": {"streamTypes": 2, "maxIdleTime": 300, "secret": f"secret-{PLANTED}", "salt": PLANTED},
            "snapshotConfig": {"captureInterval": 10, "fileType": ["jpg"]},
            "storageConfig": {
                "vendor": 1,
                "region": 2,
                "bucket": "screenshots",
                "accessKey": f"access-{PLANTED}",
                "secretKey": f"secretkey-{PLANTED}",
                "stsToken": f"sts-{PLANTED}",
                "fileNamePrefix": ["shots", "eu"],
            },
        }
        | settings,
    }


def asked(**fields: Any) -> dict[str, Any]:
    """The body of a registration; a field that is None is left out."""
    whole = {"sid": "s1", "resourceId": "r1", "mode": "individual", "channel": "lobby"} | fields
    return {name: value for name, value in whole.items() if value is not None}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody works: the answer is not waited for."""
    monkeypatch.setattr(route, "SHOWN_WITHIN", (1, 0))


@pytest.fixture
def register(client: FlaskClient) -> Register:
    def send(path: str = "/sessions", **fields: Any) -> TestResponse:
        return client.post(f"{API}{path}", json=asked(**fields))

    return send


def inboxes(redis: Redis) -> int:
    return sum(redis.xlen(key) for key in redis.scan_iter("vigil:*:inbox"))


def problems(answer: TestResponse, status: int) -> dict[str, str]:
    """The mistakes that a problem document names, by their path."""
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    document = answer.json
    assert document["status"] == status
    found = {error["path"]: error["message"] for error in document["errors"]}
    assert len(found) == len(document["errors"])
    assert all(found.values())
    return found


def test_a_registration_is_201_with_the_session_that_is_expected(register: Register, rig: Rig) -> None:
    answer = register(startRequest=start_request(), expectedEnd="2026-11-22T23:34:05.123Z")
    assert (answer.status_code, answer.content_type) == (201, "application/json")
    assert answer.headers["Location"] == "/api/v1/sessions/s1"
    session = answer.json
    assert (session["id"], session["product"], session["channel"]) == ("s1", "cloud_recording", "lobby")
    assert (session["state"], session["project"], session["source"]) == ("expected", "default", None)
    assert session["stateSince"] == session["registration"].pop("registeredAt")
    assert (session["firstEventAt"], session["lastEventAt"], session["endedAt"], session["exit"]) == (None,) * 4
    assert session["notifications"] == {"received": 0, "duplicates": 0, "stale": 0}
    assert session["registration"] == {
        "resourceId": "r1",
        "mode": "individual",
        "expectedEnd": "2026-11-22T23:34:05.123Z",
        "fileNamePrefix": ["shots", "eu"],
        "captureInterval": 10,
        "takesSnapshots": True,
        "records": False,
    }


def test_without_a_start_request_little_is_expected(register: Register, rig: Rig) -> None:
    found = register(mode="mix").json["registration"]
    assert (found["mode"], found["expectedEnd"], found["fileNamePrefix"]) == ("mix", None, [])
    assert (found["captureInterval"], found["takesSnapshots"], found["records"]) == (None, None, None)


def test_a_registration_wakes_the_drain_of_its_channel(register: Register, rig: Rig) -> None:
    register()
    of = rig.keys_of(started())
    assert (rig.redis.xlen(of.inbox), rig.redis.llen("rq:queue:fold")) == (1, 1)
    assert rig.redis.exists(of.pending)


def test_what_is_answered_at_once_is_what_is_shown_from_then_on(
    register: Register, client: FlaskClient, rig: Rig
) -> None:
    answered = register(startRequest=start_request()).json
    rig.drain()
    shown = client.get(f"{API}/sessions/s1").json
    assert shown == answered | {"revision": 1}
    assert client.get(f"{API}/sessions").json["items"] == [shown]
    assert client.get(f"{API}/sessions?state=expected&channel=lobby").json["items"] == [shown]
    assert client.get(f"{API}/summary").json["sessions"]["expected"] == 1
    assert client.get(f"{API}/notifications").json["items"] == []


def test_a_worker_that_is_quick_is_waited_for(register: Register, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "SHOWN_WITHIN", (3, 1))
    monkeypatch.setattr(route, "sleep", lambda _: rig.drain())  # meanwhile a worker drains
    assert register().json["revision"] == 1


def test_a_wake_up_that_cannot_be_sent_does_not_refuse_a_registration(register: Register, rig: Rig) -> None:
    rig.redis.set("rq:queue:fold", "no list")
    assert register().status_code == 201
    assert inboxes(rig.redis) == 1


def test_a_session_that_runs_is_answered_as_it_runs(register: Register, rig: Rig) -> None:
    rig.append(started(), video(0, at_ms=AT_MS + 1))
    rig.drain()
    answered = register().json
    assert (answered["state"], answered["registration"]["resourceId"]) == ("live", "r1")
    assert len(answered["streams"]) == 1


def test_an_id_is_percent_encoded_in_its_location(register: Register, rig: Rig) -> None:
    answer = register(sid="a/b c%")
    assert answer.headers["Location"] == f"/api/v1/sessions/{quote('a/b c%', safe='')}"


def test_all_mistakes_of_a_registration_are_told_at_once(register: Register, redis: Redis) -> None:
    answer = register(sid="", mode="solo", channel=None, project="nobody", expectedEnd="tomorrow")
    assert set(problems(answer, 400)) == {"$.sid", "$.mode", "$.project", "$.channel", "$.expectedEnd"}
    assert inboxes(redis) == 0


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ({"sid": ""}, "$.sid", "0 characters"),
        ({"sid": "s" * 257}, "$.sid", "257 characters"),
        ({"mode": "composite"}, "$.mode", "individual, mix, web"),
        ({"project": "europe"}, "$.project", "configured are default"),
        ({"resourceId": ""}, "$.resourceId", "is empty; write the resource id that acquire answered"),
        ({"resource_id": "r1"}, "$.resource_id", "is unknown; known are sid, resourceId, mode, channel"),
        ({"sid": "rtc:default:lobby"}, "$.sid", "is the id of a channel"),
        ({"channel": None}, "$.channel", "missing"),
        ({"channel": ""}, "$.channel", "missing"),
        ({"channel": "other", "startRequest": start_request()}, "$.channel", "must agree"),
        ({"expectedEnd": "2026-11-22"}, "$.expectedEnd", "2026-11-22T23:34:05Z"),
        ({"expectedEnd": "2026-11-22T23:34:05"}, "$.expectedEnd", "2026-11-22T23:34:05Z"),
    ],
    ids=str,
)
def test_a_field_that_cannot_be_used_is_400_and_named(
    register: Register, redis: Redis, fields: dict[str, Any], path: str, says: str
) -> None:
    found = problems(register(**fields), 400)
    assert list(found) == [path]
    assert says in found[path]
    assert inboxes(redis) == 0


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"sid": None}, "sid"),
        ({"resourceId": None}, "resourceId"),
        ({"mode": None}, "mode"),
        ({"sid": 7}, "$.sid"),
        ({"mode": ["mix"]}, "$.mode"),
        ({"startRequest": PLANTED}, "$.startRequest"),
        ({"expectedEnd": 7}, "$.expectedEnd"),
    ],
    ids=str,
)
def test_a_field_of_another_kind_is_400_and_named(
    register: Register, redis: Redis, fields: dict[str, Any], path: str
) -> None:
    answer = register(**fields)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert any(path in error["path"] + error["message"] for error in answer.json["errors"])
    assert PLANTED not in answer.get_data(as_text=True)
    assert inboxes(redis) == 0


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{", b"\xff", b"7", b"[" * 100_000, b'{"sid":"\\ud800"}'], ids=lambda body: body[:9]
)
def test_a_body_that_is_no_registration_is_400(client: FlaskClient, redis: Redis, body: bytes) -> None:
    for path in ("/sessions", "/start-request/check"):
        answer = client.post(f"{API}{path}", data=body, content_type="application/json")
        assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert inboxes(redis) == 0


def test_the_channel_may_stand_in_the_start_request_alone_or_in_both_places(register: Register, rig: Rig) -> None:
    assert register(channel=None, startRequest=start_request()).json["channel"] == "lobby"
    assert register(channel="lobby", startRequest=start_request()).json["channel"] == "lobby"


def test_a_start_request_that_breaks_rules_is_422_with_each_of_them_and_not_registered(
    register: Register, redis: Redis
) -> None:
    broken = start_request(recordingConfig={"streamTypes": 0}, snapshotConfig={"fileType": ["png"]})
    answer = register(startRequest=broken)
    inside = "$.startRequest.clientRequest"
    assert set(problems(answer, 422)) == {f"{inside}.recordingConfig.streamTypes", f"{inside}.snapshotConfig.fileType"}
    assert {error["severity"] for error in answer.json["errors"]} == {"error"}
    assert "?force=true" in register(startRequest=broken).json["detail"]
    assert inboxes(redis) == 0


def test_a_start_request_that_breaks_rules_is_registered_where_that_is_forced(register: Register, rig: Rig) -> None:
    broken = start_request(snapshotConfig={"fileType": ["png"], "captureInterval": 20})
    answer = register("/sessions?force=true", startRequest=broken)
    assert (answer.status_code, answer.json["state"]) == (201, "expected")
    assert answer.json["registration"]["captureInterval"] == 20
    rig.drain()
    assert rig.session().registration


def test_force_has_one_value_and_forces_no_mistake_of_the_registration_itself(register: Register, redis: Redis) -> None:
    assert register("/sessions?force=1").status_code == 400
    assert register("/sessions?farce=true").status_code == 400
    assert register("/sessions?force=true", sid="").status_code == 400
    assert inboxes(redis) == 0


def test_what_is_only_warned_of_is_registered(register: Register, rig: Rig) -> None:
    warned = start_request(recordingFileConfig={"avFileType": ["hls"]})
    assert register(startRequest=warned).status_code == 201


def test_a_registration_is_json(client: FlaskClient, redis: Redis) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = client.post(f"{API}/sessions", data=json.dumps(asked()), content_type=kind)
        assert (answer.status_code, answer.content_type) == (415, "application/problem+json")
    assert inboxes(redis) == 0


def test_a_registration_over_the_limit_is_413(register: Register, redis: Redis) -> None:
    assert register(resourceId="r" * 1_048_576).status_code == 413


def test_a_registration_that_no_inbox_takes_is_503(settings: Any, redis: Redis, tmp_path: Path) -> None:
    small = configuration.load({"VIGIL_SHARDS": "2", "VIGIL_INBOX_MAX": "2"}, tmp_path)
    client = unserved.create(small, redis).test_client()
    answers = [client.post(f"{API}/sessions", json=asked()).status_code for _ in range(2)]
    assert answers == [201, 503]


@pytest.fixture
def guarded(redis: Redis, tmp_path: Path) -> FlaskClient:
    """The application with a reader's and an operator's token."""
    tokens = f"ann:reader:{READER},bob:operator:{OPERATOR}"
    environment = {"VIGIL_API_TOKENS": tokens, "VIGIL_SHARDS": "2"}
    return unserved.create(configuration.load(environment, tmp_path), redis).test_client()


@pytest.mark.parametrize(("token", "status"), [("", 401), (READER, 403), (OPERATOR, None)])
@pytest.mark.parametrize("path", ["/sessions", "/start-request/check"])
def test_only_operators_may_register_and_check(
    guarded: FlaskClient, redis: Redis, path: str, token: str, status: int | None
) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = guarded.post(f"{API}{path}", json=asked(startRequest=start_request()), headers=headers)
    assert answer.status_code == (status or (201 if path == "/sessions" else 200))
    assert inboxes(redis) == (1 if answer.status_code == 201 else 0)


def test_another_sites_page_may_not_register(client: FlaskClient, redis: Redis) -> None:
    answer = client.post(f"{API}/sessions", json=asked(), headers={"Origin": "https://elsewhere.example"})
    assert (answer.status_code, inboxes(redis)) == (403, 0)


# Where a credential may stand in a start request, and where it does not belong but may be pasted.
MISPLACED = [
    start_request(),
    start_request(token=None, recordingConfig={"token": PLANTED, "streamTypes": PLANTED}),
    start_request(storageConfig=PLANTED),
    start_request(storageConfig={"vendor": 11, "extensionParams": {"endpoint": f"https://a:{PLANTED}@b/{PLANTED}"}}),
    start_request(snapshotConfig={"captureInterval": PLANTED, "fileType": PLANTED}),
    start_request(
        extensionServiceConfig={"extensionServices": [{"serviceParam": {"apiData": {"accessKey": PLANTED}}}]}
    ),
    start_request(rtmpPublishConfig={"outputs": [{"rtmpUrl": f"rtmp://cdn.example.com/live/{PLANTED}"}]}),
    start_request(headers=[{"name": "Authorization", "value": PLANTED}]),
    start_request(recordingConfig={"encryption_mode": 1, "Secret": PLANTED, "SALT": PLANTED}),
    start_request(unknown={"deep": [{"apiKey": PLANTED}, f"Bearer {PLANTED}", f"token={PLANTED}"]}),
    start_request() | {"token": PLANTED},
    start_request() | {"uid": PLANTED},
    start_request() | {"clientRequest": PLANTED},
    start_request()["clientRequest"] | {"cname": "lobby", "uid": "1"},
]


@pytest.mark.parametrize("forced", ["", "?force=true"])
@pytest.mark.parametrize("request_body", MISPLACED, ids=range(len(MISPLACED)))
def test_no_credential_of_a_start_request_is_ever_kept_logged_or_answered(
    client: FlaskClient, rig: Rig, caplog: pytest.LogCaptureFixture, request_body: dict[str, Any], forced: str
) -> None:
    caplog.set_level(logging.DEBUG)
    body = asked(startRequest=copy.deepcopy(request_body))
    answers = [
        client.post(f"{API}/sessions{forced}", json=body),
        client.post(f"{API}/sessions{forced}", json=body | {"channel": "other", "sid": "", "mode": "solo"}),
        client.post(f"{API}/start-request/check", json={"startRequest": request_body, "mode": "mix"}),
    ]
    before = everything(rig.redis)
    rig.drain()
    after = everything(rig.redis)
    answers += [client.get(f"{API}{path}") for path in ("/sessions", "/sessions/s1", "/channels", "/notifications")]
    told = "".join(answer.get_data(as_text=True) + str(answer.headers) for answer in answers)
    assert (answers[0].status_code == 201) is rig.has("s1")
    assert not forced or rig.has("s1")
    assert PLANTED.lower() not in told.lower()
    assert PLANTED.lower() not in caplog.text.lower()
    assert PLANTED.lower().encode() not in (before + after).lower()


def test_a_body_that_cannot_be_read_is_not_repeated(
    client: FlaskClient, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    whole = json.dumps(asked(startRequest=start_request())).encode()
    for body in (whole[:-1], whole.replace(b'"sid": "s1"', b'"sid": 1'), whole + b"{", whole + b"\xff"):
        answer = client.post(f"{API}/sessions", data=body, content_type="application/json")
        assert answer.status_code == 400
        assert PLANTED not in answer.get_data(as_text=True)
    assert PLANTED not in caplog.text
    assert PLANTED.encode() not in everything(redis)


def test_a_check_says_that_a_request_keeps_the_rules(client: FlaskClient) -> None:
    answer = client.post(f"{API}/start-request/check", json={"mode": "individual", "startRequest": start_request()})
    assert (answer.status_code, answer.json) == (200, {"valid": True, "violations": []})


def test_a_check_names_each_broken_rule_with_its_place(client: FlaskClient) -> None:
    question = {"mode": "mix", "startRequest": start_request(snapshotConfig={"fileType": "png"})}
    answer = client.post(f"{API}/start-request/check", json=question).json
    assert not answer["valid"]
    assert [(found["rule"], found["path"], found["severity"]) for found in answer["violations"]] == [
        ("snapshots-mode", "$.clientRequest.snapshotConfig", "error"),
        ("snapshot-file-type", "$.clientRequest.snapshotConfig.fileType", "error"),
    ]
    assert all(set(found) == {"rule", "path", "message", "severity"} for found in answer["violations"])


def test_a_warning_alone_leaves_a_request_valid(client: FlaskClient) -> None:
    both = start_request(recordingFileConfig={"avFileType": ["hls"]})
    answer = client.post(f"{API}/start-request/check", json={"startRequest": both}).json
    assert (answer["valid"], [found["severity"] for found in answer["violations"]]) == (True, ["warning"])


@pytest.mark.parametrize("request_body", [None, 7, "text", [], {}])
def test_anything_can_be_checked_and_nothing_is_kept_of_it(
    client: FlaskClient, redis: Redis, request_body: Any
) -> None:
    answer = client.post(f"{API}/start-request/check", json={"startRequest": request_body})
    assert (answer.status_code, answer.json["valid"]) == (200, False)
    assert inboxes(redis) == 0


def without_revision(session: Session) -> dict[str, Any]:
    view = session_view(session)
    del view["revision"]
    return view


TOLD = [started(), video(1, at_ms=AT_MS + 10), exited(at_ms=AT_MS + 20)]


@pytest.mark.parametrize("cut", [False, True], ids=["in one batch", "one by one"])
def test_whatever_comes_first_the_session_is_the_same(redis: Redis, cut: bool) -> None:
    views = []
    for order in permutations([registration(registered_ms=AT_MS - 5000), *TOLD]):
        redis.flushall()
        rig = Rig(redis, 2)
        for number, body in enumerate(order):
            rig.put(body, AT_MS + number, receipt=str(number))
            if cut:
                rig.drain()
        rig.drain()
        views.append(without_revision(rig.session()))
    assert views == [views[0]] * len(views)
    assert (views[0]["state"], views[0]["registration"]["resourceId"]) == ("ended", "r1")
    assert views[0]["firstEventAt"] == "2025-11-24T16:00:00.000Z"


def test_whatever_comes_first_the_source_is_the_one_that_told(redis: Redis) -> None:
    sources = []
    for order in permutations([registration(), started()]):
        redis.flushall()
        rig = Rig(redis, 2)
        for body in order:
            rig.append(body, **({} if isinstance(body, Registration) else {"source": "eu"}))
        rig.drain()
        sources.append(rig.session().source)
    assert sources == ["eu", "eu"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_of_several_registrations_the_latest_counts_whatever_their_order(rig: Rig, order: tuple[int, ...]) -> None:
    made = [registration(registered_ms=AT_MS + number, resource_id=f"r{number}") for number in range(3)]
    for number in order:
        rig.append(made[number])
        rig.drain()
    assert rig.session().registration == made[2]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_registrations_at_one_instant_always_the_same_counts(rig: Rig, order: tuple[int, int]) -> None:
    made = [registration(resource_id="a"), registration(resource_id="b")]
    rig.append(*(made[number] for number in order))
    rig.drain()
    assert rig.session().registration == made[1]


def test_a_registration_and_notifications_through_the_web_are_one_session(
    register: Register, post: Post, client: FlaskClient, rig: Rig
) -> None:
    register()
    post(started())
    post(video(1, at_ms=AT_MS + 1))
    rig.drain()
    (session,) = client.get(f"{API}/sessions").json["items"]
    assert (session["state"], session["notifications"]["received"]) == ("live", 2)
    assert session["registration"]["resourceId"] == "r1"
    assert rig.outcomes() == {"applied": 2}


def test_registering_again_changes_what_was_told_last_and_nothing_else(
    register: Register, client: FlaskClient, rig: Rig
) -> None:
    rig.append(*TOLD)
    rig.drain()
    before = without_revision(rig.session())
    register(resourceId="first")
    rig.drain()
    assert register(resourceId="second").json["registration"]["resourceId"] == "second"
    rig.drain()
    after = client.get(f"{API}/sessions/s1").json
    assert after["registration"]["resourceId"] == "second"
    del after["registration"], after["revision"], before["registration"]
    assert after == before


def test_a_registered_session_is_never_lost_and_forgotten_in_the_end(redis: Redis) -> None:
    short = Rig(redis, 1, retention_ms=WEEK_MS)
    now_ms = redis.time()[0] * 1000
    short.put(registration(registered_ms=now_ms - 6 * 86_400_000), now_ms)
    short.drain()
    assert session_view(short.session())["state"] == "expected"
    redis.flushall()
    short.put(registration(registered_ms=now_ms - WEEK_MS - 1), now_ms)
    short.drain()
    assert session_view(short.session())["state"] == "expected"
    short.drain()
    left_over = {key.decode() for key in redis.scan_iter("vigil:{s0}:*") if b":minute:" not in key}
    assert left_over == {ShardKeys(0).counts, ShardKeys(0).inbox}


def test_a_registration_of_a_session_that_cannot_be_read_leaves_it_alone(rig: Rig) -> None:
    rig.append(started())
    rig.drain()
    key = rig.keys_of(started()).session("s1")
    rig.redis.set(key, b"garbage")
    rig.append(registration(), started("s2"))
    rig.drain()
    assert rig.redis.get(key) == b"garbage"
    assert rig.has("s2")


def test_a_registration_of_a_later_release_stops_nobody(rig: Rig) -> None:
    fields = ["r", "r", "s", "default", "p", "default", "v", 0, "b", b'{"later": true}', "k", "registration"]
    words: dict[Any, Any] = dict(zip(fields[::2], fields[1::2], strict=True))
    rig.redis.xadd(rig.keys_of(started()).inbox, words)
    rig.append(started())
    rig.drain()
    assert rig.has("s1")
    assert rig.outcomes() == {"applied": 1, "quarantined": 1}


def test_two_registered_sessions_of_one_channel_share_nothing(register: Register, rig: Rig) -> None:
    register(sid="shots", startRequest=start_request(), resourceId="r1")
    register(sid="films", mode="mix", resourceId="r2")
    rig.append(started("shots"), exited("films"), left("films"), uploaded("films"))
    rig.drain()
    found = [session_view(rig.session(sid)) for sid in ("shots", "films")]
    assert [view["state"] for view in found] == ["starting", "ended"]
    assert [view["registration"]["resourceId"] for view in found] == ["r1", "r2"]


@pytest.fixture
def two_projects(redis: Redis, tmp_path: Path) -> FlaskClient:
    (tmp_path / "vigil.toml").write_text('[[source]]\nname = "eu"\nproject = "europe"\nsecrets = ["eu secret"]\n')
    environment = {"VIGIL_SHARDS": "2", "AGORA_NOTIFICATION_SECRET": SECRET}
    return unserved.create(configuration.load(environment, tmp_path), redis).test_client()


def test_a_registration_for_another_project_meets_its_notifications(two_projects: FlaskClient, rig: Rig) -> None:
    answer = two_projects.post(f"{API}/sessions", json=asked(project="europe"))
    assert (answer.status_code, answer.json["project"]) == (201, "europe")
    body = raw(started())
    two_projects.post("/webhooks/agora/eu", data=body, headers=signed_headers(body, "eu secret"))
    rig.drain()
    (session,) = two_projects.get(f"{API}/sessions").json["items"]
    assert (session["state"], session["project"], session["channel"]) == ("starting", "europe", "lobby")
    assert session["registration"]


ENDLESS = ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"]


@pytest.mark.parametrize("end", ENDLESS)
def test_an_end_that_no_calendar_holds_is_400(register: Register, redis: Redis, end: str) -> None:
    assert "$.expectedEnd" in problems(register(expectedEnd=end), 400)
    assert inboxes(redis) == 0


def test_mistakes_of_every_kind_are_told_together_with_those_of_the_start_request(
    register: Register, redis: Redis
) -> None:
    request = start_request(snapshotConfig=None, storageConfig={"vendor": 4})
    answer = register(sid=None, mode=7, resourceId="", chanel="lobby", startRequest=request)
    found = problems(answer, 400)
    storage = "$.startRequest.clientRequest.storageConfig"
    assert set(found) == {
        "$.sid",
        "$.mode",
        "$.resourceId",
        "$.chanel",
        *(f"{storage}.{name}" for name in ("vendor", "bucket", "accessKey", "secretKey")),
    }
    assert found["$.sid"] == "is missing; write the sid that start answered"
    assert found["$.mode"] == "is a number, not a string; write one of individual, mix, web"
    severities = {error["path"]: error.get("severity") for error in answer.json["errors"]}
    assert (severities["$.sid"], severities[f"{storage}.vendor"]) == (None, "error")
    assert inboxes(redis) == 0


def test_a_recording_without_snapshots_is_registered_and_a_misspelt_setting_is_not(
    register: Register, rig: Rig
) -> None:
    plain = start_request(snapshotConfig=None)
    answer = register(startRequest=plain)
    assert answer.status_code == 201
    assert (answer.json["registration"]["takesSnapshots"], answer.json["registration"]["records"]) == (False, True)
    misspelt = start_request(snapshotConfig=None, snapshotconfig={"fileType": ["jpg"]})
    found = register(startRequest=misspelt)
    severities = {error["path"]: error["severity"] for error in found.json["errors"]}
    assert (found.status_code, severities) == (
        422,
        {
            "$.startRequest.clientRequest.snapshotConfig": "warning",
            "$.startRequest.clientRequest.snapshotconfig": "error",
        },
    )


def test_a_bare_start_request_is_told_how_to_be_wrapped(client: FlaskClient) -> None:
    answer = client.post(f"{API}/start-request/check", json=start_request())
    assert '{"mode": "individual", "startRequest": it}' in problems(answer, 400)["$.startRequest"]
    assert "looks like" not in problems(client.post(f"{API}/start-request/check", json={}), 400)["$.startRequest"]


def test_a_body_of_a_registration_can_be_checked_as_it_is_and_nothing_else_beside(client: FlaskClient) -> None:
    good = client.post(f"{API}/start-request/check", json=asked(startRequest=start_request()))
    assert (good.status_code, good.json["valid"]) == (200, True)
    bad = client.post(f"{API}/start-request/check", json={"startRequest": start_request(), "Mode": "mix"})
    assert set(problems(bad, 400)) == {"$.Mode"}


def test_a_check_names_a_request_that_takes_no_snapshots_at_all(client: FlaskClient) -> None:
    answer = client.post(f"{API}/start-request/check", json={"startRequest": start_request(snapshotConfig=None)}).json
    assert (answer["valid"], [found["rule"] for found in answer["violations"]]) == (False, ["no-snapshots"])


def test_a_sid_is_registered_in_the_project_in_which_it_is_known(two_projects: FlaskClient, rig: Rig) -> None:
    rig.append(started(), source="eu", project="europe")
    rig.drain()
    answer = two_projects.post(f"{API}/sessions", json=asked())
    assert (answer.status_code, answer.json["project"], answer.json["state"]) == (201, "europe", "starting")
    rig.drain()
    assert rig.ids() == ["s1"]
    assert "'europe'" in problems(two_projects.post(f"{API}/sessions", json=asked(project="default")), 400)["$.project"]


def test_where_several_projects_are_configured_a_registration_names_one(
    two_projects: FlaskClient, redis: Redis
) -> None:
    found = problems(two_projects.post(f"{API}/sessions", json=asked()), 400)
    assert found == {"$.project": "is missing, and there are several: write one of default, europe"}
    assert inboxes(redis) == 0


def test_where_one_project_is_configured_a_registration_is_of_that(redis: Redis, tmp_path: Path) -> None:
    (tmp_path / "vigil.toml").write_text('[[source]]\nname = "default"\nproject = "school"\nsecrets = ["s"]\n')
    client = unserved.create(configuration.load({"VIGIL_SHARDS": "2"}, tmp_path), redis).test_client()
    assert client.post(f"{API}/sessions", json=asked()).json["project"] == "school"


def test_what_is_no_recording_is_not_registered(register: Register, rig: Rig) -> None:
    rig.append(created("c1"), joined(7))
    rig.drain()
    assert "media_push" in problems(register(sid="c1"), 400)["$.sid"]
    assert "rtc" in problems(register(sid="rtc:default:lobby"), 400)["$.sid"]
    rig.drain()
    assert rig.session("c1").registration is None


def test_a_sid_that_is_known_in_another_channel_is_400(register: Register, rig: Rig) -> None:
    rig.append(started())
    rig.drain()
    assert "$.channel" in problems(register(channel="elsewhere"), 400)


LONG = 100_000  # characters; nothing that is named like that


@pytest.mark.parametrize(
    "fields",
    [
        {"resourceId": "r" * LONG},
        {"channel": "c" * LONG},
        {"startRequest": start_request(storageConfig={"fileNamePrefix": ["a"] * LONG}), "path": "/sessions?force=true"},
    ],
    ids=["resource id", "channel", "prefix"],
)
def test_what_a_registration_keeps_is_bounded(register: Register, rig: Rig, fields: dict[str, Any]) -> None:
    register(**fields)
    rig.drain()
    assert len(everything(rig.redis)) < LONG
