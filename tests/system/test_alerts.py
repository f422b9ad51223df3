"""An alert from the notification to whoever is told: a mail, a signed post and a page to whoever is on call."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook

from tests.receivers import Answer, HttpReceiver, Received, SmtpReceiver
from tests.system.stack import Stack, needs_proc, send
from tests.waiting import wait_for
from tests.workers.sinks.events_v2 import PATH, violations
from webhook import clock
from webhook.samples import envelope

pytestmark = needs_proc

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYq="
KEY = "0123456789abcdef0123456789abcdef"
TOLD_WITHIN = 20.0  # seconds; an alert fires 2 s after it was received, and is told a second or two later
CONFIGURATION = """
[rules.audio_stopped]
enabled = false
[[sink]]
name = "mail"
url = "mailto://{mail}?from=vigil@example.org&to=ops@example.org&mode=insecure"
[[sink]]
name = "hook"
kind = "webhook"
url = "{hook}/alerts"
secret = "{secret}"
[[sink]]
name = "pager"
kind = "pagerduty"
routing_key = "{key}"
url = "{pager}"
"""
_numbers = count()


class Told(NamedTuple):
    """Vigil, and all that it tells."""

    vigil: Stack
    mail: SmtpReceiver
    hook: HttpReceiver
    pager: HttpReceiver

    def alerts(self) -> list[tuple[str, str]]:
        """What the hook was told, in order: the recording, and what became of its alert."""
        return [
            (alert["labels"]["session"], alert["transition"])
            for request in list(self.hook.received)
            for alert in request.json["data"]["alerts"]
        ]

    def ended(self) -> set[str]:
        """The recordings of which the hook was told that all is well again."""
        return {sid for sid, transition in self.alerts() if transition == "resolved"}


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    with SmtpReceiver() as mail, HttpReceiver() as hook, HttpReceiver() as pager:
        words = {"mail": mail.address, "hook": hook.url, "pager": pager.url, "key": KEY, "secret": SECRET}
        (tmp_path / "vigil.toml").write_text(CONFIGURATION.format(**words))
        pager.answer(Answer(202, body=b'{"status": "success", "message": "Event processed", "dedup_key": "known"}'))
        with Stack(tmp_path) as vigil:
            yield Told(vigil.start(), mail, hook, pager)


def say(vigil: Stack, sid: str, event_type: int, details: dict[str, Any], ago_ms: int = 0) -> None:
    """One notification of a recording, of what happened so long ago."""
    at_ms = clock.now_ms() - ago_ms
    if "state" in details:
        details = details | {"UtcMs": at_ms}
    payload = {"sid": sid, "cname": f"c-{sid}", "uid": "1001", "sendts": at_ms, "details": details}
    body = msgspec.json.encode(envelope(3, event_type, payload, f"{sid}:{next(_numbers)}", at_ms))
    assert vigil.post(body).status == 200


def begin(vigil: Stack, sid: str) -> None:
    say(vigil, sid, 40, {"status": 0}, 30_000)
    for uid in ("7", "8"):
        say(vigil, sid, 44, {"streamUid": uid, "state": 0}, 29_000)


def stop(vigil: Stack, sid: str) -> None:
    """A video stopped longer ago than it takes to fire."""
    say(vigil, sid, 44, {"streamUid": "7", "state": 1}, 15_000)


def resume(vigil: Stack, sid: str) -> None:
    say(vigil, sid, 44, {"streamUid": "7", "state": 0})


def test_a_stopped_video_is_told_once_to_everybody_and_its_return_as_well(told: Told) -> None:
    begin(told.vigil, "r1")
    stop(told.vigil, "r1")
    wait_for(lambda: told.mail.messages and told.hook.received and told.pager.received, TOLD_WITHIN, "nobody is told")
    (alert,) = told.vigil.get("/api/v1/alerts?state=firing")["items"]
    assert (alert["rule"], alert["labels"]["uid"]) == ("video_stopped", "7")
    resume(told.vigil, "r1")
    everybody = (told.mail.messages, told.hook.received, told.pager.received)
    wait_for(lambda: all(len(heard) == 2 for heard in everybody), TOLD_WITHIN, "somebody is not told of the end")
    assert told.alerts() == [("r1", "firing"), ("r1", "resolved")]
    first, last = (str(mail["Subject"]) for mail in told.mail.messages)
    assert "c-r1" in first
    assert "esolved" in last
    for request in told.hook.received:
        Webhook(SECRET).verify(request.body, dict(request.headers))
    assert [violations(request.json, len(request.body)) for request in told.pager.received] == [[], []]
    assert [(each.json["event_action"], each.json["dedup_key"], each.path) for each in told.pager.received] == [
        ("trigger", alert["id"], PATH),
        ("resolve", alert["id"], PATH),
    ]


def test_workers_and_clock_that_are_killed_leave_nobody_untold(told: Told) -> None:
    sids = [f"k{number}" for number in range(12)]
    kills = 0
    for sid in sids:
        begin(told.vigil, sid)
        stop(told.vigil, sid)
        if sid in sids[2::4]:
            send([*told.vigil.worker(), *told.vigil.clock()], signal.SIGKILL)
            kills += 1
    wait_for(lambda: {sid for sid, _ in told.alerts()} == set(sids), 60, "somebody was not told that it fires")
    for sid in sids:
        resume(told.vigil, sid)
        if sid in sids[3::4]:
            send([*told.vigil.worker(), *told.vigil.clock()], signal.SIGKILL)
            kills += 1
    wait_for(lambda: told.ended() == set(sids), 60, "somebody was not told of the end")
    for sid in sids:
        own = [transition for at, transition in once(told.hook.received) if at == sid]
        assert own == ["firing", "resolved"], f"{sid}: {own}"
    times = Counter(request.headers["webhook-id"] for request in told.hook.received)
    assert sum(number - 1 for number in times.values()) <= kills, "at most one more a kill"


def once(requests: list[Received]) -> list[tuple[str, str]]:
    """What a receiver takes that tells copies by their id, in order."""
    messages = {request.headers["webhook-id"]: request for request in requests}
    return [
        (alert["labels"]["session"], alert["transition"])
        for request in messages.values()
        for alert in request.json["data"]["alerts"]
    ]
