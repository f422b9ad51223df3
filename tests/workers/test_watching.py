"""Alerts on the real server: decided in the commit that changes the session, at their time, and for what is around."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from redis import Redis

from tests.domain.rtc.calls import joined as rtc_joined
from tests.domain.rtc.calls import left as rtc_left
from tests.store.build import AT_MS, audio, exited, heartbeat, left, registration, snapshot, started, uploaded, video
from tests.workers.alerting import Ward
from webhook.domain.alerting.alerts import AlertState, Resolution, Severity
from webhook.domain.alerting.dossier import SELF
from webhook.domain.alerting.guide import Guide
from webhook.domain.alerting.matchers import parse_matcher
from webhook.domain.alerting.policies import DEFAULTS, Policies, Policy
from webhook.domain.alerting.silences import Silence
from webhook.domain.alerting.telling import Ack, Route
from webhook.domain.errors import LeaseLost
from webhook.store import keys
from webhook.store.codec import encode_dossier
from webhook.store.keys import ShardKeys
from webhook.store.shard import Shard
from workers import watching
from workers.drain import drain_once
from workers.rebuild import rebuild

LOBBY = ShardKeys(0)
HOUR = 3600


@pytest.fixture
def ward(redis: Redis) -> Ward:
    return Ward(redis)


def at(second: float) -> int:
    return AT_MS + round(second * 1000)


def stop(ward: Ward, second: float = 5, sid: str = "s1", stream: str = "7") -> None:
    """A recording is live, and somebody's video stops; RTC says that they are there."""
    ward.hear(started(sid), video(0, sid, stream=stream), audio(0, sid, stream=stream))
    ward.hear(rtc_joined(0, 1, stream, channel="lobby"))
    ward.hear(video(1, sid, at(second), stream), at=second)


def test_a_stopped_video_is_told_of_after_ten_seconds_and_when_it_comes_back(ward: Ward) -> None:
    stop(ward)
    ward.wait_until(14)
    assert (ward.firing(), ward.lines()) == ([], [])
    ward.wait_until(60)
    assert ward.lines() == [(15, "chat", "video_stopped:firing")]
    assert ward.rig.session().alerts == (ward.tellings()[0].alert_id,)
    ward.hear(video(0, at_ms=at(60)))
    assert ward.lines()[1:] == [(60, "chat", "video_stopped:resolved")]
    assert ward.rig.session().alerts == ()
    assert ward.woken == ["chat", "chat"]


def test_a_session_whose_alerts_fire_grows_a_revision_with_them(ward: Ward) -> None:
    stop(ward)
    before = ward.rig.session().revision
    ward.wait_until(60)
    assert ward.rig.session().revision > before


def test_a_leave_of_their_own_accord_that_is_heard_later_takes_the_alert_away(ward: Ward) -> None:
    stop(ward)
    ward.hear(rtc_left(5, 2, "7", channel="lobby"), at=8)
    ward.wait_until(60)
    assert ward.tellings() == []


def test_the_cause_that_rtc_tells_is_in_the_words_whichever_is_heard_first(ward: Ward) -> None:
    stop(ward)
    ward.hear(rtc_left(5, 2, "7", channel="lobby", reason=2), at=8)
    ward.wait_until(60)
    assert ward.tellings()[0].summary == "video of user 7 stopped: timeout"
    assert ward.lines() == [(15, "chat", "video_stopped:firing")]


def test_what_rtc_tells_of_one_channel_changes_no_alert_of_another(ward: Ward) -> None:
    stop(ward)
    ward.hear(rtc_left(5, 2, "7", channel="elsewhere"), at=8)
    ward.wait_until(60)
    assert len(ward.tellings()) == 1


def test_the_next_recording_of_the_channel_makes_good_that_one_failed(ward: Ward) -> None:
    ward.hear(started(), exited(at_ms=at(5), status=1), at=5)
    ward.wait_until(60)
    assert ward.firing() == ["abnormal_exit"]
    ward.hear(started("s2", at(70)), at=70)
    assert ward.firing() == ["abnormal_exit"]
    ward.hear(video(0, "s2", at(71)), at=71)
    assert ward.firing() == []
    assert ward.alerts()[0].alert.resolution is Resolution.RECOVERED
    ward.hear(exited("s2", at(80)), uploaded("s2", at(80)), at=80)
    ward.wait_until(2 * HOUR)
    assert "abnormal_exit" not in ward.firing()


def test_a_recording_that_began_while_an_empty_one_was_on_its_way_out_makes_it_good(ward: Ward) -> None:
    ward.hear(started(), video(0), rtc_joined(0, 1, "7", channel="lobby"))
    ward.hear(left(at_ms=at(20), code=4), at=20)
    ward.hear(started("s2", at(23)), at=23)
    ward.hear(exited(at_ms=at(25), status=1), at=25)
    ward.wait_until(40)
    assert set(ward.firing()) == {"recorder_left_empty", "abnormal_exit"}
    ward.hear(video(0, "s2", at(41)), at=41)
    assert ward.firing() == []
    ended = [each.alert.resolution for each in ward.alerts() if not each.alert.is_open]
    assert ended == [Resolution.RECOVERED, Resolution.RECOVERED]


