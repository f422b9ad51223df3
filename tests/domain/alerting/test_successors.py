"""The next session of a channel makes good that one ended badly: which does, of what, and when that alert goes away."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import pytest
from msgspec.structs import replace

from tests.build import (
    AT_MS,
    CHANNEL,
    SID,
    Kept,
    exited,
    failed_over,
    left,
    notification,
    reading,
    started,
    video,
)
from tests.domain.alerting.watched import FIRED, RTC, Line, Step, Watch, joined, ms, registered, told
from tests.domain.entity import lives
from webhook.domain.alerting.alerts import Clear, Key
from webhook.domain.alerting.rules import evaluate
from webhook.domain.alerting.subject import Subject, Surroundings, ended_badly_ms, subject_of, succeeds
from webhook.domain.session import Session
from webhook.domain.transitions import register

NEXT = "a" * 32
LIVE = [told(0, started), told(0, video, 0)]
NO_USERS, LEFT_CHANNEL = 4, 16
EXIT, EMPTY = "abnormal_exit", "recorder_left_empty"


class Succeeded(Watch):
    """A session whose channel had its next one begin at `second`, which is known from then on."""

    second = 0.0

    def subject(self) -> Subject:
        known = self.now_ms >= ms(self.second)
        return replace(super().subject(), successor_ms=ms(self.second) if known else None)


def succeeded(of: str, heard: Iterable[Step], second: float) -> list[Line]:
    """What became of the alert of one rule."""
    watched = Succeeded()
    watched.second = second
    for at, said in groupby(sorted(heard, key=lambda step: step[0]), key=lambda step: step[0]):
        watched.hear(ms(at), *(each for _, each in said))
    for at_ms in (ms(second) - 1, ms(second), ms(1000)):
        watched.wait(at_ms)
        watched.look(at_ms)
    return [line for line in watched.lines if line[2].split()[0] == of]


@pytest.mark.parametrize(
    ("rule", "heard"),
    [
        pytest.param(EXIT, [told(100, exited, 1)], id="11"),
        pytest.param(EXIT, [told(100, left, 0)], id="41: could not start"),
        pytest.param(EXIT, [told(100, notification, 71, {"code": 4})], id="71"),
        pytest.param(EMPTY, [joined(0), told(100, left, NO_USERS)], id="41: no users"),
    ],
)
def test_an_alert_of_a_bad_end_is_over_when_the_next_session_begins(rule: str, heard: list[Step]) -> None:
    assert succeeded(rule, [*LIVE, *heard], 500) == [(102, FIRED, rule), (500, "recovered", rule)]
    assert succeeded(rule, [*LIVE, *heard], 101.999) == []
    assert succeeded(rule, [*LIVE, *heard], 2000)[:1] == [(102, FIRED, rule)]


@pytest.mark.parametrize(("rule", "fired"), [(EMPTY, 102), (EXIT, 112)])
def test_a_session_that_began_while_an_empty_one_was_on_its_way_out_makes_both_good(rule: str, fired: int) -> None:
    heard = [*LIVE, joined(0), told(100, left, NO_USERS), told(110, exited, 1)]
    watched = Succeeded()
    watched.second = 500
    for at, said in heard:
        watched.wait(ms(at) - 1)
        watched.hear(ms(at), said)
    watched.wait(ms(300))
    watched.second = 105  # as is heard late
    watched.look(ms(301))
    assert [line for line in watched.lines if line[2] == rule] == [(fired, FIRED, rule), (301, "recovered", rule)]


@pytest.mark.parametrize(("rule", "leaving"), [(EXIT, 0), (EMPTY, NO_USERS)])
def test_what_is_well_is_well_since_the_next_session_began(rule: str, leaving: int) -> None:
    session = heard_of(told(0, started), told(100, left, leaving))
    around = Surroundings(successor_ms=ms(300))
    assert Clear(Key(rule), ms(300)) in evaluate(subject_of(session, around, ms(400)))


def test_the_next_session_says_nothing_of_one_that_ended_well() -> None:
    session = heard_of(told(0, started), told(100, exited))
    found = evaluate(subject_of(session, Surroundings(successor_ms=ms(300)), ms(400)))
    assert not {EXIT, EMPTY} & {each.key.rule for each in found}


def heard_of(*steps: Step, sid: str = SID, project: str = "default") -> Session:
    """The session of which this was heard."""
    kept = Kept()
    kept.take([reading(said, ms(second), project=project) for second, said in steps])
    return kept.session(sid)


@pytest.mark.parametrize(
    ("heard", "second"),
    [
        pytest.param([], None, id="live"),
        pytest.param([told(100, exited)], None, id="11"),
        pytest.param([told(100, exited, 1)], 100, id="11, abnormal"),
        pytest.param([told(100, notification, 3, {"status": 20})], 100, id="3"),
        pytest.param([told(100, left, LEFT_CHANNEL)], None, id="41: was asked to"),
        pytest.param([told(100, left, 0)], 100, id="41: could not start"),
        pytest.param([told(100, left, NO_USERS)], 100, id="41: no users"),
        pytest.param([told(100, left, NO_USERS | LEFT_CHANNEL)], 100, id="41: no users, among other reasons"),
        pytest.param([told(100, left, NO_USERS), told(110, exited)], 100, id="41: no users, and 11"),
        pytest.param([told(100, left, NO_USERS), told(110, exited, 1)], 100, id="41: no users, and 11, abnormal"),
        pytest.param(
            [told(100, left, LEFT_CHANNEL), told(110, exited, 1)], 110, id="41: was asked to, and 11, abnormal"
        ),
        pytest.param([told(50, failed_over), told(100, left, NO_USERS)], None, id="41 of one that another follows"),
    ],
)
def test_since_when_a_recording_is_over_badly(heard: list[Step], second: float | None) -> None:
    assert ended_badly_ms(heard_of(*LIVE, *heard)) == (None if second is None else ms(second))


def test_since_when_sessions_of_other_kinds_are_over_badly() -> None:
    assert ended_badly_ms(register(None, registered())) is None
    assert ended_badly_ms(heard_of(joined(0), sid=RTC)) is None
    for reason, at_ms in (("Internal Error", AT_MS), ("Delete Request", None)):
        assert ended_badly_ms(player(reason)) == at_ms


def player(reason: str) -> Session:
    about = {"id": lives.ID, "channelName": lives.CHANNEL, "status": "running", "createTs": AT_MS // 1000}
    said = lives.notification(lives.PULL, 3, {"player": about, "lts": AT_MS, "destroyReason": reason})
    kept = Kept()
    kept.take([reading(said, AT_MS)])
    return kept.session(lives.ID)


def other(second: float, *, sid: str = NEXT, channel: str = CHANNEL) -> list[Step]:
    """A session in which somebody is seen from that second on."""
    return [told(second, started, sid=sid, channel=channel), told(second, video, 0, sid=sid, channel=channel)]


EARLIER = heard_of(*LIVE, told(100, exited, 1))


@pytest.mark.parametrize(("second", "expected"), [(99, False), (100, False), (100.001, True), (5000, True)])
def test_only_a_session_that_began_later_succeeds_another(second: float, expected: bool) -> None:
    assert succeeds(heard_of(*other(second), sid=NEXT), EARLIER, ms(100)) is expected


@pytest.mark.parametrize(
    ("steps", "sid", "project", "expected"),
    [
        pytest.param(other(150), NEXT, "default", True, id="the next one"),
        pytest.param([*other(150), told(160, exited, sid=NEXT)], NEXT, "default", True, id="which is over by now"),
        pytest.param([*other(150), told(160, left, NO_USERS, sid=NEXT)], NEXT, "default", True, id="which is empty"),
        pytest.param(other(150, sid=SID), SID, "default", False, id="itself"),
        pytest.param(other(150, channel="else"), NEXT, "default", False, id="one of another channel"),
        pytest.param(other(150), NEXT, "else", False, id="one of another project"),
        pytest.param([joined(150)], RTC, "default", False, id="the channel itself"),
        pytest.param(other(150)[:1], NEXT, "default", False, id="one that only starts"),
    ],
)
def test_a_session_of_the_same_kind_and_place_that_came_to_life_succeeds_another(
    steps: list[Step], sid: str, project: str, expected: bool
) -> None:
    assert succeeds(heard_of(*steps, sid=sid, project=project), EARLIER, ms(100)) is expected


def test_a_session_that_is_only_registered_succeeds_none() -> None:
    assert not succeeds(register(None, replace(registered(150), sid=NEXT)), EARLIER, ms(100))
