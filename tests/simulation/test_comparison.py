from random import Random
from typing import Any

import pytest

from webhook.simulation.comparison import compare
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
CALL = next(it for it in truths("rtc-reconnects") if isinstance(it, ChannelTruth) and it.present and it.seconds)
USER = CALL.present[0]
PLACE = sorted(CALL.users).index(USER)
PUSH = next(it for it in truths("push") if isinstance(it, EntityTruth) and it.reason)
REFUSED = next(it for it in truths("gateway") if isinstance(it, EntityTruth) and it.errors)


@pytest.mark.parametrize("truth", [TRUTH, TROUBLED, LOSSY, CALL, PUSH, REFUSED], ids=lambda truth: truth.product)
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
        (
            LOSSY,
            "notRecorded",
            [],
            f"notRecorded (uid, from and until in ms) is [], truth is {[[*loss] for loss in LOSSY.losses]}".replace(
                "'", '"'
            ),
        ),
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


def test_who_left_and_is_not_listed_any_more_is_no_difference(say: Any) -> None:
    session = say(CALL)
    session["detail"]["users"] = [user for user in session["detail"]["users"] if user["present"]]
    assert compare(session, CALL) == []


def test_a_reason_that_the_wire_does_not_word_is_not_compared(say: Any) -> None:
    assert compare(change(say(REFUSED), "exit/reason", "no data for 10 s"), REFUSED) == []
