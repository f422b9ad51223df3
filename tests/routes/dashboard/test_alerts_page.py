"""The list of alerts and the page of one: tabs with honest counts, who has it, who was told, and taking it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from msgspec.structs import replace
from redis import Redis

from tests import unserved
from tests.routes.dashboard.counting import Counting
from tests.routes.dashboard.reading import Reading, look, send
from tests.routes.dashboard.signed import OPERATOR, READER, browser
from tests.store.alerting import HOUR_MS, PENDING, RESOLVED, Alerted, alert
from webhook.domain.alerting.alerts import Alert, Severity
from webhook.domain.alerting.telling import Ack
from webhook.settings import Settings
from webhook.store.alerts import Alerts
from webhook.store.connection import server_now_ms
from webhook.store.keys import ShardKeys
from webhook.views.times import rfc3339

SHARDS = 2
PATH = "/ops/alerts"
HOSTILE = "<img src=x onerror=alert(1)></script>"
MINUTE_MS = 60_000


@pytest.fixture
def alerted(redis: Redis) -> Alerted:
    return Alerted(redis, SHARDS)


@pytest.fixture
def now_ms(redis: Redis) -> int:
    return server_now_ms(redis)


def acknowledge(redis: Redis, name: str, at_ms: int, note: str | None = None) -> None:
    alerts = Alerts(redis, SHARDS)
    known = alerts.find(name)
    assert known is not None
    alerts.acknowledge(known.found, Ack("ann", at_ms, note))


def count(redis: Redis, **gauges: int) -> None:
    """Gauges as the writer of a shard keeps them."""
    redis.hset(ShardKeys(0).counts, mapping={name.replace("__", ":"): number for name, number in gauges.items()})


def over(at_ms: int, after_ms: int, **more: Any) -> Alert:
    """One that began at `at_ms` and was resolved so much later."""
    return replace(alert(at_ms=at_ms, state=RESOLVED, **more), resolved_ms=at_ms + after_ms)


def names(page: Reading) -> set[str]:
    """The ids of the alerts that a page links to."""
    found = (link.removeprefix(f"{PATH}/") for link in page.links if link.startswith(f"{PATH}/"))
    return {name for name in found if "/" not in name}


@pytest.fixture
def cast(redis: Redis, alerted: Alerted, now_ms: int) -> dict[str, str]:
    """One alert of each kind, by what it is."""
    told = {
        "critical": alerted.add(alert("upload_failed", now_ms, severity=Severity.CRITICAL), "s1", "lobby"),
        "taken": alerted.add(alert("failover", now_ms - 1), "s1", "lobby"),
        "quiet": alerted.add(alert(at_ms=now_ms - 2), "s2", "attic"),
        "pending": alerted.add(alert(at_ms=now_ms - 3, state=PENDING), "s3", "hall"),
        "lately": alerted.add(over(now_ms - 30 * HOUR_MS, 29 * HOUR_MS), "s4", "hall"),
        "before": alerted.add(over(now_ms - 30 * HOUR_MS, HOUR_MS), "s5", "hall"),
    }
    acknowledge(redis, told["taken"], now_ms)
    alerted.silence("q1", "channel=attic")
    return told


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["critical", "quiet", "taken"]),
        ("?state=firing", ["critical", "quiet", "taken"]),
        ("?state=firing&severity=critical", ["critical"]),
        ("?state=firing&rule=failover", ["taken"]),
        ("?state=acknowledged", ["taken"]),
        ("?state=silenced", ["quiet"]),
        ("?state=firing&silencedBy=q1", ["quiet"]),
        ("?state=pending", ["pending"]),
        ("?state=resolved", ["before", "lately"]),
        ("?session=s3", ["pending"]),
        ("?channel=hall", ["before", "lately", "pending"]),
        ("?channel=hall&state=resolved", ["before", "lately"]),
        ("?state=all", ["before", "critical", "lately", "pending", "quiet", "taken"]),
    ],
)
def test_the_address_says_which_alerts_are_shown(
    client: FlaskClient, cast: dict[str, str], query: str, expected: list[str]
) -> None:
    shown = names(look(client, f"{PATH}{query}"))
    assert sorted(kind for kind, name in cast.items() if name in shown) == expected


def test_the_json_twin_answers_the_same_question(client: FlaskClient, cast: dict[str, str]) -> None:
    for tab in ("firing", "acknowledged", "silenced", "pending", "resolved", "all"):
        page = look(client, f"{PATH}?state={tab}")
        (twin,) = [link for link, words in page.links.items() if words == "JSON"]
        assert {item["id"] for item in client.get(twin).json["items"]} == names(page), tab


def test_the_tab_of_a_day_shows_what_was_resolved_within_it_however_long_ago_it_began(
    client: FlaskClient, cast: dict[str, str]
) -> None:
    (link,) = [link for link, words in look(client, PATH).links.items() if words.startswith("Resolved 24 h")]
    assert names(look(client, link)) == {cast["lately"]}


def test_tabs_count_what_they_hold(client: FlaskClient, redis: Redis, cast: dict[str, str]) -> None:
    count(redis, alert__x__warning__firing=3, alert__x__warning__pending=1, alerts__unacknowledged=2)
    assert "Firing 3 Acknowledged 1 Silenced 1 Pending 1 Resolved 24 h " in look(client, f"{PATH}?state=resolved").text


def test_where_a_count_would_cost_a_scan_it_says_at_least(client: FlaskClient, alerted: Alerted, now_ms: int) -> None:
    for number in range(101):
        alerted.add(alert(at_ms=now_ms, uid=str(number)), f"s{number % 5}")
    alerted.add(over(now_ms - HOUR_MS, MINUTE_MS), "s8")
    alerted.add(over(now_ms - 30 * HOUR_MS, MINUTE_MS), "s9")
    alerted.silence("q1", "channel=lobby")
    text = look(client, PATH).text
    assert "Silenced 100+" in text
    assert "Resolved 24 h 1+" in text


def test_tabs_keep_the_filters_and_then_count_nothing(client: FlaskClient, cast: dict[str, str]) -> None:
    page = look(client, f"{PATH}?state=firing&severity=critical")
    assert page.links[f"{PATH}?state=acknowledged&severity=critical"] == "Acknowledged"


def test_a_row_says_what_whom_since_when_and_who_was_told_why(
    client: FlaskClient, alerted: Alerted, now_ms: int
) -> None:
    name = alerted.add(alert(at_ms=now_ms - 5 * MINUTE_MS))
    alerted.deliver(name, "mail", "firing", at_ms=now_ms - 4 * MINUTE_MS)
    alerted.deliver(name, "mail", "repeat", at_ms=now_ms - 2 * MINUTE_MS, reason="repeat")
    alerted.deliver(name, "pager", "repeat", at_ms=now_ms - 2 * MINUTE_MS, reason="repeat", result="failed", attempt=3)
    page = look(client, PATH)
    assert "warning video_stopped of 7 video stopped · lobby" in page.text
    assert "Told (repeat) 2 min ago: mail delivered, pager failed, attempt 3" in page.text
    assert "5 min ago" in page.text
    assert page.links[f"{PATH}/{name}"] == "video_stopped of 7"
    assert page.links[f"/ops/silences/new?alert={name}"].startswith("Silence")


def test_who_has_an_alert_and_for_how_long_stays_in_its_row(
    client: FlaskClient, redis: Redis, alerted: Alerted, now_ms: int
) -> None:
    acknowledge(redis, alerted.add(alert(at_ms=now_ms)), now_ms - 26 * HOUR_MS, "waiting for parts")
    assert "ann has it, for 1 d: waiting for parts" in look(client, PATH).text


@pytest.mark.parametrize(("hours", "grave"), [(23, False), (25, True)])
def test_an_acknowledgement_of_yesterday_looks_graver(
    client: FlaskClient, redis: Redis, alerted: Alerted, now_ms: int, hours: int, grave: bool
) -> None:
    name = alerted.add(alert(at_ms=now_ms))
    for path in (PATH, f"{PATH}/{name}"):
        fresh = client.get(path).get_data(as_text=True).count("icon warn")
        acknowledge(redis, name, now_ms - hours * HOUR_MS)
        assert (client.get(path).get_data(as_text=True).count("icon warn") > fresh) is grave
        Alerts(redis, SHARDS).take_back(Alerts(redis, SHARDS).find(name).found)  # type: ignore[union-attr]


def test_with_nothing_firing_it_names_what_was_resolved_last(
    client: FlaskClient, alerted: Alerted, now_ms: int
) -> None:
    name = alerted.add(over(now_ms - 3 * HOUR_MS - 4 * MINUTE_MS, 4 * MINUTE_MS), channel="lesson-12")
    alerted.add(over(now_ms - 5 * HOUR_MS, MINUTE_MS), "s2")
    page = look(client, PATH)
    assert "Nothing is firing. Last alert resolved 3 h ago (video stopped, channel lesson-12, 4 min)." in page.text, (
        page.text
    )
    assert f"{PATH}/{name}" in page.links


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "Nothing is firing. No alert was resolved either"),
        ("?state=acknowledged", "Nothing fires"),
        ("?state=silenced", "No silence keeps an alert quiet"),
        ("?state=pending", "Nothing is about to fire"),
        ("?state=resolved", "No alert was resolved"),
        ("?channel=nowhere", "No alert is like that"),
    ],
)
def test_an_empty_list_says_what_that_means(client: FlaskClient, query: str, sentence: str) -> None:
    assert sentence in look(client, f"{PATH}{query}").text


@pytest.mark.parametrize("query", ["?severity=loud", "?state=open", "?cursor=x", "?colour=red", "?since=now"])
def test_a_mistake_in_the_address_costs_nobody_the_page(client: FlaskClient, cast: dict[str, str], query: str) -> None:
    page = look(client, f"{PATH}{query}")
    assert "Nothing is listed until the address is mended" in page.text
    assert names(page) == set()


def test_pages_follow_one_another(client: FlaskClient, alerted: Alerted, now_ms: int) -> None:
    told = {alerted.add(alert(at_ms=now_ms - number, uid=str(number))) for number in range(60)}
    first = look(client, PATH)
    (older,) = [link for link, words in first.links.items() if words == "Older"]
    second = look(client, f"{PATH}{older}")
    assert (len(names(first)), len(names(second))) == (50, 10)
    assert names(first) | names(second) == told


def test_an_alert_says_everything_about_itself(
    client: FlaskClient, redis: Redis, alerted: Alerted, now_ms: int
) -> None:
    name = alerted.add(alert(at_ms=now_ms))
    alerted.deliver(name, "pager", "firing", at_ms=now_ms, result="dead", attempt=20, error="refused")
    alerted.silence("q1", "channel=lobby", reason="encoder exchange")
    acknowledge(redis, name, now_ms, "on it")
    page = look(client, f"{PATH}/{name}")
    for told in (
        "nothing arrives",
        "What to do: look at the encoder",
        "ann has it, for 0 s: on it",
        "Silenced by ann until",
        "encoder exchange",
        "pager first dead refused 20",
        "channel lobby",
        "uid 7",
        f"Began {rfc3339(now_ms)[11:19]}",
        "Resolved not yet",
        name,
    ):
        assert told in page.text, told
    assert {"/ops/silences#q1", "/ops/sinks/pager", "/ops/sessions/s1", f"/api/v1/alerts/{name}"} <= page.links.keys()
    (timeline,) = [link for link, words in page.links.items() if words == "Timeline of the session"]
    assert timeline.startswith("/ops/sessions/s1?from=")


def test_what_is_over_offers_nothing_to_do(client: FlaskClient, alerted: Alerted, now_ms: int) -> None:
    name = alerted.add(over(now_ms - HOUR_MS, 4 * MINUTE_MS))
    for path in (f"{PATH}/{name}", f"{PATH}?state=resolved"):
        page = look(client, path)
        assert "recovered" in page.text
        assert "lasted 4 min" in page.text
        assert [form.action for form in page.forms if form.method == "post"] == []


def test_a_note_that_is_too_long_comes_back_with_what_is_wrong(
    client: FlaskClient, redis: Redis, alerted: Alerted
) -> None:
    name = alerted.add()
    answer = send(client, look(client, f"{PATH}/{name}").form(f"{PATH}/{name}/ack"), note="x" * 501)
    page = Reading.of(answer)
    assert (answer.status_code, page.form(f"{PATH}/{name}/ack").fields["note"]) == (400, "x" * 501)
    assert "The note has 501 characters" in page.text
    assert client.get("/api/v1/audit").json["items"] == []


@pytest.mark.parametrize("deed", ["ack", "take-back"])
def test_what_is_over_meanwhile_is_said_and_not_done(
    client: FlaskClient, redis: Redis, alerted: Alerted, deed: str
) -> None:
    name = alerted.add()
    form = look(client, PATH).form(f"{PATH}/{name}/ack")
    alerted.forget("s1")
    Alerted(redis, SHARDS).add(alert(state=RESOLVED))
    form.action = f"{PATH}/{name}/{deed}"
    answer = send(client, form)
    assert (answer.status_code, answer.headers["Location"]) == (303, PATH)
    assert "is resolved" in look(client, PATH).text


def test_every_deed_is_in_the_audit_list_and_looking_does_none(
    guarded: Flask, redis: Redis, alerted: Alerted, now_ms: int
) -> None:
    name, bob = alerted.add(alert(at_ms=now_ms)), browser(guarded, OPERATOR)
    path = f"{PATH}/{name}"
    send(bob, look(bob, path).form(f"{path}/ack"), note="on it")
    send(bob, look(bob, path).form(f"{path}/take-back"))
    for deed in ("ack", "take-back"):
        assert bob.get(f"{path}/{deed}").status_code == 405
    told = [(each["by"], each["action"], each["reason"]) for each in bob.get("/api/v1/audit").json["items"]]
    assert told == [("bob", "take back acknowledgement", None), ("bob", "acknowledge", "on it")]


@pytest.mark.parametrize("deed", ["ack", "take-back"])
def test_readers_and_forms_of_nobody_change_nothing(guarded: Flask, redis: Redis, alerted: Alerted, deed: str) -> None:
    name, ann, bob = alerted.add(), browser(guarded, READER), browser(guarded, OPERATOR)
    acknowledge(redis, name, 1)
    for page in (look(ann, PATH), look(ann, f"{PATH}/{name}")):
        assert {form.action for form in page.forms if form.method == "post"} == {"/ops/sign-out"}
        assert not any(link.startswith("/ops/silences/new") for link in page.links)
    key = look(ann, PATH).form("/ops/sign-out").fields
    assert ann.post(f"{PATH}/{name}/{deed}", data=key).status_code == 403
    assert bob.post(f"{PATH}/{name}/{deed}").status_code == 403
    assert bob.get("/api/v1/audit").json["items"] == []
    assert bob.get(f"/api/v1/alerts/{name}").json["acknowledged"]["by"] == "ann"


def test_names_from_outside_are_only_text(client: FlaskClient, redis: Redis, alerted: Alerted, now_ms: int) -> None:
    name = alerted.add(
        alert(at_ms=now_ms, uid=HOSTILE, summary=HOSTILE, meaning=HOSTILE, action=HOSTILE), HOSTILE, HOSTILE
    )
    alerted.deliver(name, HOSTILE, "firing", session=HOSTILE, at_ms=now_ms, error=HOSTILE, reason=HOSTILE)
    alerted.silence("q1", "rule=video_stopped", reason=HOSTILE, by=HOSTILE)
    acknowledge(redis, name, now_ms, HOSTILE)
    for path in (PATH, f"{PATH}/{name}", f"{PATH}?channel={HOSTILE}&rule={HOSTILE}"):
        html = client.get(path).get_data(as_text=True)
        assert "<img" not in html
        assert html.count("</script>") == html.count("<script ")
    assert HOSTILE in look(client, f"{PATH}/{name}").text


@pytest.mark.parametrize("path", ["", "?state=acknowledged", "?state=silenced", "?state=resolved", "/{name}"])
def test_it_costs_two_round_trips_however_many_alerts_there_are(
    settings: Settings, redis: Redis, alerted: Alerted, now_ms: int, path: str
) -> None:
    told = [alerted.add(alert(at_ms=now_ms - number), f"s{number}") for number in range(60)]
    alerted.add(over(now_ms - HOUR_MS, MINUTE_MS), "s99")
    alerted.silence("q1", "channel=lobby")
    counting = Counting(connection_pool=redis.connection_pool)
    client = unserved.create(settings, counting).test_client()
    client.get(PATH)
    before = counting.trips
    assert client.get(f"{PATH}{path.format(name=told[0])}").status_code == 200
    assert counting.trips - before == 2


def test_signed_out_nobody_sees_alerts(guarded: Flask, alerted: Alerted, tmp_path: Path) -> None:
    stranger = guarded.test_client()
    for path in (PATH, f"{PATH}/{alerted.add()}"):
        answer = stranger.get(path)
        assert (answer.status_code, answer.headers["Location"].startswith("/ops/sign-in")) == (303, True)
