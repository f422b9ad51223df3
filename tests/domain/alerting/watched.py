"""Sessions watched over time: what is heard at a second, and what fires and goes away at which. No clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from tests.build import AT_MS, CHANNEL, SID, Kept, Notification, reading
from tests.domain.rtc import calls
from webhook.domain.alerting.alerts import Alert, Finding
from webhook.domain.alerting.lifecycle import Look, advance
from webhook.domain.alerting.policies import DEFAULTS, Policies
from webhook.domain.alerting.rules import evaluate
from webhook.domain.alerting.subject import Subject, Surroundings, subject_of
from webhook.domain.channels import channel_id
from webhook.domain.deadlines import silence_deadline_ms
from webhook.domain.registration import Registration
from webhook.domain.rtc.presence import present
from webhook.domain.rtc.state import Channel
from webhook.domain.start_request import Expectation
from webhook.domain.transitions import register

Step = tuple[float, Notification]  # the second when it was received, what was
Line = tuple[float, str, str]  # second, what became of an alert, which: its rule, and its uid where it has one
RTC = channel_id("default", CHANNEL)
FIRED, FLAPPING = "fired", "flapping"


def ms(second: float) -> int:
    """An instant by its seconds since the beginning of tests."""
    return AT_MS + round(second * 1000)


def told(second: float, build: Callable[..., Notification], *said: Any, late: float = 0, **envelope: Any) -> Step:
    """What happened at that second, received `late` seconds after."""
    name = f"{build.__name__}:{said}:{second}:{envelope}"
    return second + late, build(*said, at_ms=ms(second), notice_id=name, **envelope)


def rtc(second: int, build: Callable[..., Notification], *said: Any, late: float = 0, **payload: Any) -> Step:
    """The same of RTC."""
    return second + late, build(second, *said, channel=CHANNEL, **payload)


def joined(second: int, uid: str = "123", seq: int = 1, late: float = 0, **payload: Any) -> Step:
    """A user joined the channel."""
    return rtc(second, calls.joined, seq, uid, late=late, **payload)


def quits(second: int, reason: int, uid: str = "123", seq: int = 2, late: float = 0) -> Step:
    """A user left the channel for a reason."""
    return rtc(second, calls.left, seq, uid, reason=reason, late=late)


def registered(second: float = 0, expected_end: float | None = None, **expectation: Any) -> Registration:
    """The registration of the session of tests."""
    end_ms = None if expected_end is None else ms(expected_end)
    return Registration(ms(second), SID, "r", "individual", "default", CHANNEL, end_ms, Expectation(**expectation))


class Watch:
    """Looks at one session, and keeps what became of its alerts."""

    def __init__(self, about: str = SID, policies: Policies = DEFAULTS, known: Registration | None = None) -> None:
        self.about, self.policies, self.now_ms = about, policies, ms(0)
        self.kept = Kept()
        self.alerts: tuple[Alert, ...] = ()
        self.lines: list[Line] = []
        self._next_ms: int | None = None
        if known is not None:
            self.kept.sessions[SID] = register(None, known)
            self.look(ms(0))

    def hear(self, now_ms: int, *said: Notification) -> None:
        """Folds what is received together, and looks."""
        self.kept.take([reading(each, now_ms) for each in said], now_ms=now_ms)
        self.look(now_ms)

    def wait(self, until_ms: int) -> None:
        """Looks whenever it has to, up to `until_ms`, and shows that a ms before that nothing changes."""
        while (next_ms := self.next_ms()) is not None and next_ms <= until_ms:
            before = self.alerts
            if next_ms - 1 > self.now_ms:
                self.look(next_ms - 1)
                assert self.alerts == before
            self.look(next_ms)

    def next_ms(self) -> int | None:
        """When to look again: for the alerts, or because the session falls silent."""
        session = self.kept.sessions.get(self.about)
        silent_ms = silence_deadline_ms(session) if session else None
        return min((at_ms for at_ms in (self._next_ms, silent_ms) if at_ms and at_ms > self.now_ms), default=None)

    def look(self, now_ms: int) -> None:
        """One look, and a second one that changes nothing."""
        self.now_ms = now_ms
        self.kept.take([], now_ms=now_ms, due=list(self.kept.sessions))
        if self.about not in self.kept.sessions:
            return
        found, over = self.found(), self.subject().is_ending
        how = Look(policies=self.policies, now_ms=now_ms, over=over)
        seen = advance(self.alerts, found, how)
        again = advance(iter(seen.alerts), iter(found), how)
        assert (again.alerts, again.next_ms) == (seen.alerts, seen.next_ms)
        assert again.fired == again.resolved == again.flapping == ()
        self.alerts, self._next_ms = seen.alerts, seen.next_ms
        second = (now_ms - AT_MS) / 1000
        self.lines += [(second, str(alert.resolution), _name(alert)) for alert in seen.resolved]
        self.lines += [(second, FIRED, _name(alert)) for alert in seen.fired]
        self.lines += [(second, FLAPPING, _name(alert)) for alert in seen.flapping]

    def subject(self) -> Subject:
        """The session as rules see it now."""
        channel = self.kept.sessions.get(RTC)
        state = channel.state if channel else None
        assert state is None or isinstance(state, Channel)
        around = Surroundings(state, present(state) if state else frozenset())
        return subject_of(self.kept.sessions[self.about], around, self.now_ms, self.policies)

    def found(self) -> list[Finding]:
        """What rules find now."""
        return evaluate(self.subject())

    def open(self) -> list[Alert]:
        """The alerts that are open."""
        return [alert for alert in self.alerts if alert.is_open]


def watch(steps: Iterable[Step], until: float, **how: Any) -> Watch:
    """The session after all that was heard, at the second `until`."""
    watched = Watch(**how)
    for second, heard in groupby(sorted(steps, key=lambda step: step[0]), key=lambda step: step[0]):
        watched.wait(ms(second) - 1)
        watched.hear(ms(second), *(said for _, said in heard))
    watched.wait(ms(until))
    watched.look(ms(until))
    return watched


def story(of: str, steps: Iterable[Step], until: float, **how: Any) -> list[Line]:
    """What became of the alerts of one rule up to a second."""
    return [line for line in watch(steps, until, **how).lines if line[2].split()[0] == of]


def alert(of: str, steps: Iterable[Step], until: float, **how: Any) -> Alert:
    """The one open alert of a rule, which says what it means and what to do."""
    (found,) = [each for each in watch(steps, until, **how).open() if each.key.rule == of]
    assert found.summary
    assert found.meaning
    assert found.action
    return found


def _name(alert: Alert) -> str:
    return f"{alert.key.rule} {alert.key.uid}".strip()
