import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from tests.simulation.conftest import draw
from webhook.simulation.agora import Report
from webhook.simulation.plan import Posting
from webhook.simulation.scenario import cast
from webhook.simulation.script import write
from webhook.simulation.truth import Script
from webhook.simulation.verdict import Expectation, Patience, Reader, expectations, judge, unacknowledged

SCRIPTS = [write(actor, 1_764_000_000_000) for actor in cast("screenshots", 5, Random(11))]
TRUTH = SCRIPTS[0].truth
SID = TRUTH.sid
EXPECTED = Expectation(SID, TRUTH, TRUTH.distinct)

Session = dict[str, Any]


def answering(session: Any, status: int = 200, timeline: Any = None) -> Callable[..., tuple[int, bytes]]:
    """A site that says `session`, and of it the timeline of TRUTH unless another is given."""
    drawn = draw(TRUTH) if timeline is None else timeline

    def answer(asked: Any, number: int) -> tuple[int, bytes]:
        return status, json.dumps(drawn if asked.path.endswith("/timeline") else session).encode()

    return answer


def differences(site: Any, stopped: Any, expected: Expectation = EXPECTED, seconds: float = 0.0) -> list[str]:
    return judge([expected], Reader(site.url), Patience(stopped.clock, seconds))


def test_a_session_that_says_the_truth_agrees(serve: Any, say: Any, stopped: Any) -> None:
    site = serve(answering(say(TRUTH)))
    assert differences(site, stopped) == []
    assert site.asked[0].path == f"/api/v1/sessions/{SID}"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "the status API does not know this session"),
        (401, "the status API answered 401; give a reader's --token"),
        (500, "the status API answered 500"),
    ],
)
def test_an_answer_that_is_no_session_is_named(serve: Any, stopped: Any, status: int, words: str) -> None:
    assert differences(serve(answering({}, status)), stopped) == [f"{SID}: {words}"]


@pytest.mark.parametrize("session", [{}, [], {"id": SID}, None, {"id": SID, "channel": "c", "state": "x", "upload": 3}])
def test_an_answer_of_another_shape_is_named(serve: Any, stopped: Any, session: Any) -> None:
    [words] = differences(serve(answering(session)), stopped)
    assert words.startswith(f"{SID}: the status API's answer has not the shape of a session")


@pytest.mark.parametrize("timeline", [{"lanes": []}, {}, []])
def test_a_timeline_that_does_not_agree_is_named(serve: Any, say: Any, stopped: Any, timeline: Any) -> None:
    assert differences(serve(answering(say(TRUTH), timeline=timeline)), stopped)


def test_a_timeline_that_is_refused_is_named(serve: Any, say: Any, stopped: Any) -> None:
    site = serve(lambda asked, number: (200 if number == 1 else 500, json.dumps(say(TRUTH)).encode()))
    assert differences(site, stopped) == [f"{SID}: the status API answered 500 when asked for the timeline"]


def test_silence_is_named(serve: Any, stopped: Any) -> None:
    site = serve(answering({}))
    site.close()
    assert not Reader(site.url).answers()
    assert differences(site, stopped) == [f"{SID}: the status API did not answer (NewConnectionError)"]


def test_any_answer_at_all_is_an_answer(serve: Any) -> None:
    assert Reader(serve(answering({}, 503)).url).answers()


def test_it_asks_again_until_the_session_agrees(serve: Any, say: Any, stopped: Any) -> None:
    late = say(TRUTH) | {"state": "live"}
    site = serve(lambda asked, number: answering(say(TRUTH) if number >= 4 else late)(asked, number))
    counts: list[int] = []
    assert judge([EXPECTED], Reader(site.url), Patience(stopped.clock), counts.append) == []
    assert (len(site.asked), sum(counts)) == (5, 1)
    assert site.asked[-1].path.endswith("/timeline")


def test_patience_ends_and_only_what_differs_is_asked_again(serve: Any, say: Any, stopped: Any) -> None:
    told = {script.sid: say(script.truth) for script in SCRIPTS}
    told[SID]["state"] = "live"
    drawn = {f"{script.sid}/timeline": draw(script.truth) for script in SCRIPTS}
    said = {**told, **drawn}
    site = serve(lambda asked, number: (200, json.dumps(said[asked.path.partition("/sessions/")[2]]).encode()))
    expected = [Expectation(script.sid, script.truth) for script in SCRIPTS]
    words = judge(expected, Reader(site.url), Patience(stopped.clock, 15.0))
    assert words == [f'{SID}: state is "live", truth is "ended"']
    assert sum(stopped.slept) == 15.0
    assert len(site.asked) == len(SCRIPTS) + len(SCRIPTS[1:]) + len(stopped.slept)


def test_a_session_agrees_only_after_everything_acknowledged_was_received(serve: Any, say: Any, stopped: Any) -> None:
    posts = TRUTH.distinct + 3
    site = serve(lambda asked, number: answering(say(TRUTH, posts - 2 + number))(asked, number))
    expected = Expectation(SID, TRUTH, posts)
    assert differences(site, stopped, expected) == [
        f"{SID}: notifications.received is {posts - 1}, but {posts} were acknowledged"
    ]
    assert differences(site, stopped, expected) == []


def test_a_session_nobody_told_of_must_not_be_known(serve: Any, say: Any, stopped: Any) -> None:
    untold = Expectation(SID, None)
    assert differences(serve(answering({}, 404)), stopped, untold) == []
    assert differences(serve(answering(say(TRUTH))), stopped, untold) == [
        f"{SID}: the status API knows this session, though nothing was told of it"
    ]


def test_the_token_is_sent(serve: Any, say: Any, stopped: Any) -> None:
    site = serve(answering(say(TRUTH)))
    assert judge([EXPECTED], Reader(site.url, "t0ken"), Patience(stopped.clock)) == []
    assert site.asked[0].headers["Authorization"] == "Bearer t0ken"


def postings(script: Script) -> list[Posting]:
    return [Posting(0, script.sid, line, line.notice_id, "application/json") for line in script.lines]


def test_of_all_that_was_told_the_truth_by_construction_is_expected() -> None:
    told = postings(SCRIPTS[0])
    [expected] = expectations(SCRIPTS[:1], Report(acknowledged=[*told, told[3]]))
    assert expected.truth is TRUTH
    assert expected.acknowledged == TRUTH.distinct + 1


def test_of_a_part_the_fold_of_that_part_is_expected() -> None:
    told = [posting for posting in postings(SCRIPTS[0]) if posting.line.event_type not in (11, 31)]
    [expected] = expectations(SCRIPTS[:1], Report(acknowledged=told))
    assert expected.truth is not None
    assert (expected.truth.state, expected.truth.distinct) == ("ending", TRUTH.distinct - 2)


def test_of_nothing_no_session_is_expected() -> None:
    assert expectations(SCRIPTS[:1], Report()) == [Expectation(SID, None, 0)]


def test_a_session_that_was_dropped_altogether_does_not_agree() -> None:
    first, second = postings(SCRIPTS[0]), postings(SCRIPTS[1])
    report = Report(acknowledged=second[1:], dropped=[(first[0], "status 401"), (second[0], "status 503")])
    assert unacknowledged(SCRIPTS, report) == [
        f"{SID}: not one notification was acknowledged; the last answer was status 401"
    ]
