"""Who is told what of an alert, and when: first, again, that somebody has it, and that it is over."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.domain.alerting.life import BEGUN, POLICIES, QUICK, SLOW, wrong
from webhook.domain.alerting.alerts import Condition, Key, Severity, fingerprint
from webhook.domain.alerting.dossier import Dossier, open_dossier
from webhook.domain.alerting.lifecycle import MOST_RESOLVED, Look, advance
from webhook.domain.alerting.matchers import parse_matcher
from webhook.domain.alerting.policies import HOUR, MINUTE, SECOND
from webhook.domain.alerting.silences import Silence
from webhook.domain.alerting.telling import TOGETHER_MS, Ack, Context, Decision, Route, Telling, decide

CHAT, PAGER = Route("chat"), Route("pager", (parse_matcher("severity=critical"),))
LABELS = {"product": "cloud_recording", "project": "school", "channel": "lobby", "session": "s1", "source": "default"}
FIRES = BEGUN + 2 * SECOND  # when what is found at BEGUN, and has no time to last, fires
REPEAT = 4 * HOUR
Line = tuple[int, str, str]  # ms since it fired, sink, transition


def silence(ends_ms: int | None, matcher: str = "rule=~.*", starts_ms: int = 0, **more: int) -> Silence:
    known = {"id": "s", "by": "ann", "reason": "works", "created_ms": 0}
    return Silence(matchers=(parse_matcher(matcher),), starts_ms=starts_ms, ends_ms=ends_ms, **known, **more)


class Story:
    """One session's alerts and all that is told of them. A look changes nothing when it is repeated."""

    def __init__(self, *routes: Route) -> None:
        self.routes = routes or (CHAT,)
        self.dossier: Dossier = Dossier(1, "s1", LABELS)
        self.silences: list[Silence] = []
        self.acks: dict[str, Ack] = {}
        self.told: list[Telling] = []
        self.next_ms: int | None = None

    def look(self, now_ms: int, *found: Condition, over: bool = False) -> list[Telling]:
        decision = self.decide(now_ms, found, over)
        self.dossier, self.next_ms = decision.dossier, decision.next_ms
        assert self.decide(now_ms, found, over).tellings == (), "the same is not told twice"
        self.told += decision.tellings
        return list(decision.tellings)

    def decide(self, now_ms: int, found: Iterable[Condition], over: bool) -> Decision:
        look = Look(policies=POLICIES, now_ms=now_ms, over=over, episodes=dict(self.dossier.episodes))
        seen = advance(self.dossier.alerts, found, look)
        context = Context(3, POLICIES, self.routes, self.silences, self.acks, now_ms, over)
        return decide(self.dossier, seen, context)

    def fire(self, *found: Condition) -> list[Telling]:
        """It is found, and fires two seconds later."""
        self.look(BEGUN, *found)
        return self.look(FIRES, *found)

    def live(self, until_ms: int, *found: Condition) -> None:
        """Looks whenever it has to."""
        while self.next_ms is not None and self.next_ms <= until_ms:
            self.look(self.next_ms, *found)

    def acknowledge(self, at_ms: int) -> None:
        self.acks = {each.alert_id: Ack("ann", at_ms) for each in self.told}

    @property
    def lines(self) -> list[Line]:
        return [(each.decided_ms - FIRES, each.sink, each.key.rpartition(":")[2]) for each in self.told]


def test_what_fires_is_told_to_each_sink_that_it_is_for() -> None:
    story = Story(CHAT, PAGER)
    assert story.look(BEGUN, wrong(QUICK)) == []
    assert [(each.sink, each.transition.value) for each in story.look(FIRES, wrong(QUICK))] == [
        ("chat", "firing"),
        ("pager", "firing"),
    ]
    warning = Story(CHAT, PAGER)
    warning.look(BEGUN, wrong(SLOW))
    assert [each.sink for each in warning.look(BEGUN + 10 * SECOND, wrong(SLOW))] == ["chat"]


def test_a_telling_says_all_there_is_to_say() -> None:
    (told,) = Story().fire(wrong(QUICK))
    assert (told.alert_id, told.key) == (f"3-{told.alert_id.split('-')[1]}-1", f"{told.alert_id}:firing")
    assert told.labels == {**LABELS, "rule": QUICK, "severity": "critical", "uid": "1", "track": ""}
    assert (told.summary, told.meaning, told.action) == ("it is wrong", "m", "a")
    assert (told.started_ms, told.fired_ms, told.decided_ms, told.resolved_ms) == (BEGUN, FIRES, FIRES, None)
    assert (told.group, told.due_ms) == ("school/lobby", FIRES + TOGETHER_MS)