def test_a_failure_that_is_heard_after_the_next_recording_came_to_life_does_not_fire(ward: Ward) -> None:
    ward.hear(started(), started("s2", at(70)), video(0, "s2", at(71)), at=72)
    ward.hear(exited(at_ms=at(5), status=1), at=75)
    ward.wait_until(80)
    assert ward.firing() == []
    assert ward.tellings() == []


def test_a_session_that_is_forgotten_leaves_nobody_with_an_alert(redis: Redis) -> None:
    ward = Ward(redis, Route("chat"))
    ward.rig.limits = type(ward.rig.limits)(log_per_session=4096, retention_ms=HOUR * 1000)
    ward.hear(started(), exited(at_ms=at(5), status=1), uploaded(at_ms=at(5)), at=5)
    ward.wait_until(2 * HOUR)
    assert not ward.rig.has("s1")
    assert [line for _, _, line in ward.lines()] == ["abnormal_exit:firing", "abnormal_exit:resolved"]
    prefix = LOBBY.inbox.removesuffix("inbox")
    names = {key.decode().removeprefix(prefix) for key in redis.scan_iter(f"{prefix}*")}
    assert {
        name for name in names if not name.startswith(("minute", "waiting", "outbox", "attempts", "lease", "inbox"))
    } == {"counts"}


def test_while_deaf_silence_proves_nothing_and_what_was_heard_still_counts(ward: Ward) -> None:
    ward.hear(registration("s9", registered_ms=AT_MS))
    stop(ward)
    ward.rig.deafen(at(600))
    ward.rig.redis.set(keys.DEAF_UNTIL, at(110))
    ward.wait_until(100)
    assert ward.firing("s9") == []
    assert ward.firing() == ["video_stopped"]
    ward.wait_until(300)
    assert ward.firing("s9") == ["not_started"]


