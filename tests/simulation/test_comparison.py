import json
from random import Random
from typing import Any

import pytest

from webhook.simulation.comparison import compare, compare_timeline
from webhook.simulation.scenario import cast
from webhook.simulation.script import write
from webhook.simulation.truth import ChannelTruth, EntityTruth, RecordingTruth, Truth

Session = dict[str, Any]


def truths(scenario: str, count: int = 40) -> list[Truth]:
    return [write(actor, 1_764_000_000_000).truth for actor in cast(scenario, count, Random(11))]


TRUTH = next(it for it in truths("screenshots") if isinstance(it, RecordingTruth))
UID = next(iter(TRUTH.streams))
RECORDER = next(iter(TRUTH.highest))
TROUBLED = next(it for it in truths("upload-trouble") if isinstance(it, RecordingTruth) and it.warnings and it.errors)
LOSSY = next(it for it in truths("individual") if isinstance(it, RecordingTruth) and it.losses)
LOST = "notRecorded (uid, from and until in ms, track)"
AT = "1970-01-01T00:00:07.000Z"
MOVED = next(
    it
    for it in truths("failover")
    if isinstance(it, RecordingTruth) and next(iter(it.streams.values())).interval_ms and it.recorders[1].reasons
)
FIRST = MOVED.recorders[0]
SHOT = next(iter(MOVED.streams))
CALL = next(
    it
    for it in truths("rtc-reconnects")
    if isinstance(it, ChannelTruth) and it.present and it.seconds and it.reconnects
)
USER = CALL.present[0]
PLACE = sorted(CALL.users).index(USER)
PUSH = next(it for it in truths("push") if isinstance(it, EntityTruth) and it.reason)
REFUSED = next(it for it in truths("gateway") if isinstance(it, EntityTruth) and it.errors)


@pytest.mark.parametrize("truth", [TRUTH, TROUBLED, LOSSY, MOVED, CALL, PUSH, REFUSED], ids=lambda truth: truth.product)
def test_a_session_that_says_the_truth_has_no_differences(say: Any, truth: Truth) -> None:
    assert compare(say(truth), truth) == []


def change(session: Session, path: str, value: Any) -> Session:
    *parents, last = path.split("/")
    place: Any = session
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    place[last] = value
    return session


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("state", "live", 'state is "live", truth is "ended"'),
        ("channel", None, f'channel is null, truth is "{TRUTH.channel}"'),
        ("failovers", 7, f"failovers is 7, truth is {TRUTH.failovers}"),
        ("upload/state", "uploading", 'upload.state is "uploading", truth is "uploaded"'),
        ("exit", None, 'exit.status is null, truth is "normal"'),
        ("exit/status", "abnormal", 'exit.status is "abnormal", truth is "normal"'),
        ("streams/0/video", "?", f'streams[{UID}].video is "?", truth is "{TRUTH.streams[UID].video}"'),
        ("streams/0/audio", "?", f'streams[{UID}].audio is "?", truth is "{TRUTH.streams[UID].audio}"'),
        (
            "streams/0/snapshots/count",
            0,
            f"streams[{UID}].snapshots.count is 0, truth is {TRUTH.streams[UID].snapshots}",
        ),
        (
            "streams/0/snapshots/lastFile",
            "x",
            f'streams[{UID}].snapshots.lastFile is "x", truth is "{TRUTH.streams[UID].last_file}"',
        ),
        (
            "streams/0/snapshots/lastAt",
            "1970-01-01T00:00:00.001Z",
            f"streams[{UID}].snapshots.lastAt (ms) is 1, truth is {TRUTH.streams[UID].last_at_ms}",
        ),
        (
            f"sequence/{RECORDER}/highest",
            0,
            f"sequence[{RECORDER}].highest is 0, truth is {TRUTH.highest[RECORDER]}",
        ),
        (f"sequence/{RECORDER}/missing", [[5, 6]], f"sequence[{RECORDER}].missing is [[5, 6]], truth is []"),
        (
            "notifications/duplicates",
            1,
            f"notifications.received without duplicates is {TRUTH.distinct - 1}, truth is {TRUTH.distinct}",
        ),
    ],
)
def test_each_difference_is_named_in_words(say: Any, path: str, value: Any, words: str) -> None:
    assert compare(change(say(TRUTH), path, value), TRUTH) == [words]


def test_a_missing_and_an_invented_stream_are_named(say: Any) -> None:
    session = say(TRUTH)
    session["streams"][0]["uid"] = "0"
    [words] = [each for each in compare(session, TRUTH) if each.startswith("the uids")]
    assert words.startswith('the uids of streams is ["0"')


def test_a_recorder_nobody_heard_is_named(say: Any) -> None:
    session = say(TRUTH)
    del session["sequence"][RECORDER]
    assert compare(session, TRUTH) == [f"sequence[{RECORDER}].highest is null, truth is {TRUTH.highest[RECORDER]}"]