def test_the_end_is_told_to_whoever_was_told_that_it_fires() -> None:
    story = Story(PAGER)
    story.fire(wrong(QUICK, severity=Severity.WARNING))
    assert story.look(FIRES + 1) == []
    told = Story(CHAT)
    told.fire(wrong(QUICK))
    (resolved,) = told.look(FIRES + MINUTE)
    assert (resolved.key, resolved.resolution) == (f"{resolved.alert_id}:resolved", "recovered")
    assert resolved.resolved_ms == FIRES + MINUTE


def test_what_was_pending_and_goes_away_is_told_to_nobody() -> None:
    story = Story()
    story.look(BEGUN, wrong(QUICK))
    assert story.look(BEGUN + SECOND) == []
    assert story.dossier.is_empty


def test_it_is_told_again_every_four_hours_while_it_fires() -> None:
    story = Story()
    story.fire(wrong(QUICK))
    story.live(FIRES + 9 * HOUR, wrong(QUICK))
    assert story.lines == [(0, "chat", "firing"), (REPEAT, "chat", "repeat-1"), (2 * REPEAT, "chat", "repeat-2")]


def test_what_somebody_has_is_not_told_again_until_they_give_it_back() -> None:
    story = Story()
    story.fire(wrong(QUICK))
    story.acknowledge(FIRES + HOUR)
    (told,) = story.look(FIRES + HOUR, wrong(QUICK))
    assert (told.transition.value, told.acknowledged) == ("acknowledged", Ack("ann", FIRES + HOUR))
    assert story.next_ms is None
    assert story.look(FIRES + 20 * HOUR, wrong(QUICK)) == []
    story.acks = {}
    assert story.look(FIRES + 21 * HOUR, wrong(QUICK)) == []
    assert story.next_ms == FIRES + 25 * HOUR
    story.acknowledge(FIRES + 22 * HOUR)
    (again,) = story.look(FIRES + 22 * HOUR, wrong(QUICK))
    assert again.key.endswith(":acknowledged-2")


def test_the_end_of_what_somebody_has_is_told() -> None:
    story = Story()
    story.fire(wrong(QUICK))
    story.acknowledge(FIRES)
    story.look(FIRES + 1, wrong(QUICK))
    assert [each.transition.value for each in story.look(FIRES + 2)] == ["resolved"]


def test_an_acknowledgement_ends_with_its_alert() -> None:
    story = Story()
    story.fire(wrong(QUICK))
    story.acknowledge(FIRES)
    story.look(FIRES + 1, wrong(QUICK))
    story.look(FIRES + 2)
    story.look(FIRES + HOUR, wrong(QUICK, FIRES + HOUR))
    (told,) = story.look(FIRES + HOUR + 2 * SECOND, wrong(QUICK, FIRES + HOUR))
    assert told.key.endswith("-2:firing")


def test_what_is_silenced_is_told_at_the_end_of_the_silence_if_it_still_fires() -> None:
    story = Story()
    story.silences = [silence(FIRES + HOUR)]
    assert story.fire(wrong(QUICK)) == []
    assert story.dossier.watched[0].told.muted
    story.live(FIRES + 2 * HOUR, wrong(QUICK))
    assert story.lines == [(HOUR, "chat", "firing")]


def test_what_ends_in_silence_is_told_to_nobody_who_did_not_know_of_it() -> None:
    story = Story()
    story.silences = [silence(FIRES + HOUR)]
    story.fire(wrong(QUICK))
    assert story.look(FIRES + MINUTE) == []


def test_what_is_known_is_not_told_again_at_the_end_of_a_silence() -> None:
    story = Story()
    story.fire(wrong(QUICK))
    story.silences = [silence(FIRES + 5 * HOUR, starts_ms=FIRES + HOUR)]
    story.live(FIRES + 9 * HOUR, wrong(QUICK))
    assert story.lines == [(0, "chat", "firing"), (2 * REPEAT, "chat", "repeat-1")]