def test_an_alert_of_a_rule_that_another_release_had_expires_and_fails_nothing(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    stop(ward)
    ward.wait_until(20)
    known = {rule: policy for rule, policy in DEFAULTS.items() if rule != "video_stopped"}
    ward.rig.watch = replace(ward.rig.watch, guide=Guide(routes=(Route("chat"),), policies=known))
    ward.look("s1")
    assert [each.alert.resolution for each in ward.alerts()] == [Resolution.EXPIRED]
    assert ward.lines()[1:] == [(20, "chat", "video_stopped:resolved")]
    assert "the rules failed" not in caplog.text


def test_a_dossier_whose_labels_nobody_kept_is_closed_as_all_are(redis: Redis) -> None:
    ward = Ward(redis, Route("chat"))
    ward.rig.limits = type(ward.rig.limits)(log_per_session=4096, retention_ms=HOUR * 1000)
    ward.hear(started(), exited(at_ms=at(5), status=1), uploaded(at_ms=at(5)), at=5)
    ward.wait_until(60)
    dossier = ward.dossier()
    assert dossier is not None
    ward.rig.redis.set(LOBBY.dossier("s1"), encode_dossier(replace(dossier, labels={"channel": "lobby"})))
    ward.wait_until(2 * HOUR)
    assert not ward.rig.has("s1")
    assert "abnormal_exit:resolved" in [line for *_, line in ward.lines()]


def test_what_is_contradicted_by_what_waits_to_be_read_does_not_fire(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an hour in which nobody drained: a video stopped, and came back, and both wait in the inbox."""
    monkeypatch.setattr("webhook.store.shard.MOST_ENTRIES", 1)
    rig = ward.rig
    for body, second in ((started(), 0), (video(0), 1), (video(1, at_ms=at(10)), 10), (video(0, at_ms=at(60)), 60)):
        rig.put(body, at(second))
    rig.now_ms = at(HOUR)
    rig.attend()
    shard = rig.shard(0)
    for _ in range(3):
        drain_once(shard, rig.limits, rig.watch)
        rig.now_ms += 3000  # a batch that takes long
    assert [each.alert.state for each in ward.alerts()] == [AlertState.PENDING]
    drain_once(shard, rig.limits, rig.watch)
    ward.wait_until(2 * HOUR)
    assert "video_stopped:firing" not in [line for *_, line in ward.lines()]


def test_rules_that_fail_condemn_no_notification_and_are_asked_again_in_a_minute(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop(ward)
    with monkeypatch.context() as patch:
        patch.setattr(watching, "evaluate", lambda subject: 1 / 0)
        ward.wait_until(30)
        ward.hear(snapshot(1, at_ms=at(30)), at=30)
        assert ward.rig.outcomes().keys() == {"applied"}
        assert [each.alert.state for each in ward.alerts()] == [AlertState.PENDING]
    ward.wait_until(95)
    assert ward.firing() == ["video_stopped"]


def test_alerts_that_a_later_release_wrote_are_left_as_they_are(ward: Ward) -> None:
    stop(ward)
    ward.rig.redis.set(LOBBY.dossier("s1"), b'[99,"from the future"]')
    shard = ward.rig.shard(0)
    ward.rig.now_ms = at(60)
    drain_once(shard, ward.rig.limits, ward.rig.watch)
    assert ward.rig.redis.get(LOBBY.dossier("s1")) == b'[99,"from the future"]'


def silence(ward: Ward, ends: float, **more: Any) -> None:
    known = {"id": "quiet", "by": "ann", "reason": "works", "created_ms": 0, "starts_ms": 0, "ends_ms": at(ends)}
    quiet = Silence(matchers=(parse_matcher("channel=lobby"),), **known | more)
    ward.rig.redis.hset(keys.SILENCES, "quiet", msgspec.json.encode(quiet))


def test_a_silence_keeps_an_alert_quiet_until_its_end(ward: Ward) -> None:
    silence(ward, 90)
    stop(ward)
    ward.wait_until(60)
    assert (ward.firing(), ward.tellings()) == (["video_stopped"], [])
    ward.wait_until(100)
    assert ward.lines() == [(90, "chat", "video_stopped:firing")]


def test_whoever_ends_a_silence_has_the_alerts_looked_at_at_once(ward: Ward) -> None:
    silence(ward, HOUR)
    stop(ward)
    ward.wait_until(60)
    silence(ward, HOUR, expired_ms=at(60))
    ward.look("s1", "nobody")
    assert ward.lines() == [(60, "chat", "video_stopped:firing")]


def test_an_acknowledgement_is_told_and_ends_repeats(ward: Ward) -> None:
    stop(ward)
    ward.wait_until(60)
    (told,) = ward.tellings()
    ward.rig.redis.hset(LOBBY.acks, told.alert_id, msgspec.json.encode(Ack("ann", at(61))))
    ward.look("s1")
    assert ward.lines()[1:] == [(60, "chat", "video_stopped:acknowledged-1")]
    ward.hear(video(1, at_ms=at(5), notice_id="again"), at=5 * HOUR)
    ward.wait_until(9 * HOUR)
    assert "video_stopped:repeat-1" not in [line for *_, line in ward.lines()]


def test_rules_differ_by_source_and_labels_of_the_source_lead_to_sinks(redis: Redis) -> None:
    quick: Policies = {**DEFAULTS, "video_stopped": Policy(severity=Severity.CRITICAL, for_ms=3000)}
    exams = Route("exams", (parse_matcher("tier=exam"), parse_matcher("severity=critical")))
    ward = Ward(redis, Route("chat"), exams, by_source={"default": quick}, labels={"default": {"tier": "exam"}})
    stop(ward)
    ward.wait_until(30)
    assert ward.lines() == [(8, "chat", "video_stopped:firing"), (8, "exams", "video_stopped:firing")]
    assert ward.tellings()[0].labels["tier"] == "exam"


def test_sessions_with_alerts_are_listed_as_such(ward: Ward) -> None:
    stop(ward)
    ward.hear(started("s2"))
    ward.wait_until(60)
    found = ward.rig.redis.zrange(LOBBY.index("alerting"), 0, -1)
    assert found == [b"s1"]


def test_a_writer_that_lost_its_lease_tells_nobody(ward: Ward) -> None:
    stop(ward)
    late = ward.rig.shard(0, "late")
    ward.rig.now_ms = at(60)
    ward.rig.shard(0, "next")
    with pytest.raises(LeaseLost):
        drain_once(late, ward.rig.limits, ward.rig.watch)
    assert (ward.tellings(), ward.woken, ward.firing()) == ([], [], [])


def test_a_session_that_is_rebuilt_keeps_its_alerts_and_when_to_look_at_them(ward: Ward) -> None:
    stop(ward)
    shard = Shard(ward.rig.redis, 0, "rebuilding")
    assert rebuild(shard, "s1", ward.rig.limits, save=True).why_not is None
    ward.wait_until(60)
    assert ward.lines() == [(15, "chat", "video_stopped:firing")]


def test_a_thousand_looks_at_what_does_not_change_tell_nothing(ward: Ward) -> None:
    stop(ward)
    ward.wait_until(60)
    for _ in range(20):
        ward.look("s1")
    assert len(ward.tellings()) == 1
    assert SELF not in ward.alerts()


def test_an_empty_channel_that_rtc_knows_to_be_full_is_told_of(ward: Ward) -> None:
    ward.hear(started(), video(0), rtc_joined(0, 1, "7", channel="lobby"))
    ward.hear(left(at_ms=at(20), code=4), at=20)
    ward.wait_until(30)
    assert "recorder_left_empty" in ward.firing()


def test_a_heartbeat_that_stops_is_told_of_at_the_deadline(ward: Ward) -> None:
    ward.hear(heartbeat())
    ward.wait_until(400)
    assert (182, "chat", "session_silent:firing") in ward.lines()
