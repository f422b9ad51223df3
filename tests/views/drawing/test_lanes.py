"""Which lanes are drawn, and in which order."""

from typing import Any

from tests.views.drawing.drawn import at, drawing, frame, lane, mark, read
from webhook.domain.timeline import MOST_MARKS
from webhook.views.drawing.lanes import MOST_SHOWN, Lane, grouped
from webhook.views.drawing.spans import Span


def names(groups: list[list[Lane]]) -> list[list[str]]:
    return [[f"{each.kind}:{each.uid}" if each.uid else each.kind for each in group] for group in groups]


def stream(uid: str, *, stopped: float = 0) -> list[dict[str, Any]]:
    """Video, audio and snapshots of one stream, its video off for so many seconds."""
    spans = [(0, 300 - stopped, "receiving"), *([(300 - stopped, 300, "stopped")] if stopped else [])]
    return [lane("video", uid, spans=spans), lane("audio", uid), lane("snapshots", uid)]


def test_lanes_of_a_stream_stand_together_under_those_of_the_session() -> None:
    told = [
        lane("alert", "7", rule="video_stopped"),
        lane("upload"),
        *stream("7"),
        lane("errors"),
        lane("recorder", "1"),
    ]
    assert names(grouped(read(*told)).shown) == [
        ["recorder:1"],
        ["video:7", "audio:7", "snapshots:7"],
        ["upload"],
        ["errors"],
        ["alert:7"],
    ]


def test_the_stream_that_was_in_trouble_longest_comes_first() -> None:
    told = [*stream("1"), *stream("2", stopped=20), *stream("3", stopped=200)]
    assert [group[0] for group in names(grouped(read(*told)).shown)] == ["video:3", "video:2", "video:1"]


def test_what_is_in_trouble_is_shown_and_the_rest_folded() -> None:
    told = [each for uid in range(17) for each in stream(str(uid), stopped=20 if uid in (11, 13) else 0)]
    groups = grouped(read(lane("recorder", "1"), *told, lane("upload")))
    shown = names(groups.shown)
    assert sum(map(len, shown)) <= MOST_SHOWN < sum(map(len, shown)) + 3
    assert [group[0] for group in shown[:3]] == ["recorder:1", "video:11", "video:13"]
    assert sum(map(len, groups.shown)) + sum(map(len, groups.folded)) == 17 * 3 + 2


def test_nothing_is_folded_where_there_is_room() -> None:
    assert grouped(read(*stream("1"))).folded == []
    assert drawing(*stream("1")).folded is None


def test_many_alerts_leave_room_for_streams() -> None:
    alerts = [lane("alert", str(uid), rule="snapshot_overdue") for uid in range(40)]
    assert ["video:7", "audio:7", "snapshots:7"] in names(grouped(read(*stream("7"), *alerts)).shown)


def test_a_lane_is_called_by_what_it_shows_and_of_whom() -> None:
    told = read(lane("notRecorded", "7"), lane("alert", None, rule="upload_stalled"), lane("video", "\u202egnp"))
    titles = ["not recorded of 7", "upload stalled", "video of \N{REPLACEMENT CHARACTER}gnp"]
    assert [each.title for each in told] == titles


def test_intervals_are_cut_to_the_frame_and_to_the_present() -> None:
    told = lane("video", "7", spans=[(-50, 10, "receiving"), (10, None, "stopped")])
    (read_back,) = read(told, within=frame(600, now=100))
    assert read_back.spans == [
        Span("receiving", at(0), at(10)),
        Span("stopped", at(10), at(100), open=True),
    ]


def test_what_outlasts_the_frame_ends_with_it() -> None:
    (read_back,) = read(lane("alert", spans=[(10, 9000, "firing"), (9000, None, "pending")]), within=frame(600))
    assert read_back.spans == [Span("firing", at(10), at(600))]


def test_a_lane_with_more_marks_than_a_view_may_hold_says_where_it_begins() -> None:
    (read_back,) = read(lane("snapshots", "7", marks=[mark(200 + number / 10) for number in range(MOST_MARKS)]))
    assert read_back.spans == [Span("not_drawn", at(0), at(200))]
    (whole,) = read(lane("snapshots", "7", marks=[mark(200)]))
    assert whole.spans == []