def test_a_silence_that_nobody_looked_at_until_it_was_over_catches_up_with_nothing() -> None:
    story = Story()
    story.fire(wrong(QUICK))
    story.silences = [silence(FIRES + 5 * HOUR, starts_ms=FIRES)]
    story.look(FIRES + HOUR, wrong(QUICK))
    assert story.look(FIRES + 6 * HOUR, wrong(QUICK)) == []
    assert story.next_ms == FIRES + 10 * HOUR


def test_who_knows_of_it_hears_its_end_even_in_silence() -> None:
    story = Story()
    story.fire(wrong(QUICK))
    story.silences = [silence(FIRES + HOUR)]
    story.look(FIRES + 1, wrong(QUICK))
    assert [each.transition.value for each in story.look(FIRES + 2)] == ["resolved"]


def test_a_silence_for_other_alerts_keeps_nobody_quiet() -> None:
    story = Story()
    story.silences = [
        silence(FIRES + HOUR, "channel=another"),
        silence(FIRES, "channel=lobby"),
        silence(None, "rule=x"),
    ]
    assert len(story.fire(wrong(QUICK))) == 1


def test_a_silence_until_the_session_ends_covers_nothing_after_it() -> None:
    story = Story()
    story.silences = [silence(None)]
    assert story.fire(wrong(QUICK)) == []
    assert [each.transition.value for each in story.look(FIRES + 1, wrong(QUICK), over=True)] == ["firing"]


def test_a_muted_alert_is_looked_at_every_five_minutes_for_its_silence_may_be_ended() -> None:
    story = Story()
    story.silences = [silence(FIRES + HOUR)]
    story.fire(wrong(QUICK))
    assert story.next_ms == FIRES + 5 * MINUTE
    story.silences = [silence(FIRES + HOUR, expired_ms=FIRES + MINUTE)]
    assert len(story.look(FIRES + 5 * MINUTE, wrong(QUICK))) == 1


def test_what_somebody_has_already_is_not_told_when_its_silence_ends() -> None:
    story = Story()
    story.silences = [silence(FIRES + HOUR)]
    story.fire(wrong(QUICK))
    story.acks = {f"3-{fingerprint('school', 's1', Key(QUICK, '1'))}-1": Ack("ann", FIRES)}
    assert story.look(FIRES + MINUTE, wrong(QUICK)) == []
    assert story.look(FIRES + HOUR, wrong(QUICK)) == []


def test_it_grows_graver_and_whoever_is_there_for_that_is_told() -> None:
    story = Story(CHAT, PAGER)
    story.fire(wrong(QUICK, severity=Severity.WARNING))
    assert story.look(FIRES + MINUTE, wrong(QUICK)) == []
    known, new = story.look(FIRES + MINUTE + 2 * SECOND, wrong(QUICK))
    assert (known.sink, known.transition.value, known.first_severity) == ("chat", "rise", Severity.WARNING)
    assert (new.sink, new.transition.value, new.first_severity) == ("pager", "firing", Severity.CRITICAL)
    assert known.severity is Severity.CRITICAL
    ends = story.look(FIRES + 2 * MINUTE)
    assert {each.sink: each.first_severity.value for each in ends} == {"chat": "warning", "pager": "critical"}


INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


@pytest.mark.parametrize(
    ("course", "told"),
    [
        pytest.param([WARNING, CRITICAL, CRITICAL], ["firing", "rise-1"], id="once"),
        pytest.param([INFO, WARNING, CRITICAL], ["firing", "rise-1", "rise-2"], id="each rise"),
        pytest.param([CRITICAL, WARNING, INFO], ["firing"], id="no fall"),
        pytest.param([WARNING, CRITICAL, WARNING, CRITICAL], ["firing", "rise-1"], id="nothing that is known"),
        pytest.param([CRITICAL, WARNING, CRITICAL], ["firing"], id="nothing that was told first"),
    ],
)
def test_a_rise_is_told_and_a_fall_is_not(course: list[Severity], told: list[str]) -> None:
    story = Story()
    story.fire(wrong(QUICK, severity=course[0]))
    for minute, severity in enumerate(course):
        for settled_ms in (0, 2 * SECOND):
            story.look(FIRES + minute * MINUTE + settled_ms, wrong(QUICK, severity=severity))
    assert [line for *_, line in story.lines] == told