@pytest.mark.parametrize(
    ("truth", "path", "value", "words"),
    [
        (PUSH, "product", "media_pull", 'product is "media_pull", truth is "media_push"'),
        (PUSH, "exit/reason", "no idea", f'exit.reason is "no idea", truth is "{PUSH.reason}"'),
        (PUSH, "exit", None, f'exit.status is null, truth is "{PUSH.exit_status}"'),
        (REFUSED, "errors", [], f"the codes of errors is [], truth is {[*REFUSED.errors]}"),
        (REFUSED, "state", "live", 'state is "live", truth is "failed"'),
        (TROUBLED, "errors/0/code", 7, f"the codes of errors is [7, 47], truth is {[*TROUBLED.errors]}"),
        (TROUBLED, "warnings", [], f"the codes of warnings is [], truth is {[*TROUBLED.warnings]}"),
        (LOSSY, "notRecorded", [], f"{LOST} is [], truth is {json.dumps([[*loss] for loss in LOSSY.losses])}"),
        (LOSSY, "notRecorded/0/track", None, f"{LOST} is {json.dumps([[*LOSSY.losses[0][:3], None]])}, truth is "),
        (LOSSY, "upload/progress", 0.5, "upload.progress is 0.5, truth is 1.0"),
        (LOSSY, "upload/filesCount", 0, f"upload.filesCount is 0, truth is {LOSSY.files}"),
        (LOSSY, "upload/files", [], f"upload.files in number is 0, truth is {LOSSY.files}"),
        (MOVED, "recorders", [], "the uids of recorders in turn is [], truth is "),
        (MOVED, "recorders/0/uid", "0", "the uids of recorders in turn is "),
        (MOVED, "recorders/0/from", AT, f"recorders[{FIRST.uid}].from (ms) is 7000, truth is {FIRST.from_ms}"),
        (MOVED, "recorders/0/until", None, f"recorders[{FIRST.uid}].until (ms) is null, truth is {FIRST.until_ms}"),
        (MOVED, "recorders/1/leaveReasons", ["init_failed"], f"recorders[{MOVED.recorders[1].uid}].leaveReasons is "),
        (MOVED, "streams/0/snapshots/interval", 1.0, f"streams[{SHOT}].snapshots.interval (ms) is 1000, truth is "),
        (CALL, "detail/reconnects", 0, f"reconnects is 0, truth is {CALL.reconnects}"),
        (CALL, "detail/lives/1/until", "now", "whether the newest life is open is false, truth is true"),
        (CALL, f"detail/users/{PLACE}/role", "?", f'users[{USER}].role is "?", truth is "{CALL.users[USER].role}"'),
        (CALL, f"detail/users/{PLACE}/account", 7, f"users[{USER}].account is 7, truth is "),
        (CALL, f"detail/users/{PLACE}/service", 7, f"users[{USER}].service is 7, truth is "),
        (CALL, f"detail/users/{PLACE}/leftAt", "1970-01-01T00:00:07Z", f"users[{USER}].leftAt (s) is 7, truth is null"),
        (CALL, f"detail/users/{PLACE}/minutes", 999.5, f"users[{USER}].minutes (s) is 59970, truth is "),
        (CALL, f"detail/users/{PLACE}/uid", "0", 'the uids listed that never were there is ["0"], truth is []'),
        (CALL, f"detail/users/{PLACE}/present", False, "the uids present is "),
        (CALL, "detail/minutes/audience", 999.5, "minutes of audience (s) is 59970, truth is "),
    ],
)
def test_each_difference_of_the_other_sessions_is_named(
    say: Any, truth: Truth, path: str, value: Any, words: str
) -> None:
    named = compare(change(say(truth), path, value), truth)
    assert any(each.startswith(words) for each in named), named


@pytest.mark.parametrize("truth", [TRUTH, MOVED, LOSSY, CALL, PUSH], ids=lambda truth: truth.product)
def test_a_timeline_that_says_the_truth_has_no_differences_and_an_empty_one_has(draw: Any, truth: Truth) -> None:
    assert compare_timeline(draw(truth), truth) == []
    assert "whether the timeline has lanes is false, truth is true" in compare_timeline({"lanes": []}, truth)


def lane(timeline: Session, kind: str, uid: str) -> Session:
    return next(lane for lane in timeline["lanes"] if (lane["kind"], lane["uid"]) == (kind, uid))


def test_lanes_that_differ_are_named(draw: Any) -> None:
    said = draw(TRUTH)
    video = lane(said, "video", UID)
    video["intervals"][0]["state"] = "stopped"
    video["intervals"][-1]["until"] = None
    lane(said, "recorder", RECORDER)["intervals"].clear()
    named = compare_timeline(said, TRUTH)
    assert [each.partition(" is ")[0] for each in named] == [
        f"the lane of recorder {RECORDER} begins at (ms)",
        f"the video lane of {UID} (from in ms, state)",
        f"whether the video lane of {UID} has an end",
    ]


def test_an_interval_that_ends_before_the_next_begins_is_named(draw: Any) -> None:
    said = draw(TRUTH)
    lane(said, "video", UID)["intervals"][0]["until"] = AT
    (named,) = compare_timeline(said, TRUTH)
    assert named.startswith(f"the video lane of {UID} holds until (ms) is [7000")


def test_a_user_without_a_lane_is_named(draw: Any) -> None:
    said = draw(CALL)
    said["lanes"] = [each for each in said["lanes"] if each["uid"] != USER]
    assert compare_timeline(said, CALL) == [f'users without a lane is ["{USER}"], truth is []']


def test_who_left_and_is_not_listed_any_more_is_no_difference(say: Any) -> None:
    session = say(CALL)
    session["detail"]["users"] = [user for user in session["detail"]["users"] if user["present"]]
    assert compare(session, CALL) == []


def test_a_reason_that_the_wire_does_not_word_is_not_compared(say: Any) -> None:
    assert compare(change(say(REFUSED), "exit/reason", "no data for 10 s"), REFUSED) == []
