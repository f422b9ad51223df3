"""The first screen: is anyone's recording broken, since when, who has it."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from tests import unserved
from tests.routes.dashboard.reading import Reading, look, send
from tests.store.build import exited, started, video
from tests.store.rig import Rig
from webhook.domain.alerting.guide import Guide
from webhook.domain.alerting.telling import Route
from webhook.settings import Settings
from webhook.store.connection import server_now_ms
from workers.watching import Watch

HOSTILE = "<img src=x onerror=alert(1)>"


def firing(client: FlaskClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get("/api/v1/alerts?state=firing").json["items"]
    return items


class Counting(Redis):
    """A client that counts how often it waits for the server."""

    trips = 0

    def pipeline(self, *arguments: Any, **more: Any) -> Any:
        """One that counts when it is executed; a page uses each once."""
        self.trips += 1
        return super().pipeline(*arguments, **more)

    def execute_command(self, *arguments: Any, **more: Any) -> Any:
        self.trips += 1
        return super().execute_command(*arguments, **more)


class Scene:
    """Sessions some minutes ago, by a clock of the test's own that ends up at the server's."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        rig.watch = Watch(guide=Guide(routes=(Route("chat"),)))
        rig.now_ms = server_now_ms(rig.redis) - 600_000

    def hear(self, *bodies: Any) -> None:
        """They are received now; ten seconds later what had to fire fires."""
        for body in bodies:
            self.rig.put(body, self.rig.clock())
        self.rig.drain()
        self.rig.now_ms = self.rig.clock() + 15_000
        self.rig.drain()

    def fail(self, sid: str = "s1", **more: Any) -> None:
        """A recording that fails."""
        at_ms = self.rig.clock()
        self.hear(started(sid, at_ms - 1000, **more), exited(sid, at_ms, status=1, **more))

    def run(self, count: int) -> None:
        """So many recordings that go well, each of five users."""
        at_ms = self.rig.clock()
        names = [(f"live{number}", f"lesson-{number}") for number in range(count)]
        begun = [started(sid, at_ms, cname=channel) for sid, channel in names]
        videos = [video(0, sid, at_ms, str(uid), cname=channel) for sid, channel in names for uid in range(5)]
        self.hear(*begun, *videos)


@pytest.fixture
def scene(rig: Rig) -> Scene:
    return Scene(rig)


def test_before_anything_was_heard_it_says_how_to_begin(client: FlaskClient) -> None:
    page = look(client, "/ops/")
    assert "No notification yet" in page.text
    assert "/webhooks/agora" in page.text
    assert "A secret is set" in page.text


def test_a_broken_session_is_told_with_its_alert_and_how_to_take_it(scene: Scene, client: FlaskClient) -> None:
    scene.fail(cname="lobby")
    page = look(client, "/ops/")
    assert "Broken" in page.text
    (alert,) = firing(client)
    assert alert["summary"] in page.links[f"/ops/alerts/{alert['id']}"]
    assert page.links["/ops/sessions/s1"] == "lobby"
    answer = send(client, page.form(f"/ops/alerts/{alert['id']}/ack"))
    assert answer.status_code == 303
    assert firing(client)[0]["acknowledged"]["by"] == "local"


def test_what_nobody_has_comes_first_then_the_oldest(scene: Scene, client: FlaskClient) -> None:
    for sid in ("s1", "s2", "s3"):
        scene.fail(sid, cname=sid)
    ids = {item["labels"]["session"]: item["id"] for item in firing(client)}
    client.post(f"/api/v1/alerts/{ids['s1']}/ack", json={})
    page = look(client, "/ops/")
    places = [page.text.index(f"abnormal exit · {sid}") for sid in ("s2", "s3", "s1")]
    assert places == sorted(places)
    assert "local has it" in page.text


def test_running_sessions_are_listed_broken_ones_first(scene: Scene, client: FlaskClient) -> None:
    scene.run(3)
    scene.hear(video(1, "live1", scene.rig.clock(), "2", cname="lesson-1"))
    page = look(client, "/ops/")
    assert "1 off 4 on" in page.text
    assert page.text.index("lesson-1") < page.text.index("lesson-0")


def test_every_figure_links_to_what_it_counts(client: FlaskClient) -> None:
    page = look(client, "/ops/")
    assert {"/ops/sessions?state=live", "/ops/sessions?stream=stopped", "/ops/alerts?state=firing"} <= page.links.keys()


def test_names_from_outside_are_only_text(scene: Scene, client: FlaskClient) -> None:
    scene.fail(cname=HOSTILE)
    html = client.get("/ops/").get_data(as_text=True)
    assert HOSTILE in Reading(html).text
    assert "<img" not in html


@pytest.mark.parametrize("sessions", [1, 200])
def test_it_costs_two_round_trips_however_many_sessions_there_are(
    scene: Scene, settings: Settings, redis: Redis, sessions: int
) -> None:
    scene.run(sessions)
    scene.fail()
    counting = Counting(connection_pool=redis.connection_pool)
    client = unserved.create(settings, counting).test_client()
    client.get("/ops/")
    before = counting.trips
    html = client.get("/ops/").get_data()
    assert counting.trips - before == 2
    assert len(html) <= 40 * 1024
