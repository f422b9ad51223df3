"""An alert from the notification to whoever is told: a mail, a signed post and a page to whoever is on call."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

import pytest
from standardwebhooks.webhooks import Webhook

from tests.receivers import Answer, HttpReceiver, Received, SmtpReceiver
from tests.system.alerting_stack import (
    ONLY_VIDEOS,
    SECRET,
    TOLD_WITHIN,
    TOLD_WITHIN_MS,
    all_alerts,
    begin,
    hook,
    left_to_tell,
    resume,
    stop,
    time_ms,
    told_by,
)
from tests.system.stack import Json, Stack, needs_proc, send
from tests.waiting import wait_for
from tests.workers.sinks.events_v2 import PATH, violations

pytestmark = needs_proc

KEY = "0123456789abcdef0123456789abcdef"
SINKS = ("mail", "hook", "pager")
MAIL_AND_PAGER = """
[[sink]]
name = "mail"
url = "mailto://{mail}?from=vigil@example.org&to=ops@example.org&mode=insecure"
[[sink]]
name = "pager"
kind = "pagerduty"
routing_key = "{key}"
url = "{pager}"
"""
TWO_STOP = ("--seed", "116036", "--speed", "8")  # of three users two stop at one moment, for a minute and more
STOPPED = ("4240799445", "2075388947")
BUSY_MS = 10_000  # where other tests run beside this one
TIMES = {"firing": "firedAt", "resolved": "resolvedAt"}
ACTIONS = {"trigger": "firing", "resolve": "resolved"}
TOGETHER_MS = 900  # alerts that fire within a second are one delivery; and what is written a moment later is not


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
    with SmtpReceiver() as mail, HttpReceiver() as hooked, HttpReceiver() as pager:
        others = MAIL_AND_PAGER.format(mail=mail.address, pager=pager.url, key=KEY)
        (tmp_path / "vigil.toml").write_text(ONLY_VIDEOS + hook("hook", hooked.url) + others)
        pager.answer(Answer(202, body=b'{"status": "success", "message": "Event processed", "dedup_key": "known"}'))
        with Stack(tmp_path) as vigil:
            yield Told(vigil.start(), mail, hooked, pager)


@pytest.mark.parametrize("within_ms", [BUSY_MS, pytest.param(TOLD_WITHIN_MS, marks=pytest.mark.full)])
def test_a_simulated_stop_is_told_once_to_everybody_in_time_and_its_return_as_well(told: Told, within_ms: int) -> None:
    simulation = told.vigil.run("simulate", "--scenario", "screenshots", "--sessions", "1", *TWO_STOP)
    assert simulation.returncode == 0, simulation.stdout + simulation.stderr
    wait_for(lambda: not any(left_to_tell(told.vigil, sink) for sink in SINKS), TOLD_WITHIN, "somebody is not told")
    alerts = {alert["id"]: alert for alert in all_alerts(told.vigil)}
    assert sorted(alert["labels"]["uid"] for alert in alerts.values()) == sorted(STOPPED)
    once_each = {(name, transition): 1 for name in alerts for transition in TIMES}
    mailed, hooked, paged = by_mail(told.mail, alerts), by_hook(told.hook), by_pager(told.pager)
    for heard in (mailed, hooked, paged):
        assert Counter(each for delivery in heard for each in delivery.tells) == once_each
        late_ms = [late_ms for delivery in heard for late_ms in delivery.late_ms(alerts)]
        assert 0 <= min(late_ms) <= max(late_ms) <= within_ms, late_ms
    for heard in (mailed, hooked):  # a page is about one alert
        assert sum(delivery.fires for delivery in heard) <= most_deliveries(alerts)


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


class Delivery(NamedTuple):
    """One message: when it came, and which alerts it tells of, each with what became of it."""

    at_ms: int
    tells: list[tuple[str, str]]

    @property
    def fires(self) -> bool:
        return "firing" in {transition for _, transition in self.tells}

    def late_ms(self, alerts: dict[str, Json]) -> list[int]:
        """How long after each alert fired, or was resolved, it came."""
        return [self.at_ms - time_ms(alerts[name][TIMES[transition]]) for name, transition in self.tells]


def by_hook(receiver: HttpReceiver) -> list[Delivery]:
    """What came, each message with a signature that fits."""
    for request in receiver.received:
        Webhook(SECRET).verify(request.body, dict(request.headers))
    return [Delivery(request.at_ms, told_by(request)) for request in receiver.received]


def by_pager(receiver: HttpReceiver) -> list[Delivery]:
    """What came, each request as PagerDuty publishes that it has to be."""
    assert [violations(request.json, len(request.body)) for request in receiver.received if request.path == PATH] == [
        [] for _ in receiver.received
    ]
    return [
        Delivery(request.at_ms, [(request.json["dedup_key"], ACTIONS[request.json["event_action"]])])
        for request in receiver.received
    ]


def by_mail(receiver: SmtpReceiver, alerts: dict[str, Json]) -> list[Delivery]:
    """What came; a mail has a paragraph for each alert."""
    times = zip(receiver.times_ms, receiver.messages, strict=True)
    return [Delivery(at_ms, [told_in(part, alerts) for part in paragraphs(mail)]) for at_ms, mail in times]


def paragraphs(mail: EmailMessage) -> list[str]:
    text = mail.get_body(("plain",))
    assert text is not None
    return "\n".join(text.get_content().splitlines()).strip().split("\n\n")


def told_in(paragraph: str, alerts: dict[str, Json]) -> tuple[str, str]:
    (name,) = [name for name, alert in alerts.items() if f"user {alert['labels']['uid']} stopped" in paragraph]
    return name, "resolved" if paragraph.startswith("Resolved") else "firing"


def most_deliveries(alerts: dict[str, Json]) -> int:
    """How many messages may say that alerts of one channel fire: one, if they fired at one moment."""
    times = [time_ms(alert["firedAt"]) for alert in alerts.values()]
    return 1 if max(times) - min(times) <= TOGETHER_MS else len(alerts)
