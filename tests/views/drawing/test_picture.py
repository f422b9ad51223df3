"""The whole picture: rows, lines through them, the filling of an upload."""

import itertools

from tests.views.drawing.drawn import at, axis, drawing, frame, lane, mark
from webhook.views.drawing.picture import AXIS, PLOT

BROKEN = [
    lane("recorder", "1001", spans=[(0, 300, "recording")], marks=[mark(0, "started")]),
    lane("failover", marks=[mark(300, "failover")]),
    lane("video", "7", spans=[(0, 100, "receiving"), (100, 120, "stopped"), (120, None, "receiving")]),
    lane("audio", "7", spans=[(0, None, "receiving")]),
]


def test_rows_stand_below_the_axis_and_never_overlap() -> None:
    rows = drawing(*BROKEN).shown.rows
    assert rows[0].y - rows[0].height / 2 > AXIS
    assert all(one.y + one.height / 2 < other.y - other.height / 2 for one, other in itertools.pairwise(rows))
    assert rows[-1].y + rows[-1].height / 2 < drawing(*BROKEN).shown.height


def test_video_is_thick_and_audio_thin_and_only_the_first_of_a_stream_bears_its_name() -> None:
    video, audio = drawing(*BROKEN).shown.rows[2:]
    assert video.height > 2 * audio.height
    assert [(row.name, row.what) for row in (video, audio)] == [("7", "video"), ("", "audio")]


def test_a_failover_is_a_line_through_all_lanes_those_folded_too() -> None:
    streams = [lane("video", str(uid), spans=[(0, 9, "receiving")]) for uid in range(30)]
    seen = drawing(*BROKEN, *streams)
    assert seen.folded is not None
    assert seen.shown.failovers == seen.folded.failovers == [axis().x(at(300))]


def test_now_is_a_line_where_it_is_in_the_picture() -> None:
    assert drawing(*BROKEN, within=frame(600, now=300)).shown.now_x == axis().x(at(300))
    assert drawing(*BROKEN, within=frame(600, now=601)).shown.now_x is None


def test_an_upload_fills_up_to_the_share_that_was_told() -> None:
    marks = [mark(0, "progress", text="0 % of it"), mark(300, "progress", text="50 % of it")]
    (row,) = drawing(lane("upload", spans=[(0, 600, "uploading")], marks=marks)).shown.rows
    foot, middle = row.y + row.height / 2, row.y
    ends = [axis().x(at(second)) for second in (0, 300, 600)]
    corners = [(ends[0], foot), (ends[0], foot), (ends[1], foot), (ends[1], middle), (ends[2], middle), (ends[2], foot)]
    assert row.points == " ".join(f"{x:g},{y:g}" for x, y in corners)


def test_a_long_name_leaves_room_for_what_the_lane_shows() -> None:
    (row,) = drawing(lane("alert", "u" * 300, rule="video_stopped", spans=[(0, 9, "firing")])).shown.rows
    assert 7.4 * len(row.name) + 6.2 * len(row.what) < 170
    assert row.title.startswith("video stopped of uuu")


def test_nothing_is_drawn_outside_the_picture() -> None:
    outside = lane("alert", None, rule="odd", spans=[(-900, 9000, "firing")], marks=[mark(9000, "acknowledged")])
    (row,) = drawing(outside).shown.rows
    assert (row.bars[0].x >= 0, row.bars[0].x + row.bars[0].width <= PLOT, row.glyphs) == (True, True, [])


def test_a_session_of_which_nothing_was_told_is_an_empty_picture() -> None:
    seen = drawing()
    assert (seen.shown.rows, seen.folded, seen.lanes) == ([], None, [])