def test_what_rises_after_a_repeat_told_that_it_is_better_is_told() -> None:
    story = Story()
    story.fire(wrong(QUICK))
    story.live(FIRES + REPEAT, wrong(QUICK, severity=WARNING))
    story.look(FIRES + REPEAT + MINUTE, wrong(QUICK))
    story.live(FIRES + REPEAT + HOUR, wrong(QUICK))
    assert [line for *_, line in story.lines] == ["firing", "repeat-1", "rise-1"]


def test_a_repeat_that_tells_of_a_rise_is_enough() -> None:
    story = Story()
    story.fire(wrong(QUICK, severity=WARNING))
    story.look(FIRES + REPEAT - 2 * SECOND, wrong(QUICK))
    story.look(FIRES + REPEAT, wrong(QUICK))
    assert [line for *_, line in story.lines] == ["firing", "repeat-1"]


def test_a_rise_in_silence_is_told_when_that_ends_if_it_lasts() -> None:
    story = Story()
    story.fire(wrong(QUICK, severity=WARNING))
    story.silences = [silence(FIRES + HOUR)]
    assert story.look(FIRES + MINUTE, wrong(QUICK)) == []
    assert [each.transition.value for each in story.look(FIRES + HOUR, wrong(QUICK))] == ["rise"]


def test_who_has_it_keeps_it_when_it_rises_and_it_is_told_when_they_give_it_back() -> None:
    story = Story()
    story.fire(wrong(QUICK, severity=WARNING))
    story.acknowledge(FIRES + SECOND)
    assert [each.transition.value for each in story.look(FIRES + MINUTE, wrong(QUICK))] == ["acknowledged"]
    assert story.look(FIRES + MINUTE + 2 * SECOND, wrong(QUICK)) == []
    story.acks = {}
    assert [each.transition.value for each in story.look(FIRES + 2 * MINUTE, wrong(QUICK))] == ["rise"]


def test_a_sink_that_is_configured_no_more_is_told_nothing_more() -> None:
    story = Story(CHAT, Route("log"))
    story.fire(wrong(QUICK))
    story.routes = (CHAT,)
    assert [each.sink for each in story.look(FIRES + 1)] == ["chat"]


def test_flapping_is_said_once() -> None:
    story = Story()
    at_ms = BEGUN
    for _ in range(6):
        story.look(at_ms, wrong(QUICK, at_ms))
        story.look(at_ms + 2 * SECOND, wrong(QUICK, at_ms))
        story.look(at_ms + 10 * SECOND)
        at_ms += 20 * SECOND
    told = [each.transition.value for each in story.told]
    assert told == ["firing", "resolved", "firing", "flapping"]


def test_no_number_of_an_alert_is_used_twice_though_few_are_kept() -> None:
    story, at_ms = Story(), BEGUN
    for uid in range(MOST_RESOLVED + 1):
        condition = wrong(QUICK, at_ms, uid=str(uid))
        story.look(at_ms, condition)
        story.look(at_ms + 2 * SECOND, condition)
        story.look(at_ms + 3 * SECOND)
        at_ms += HOUR
    assert story.dossier.episodes == ((Key(QUICK, "0"), 1),)
    story.look(at_ms, wrong(QUICK, at_ms, uid="0"))
    (told,) = story.look(at_ms + 2 * SECOND, wrong(QUICK, at_ms, uid="0"))
    assert told.key.endswith("-2:firing")
    assert story.dossier.episodes == ()


@pytest.mark.parametrize(("labels", "group"), [({"channel": "a"}, "school/a"), ({"channel": ""}, "school/s1")])
def test_what_concerns_one_channel_goes_out_together(labels: dict[str, str], group: str) -> None:
    story = Story()
    story.dossier = Dossier(1, "s1", LABELS | labels)
    (told,) = story.fire(wrong(QUICK))
    assert told.group == group


def test_an_empty_dossier_is_of_no_labels_yet() -> None:
    assert open_dossier("s1").is_empty


def test_an_alert_of_which_nobody_kept_the_labels_ends_as_all_do() -> None:
    story = Story()
    story.fire(wrong(QUICK))
    story.dossier = Dossier(1, "s1", {}, story.dossier.watched)
    assert [each.transition.value for each in story.look(FIRES + MINUTE)] == ["resolved"]
