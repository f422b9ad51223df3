"""Bars: what they say, where they lead to, and their texts."""

import itertools
from typing import Any

from tests.views.drawing.drawn import NOTHING, axis, drawing, entry, frame, lane, mark
from webhook.domain.timeline import Window
from webhook.views.drawing import notices_of
from webhook.views.drawing.bars import Bar


def bars(kind: str, spans: list[Any], **more: Any) -> list[Bar]:
    within = more.pop("within", None)
    (row,) = drawing(lane(kind, "7", spans=spans, **more), within=within).shown.rows
    return row.bars


def test_a_bar_says_which_state_it_is_and_how_long_it_lasted() -> None:
    (bar,) = bars("video", [(5, 25, "stopped")])
    assert bar.title == "video of 7: stopped from 16:00:05.000 to 16:00:25.000, 20 s"
    assert (bar.level, bar.style) == ("bad", "outline")


def test_a_bar_to_scale_begins_and_ends_where_its_state_did() -> None:
    (bar,) = bars("video", [(60, 120, "receiving")])
    assert (bar.x, bar.x + bar.width) == (axis().x(1_764_000_060_000), axis().x(1_764_000_120_000))


def test_what_goes_on_says_since_when() -> None:
    (bar,) = bars("audio", [(5, None, "stopped")], within=frame(600, now=65))
    assert bar.title == "audio of 7: stopped since 16:00:05.000, for 1 min so far"


def test_a_last_word_has_no_length_but_is_seen() -> None:
    (bar,) = bars("video", [(600, 600, "stopped")])
    assert (bar.width, bar.title) == (2.0, "video of 7: stopped at 16:10:00.000, the last that was told")


def test_merged_bars_say_how_often_and_how_long_together() -> None:
    (bar,) = bars("video", [(5, 5.5, "stopped"), (6, 6.25, "stopped")])
    assert bar.title == "video of 7: stopped 2 times from 16:00:05.000 to 16:00:06.250, 750 ms together"


def test_where_nothing_goes_on_nothing_is_drawn() -> None:
    assert bars("state", [(0, 300, "live"), (300, 600, "ended")])[0].text == "live"
    assert len(bars("state", [(0, 300, "live"), (300, 600, "ended")])) == 1


def test_a_gap_bears_its_length_inside_where_it_fits_and_beside_it_where_not() -> None:
    wide, narrow, last = bars("snapshots", [(100, 200, "gap"), (300, 312, "gap"), (590, 600, "gap")])
    assert (wide.text, wide.anchor) == ("1 min 40 s", "middle")
    assert (narrow.text, narrow.anchor, narrow.text_x > narrow.x + narrow.width) == ("12 s", "start", True)
    assert (last.text, last.anchor, last.text_x < last.x) == ("10 s", "end", True)


def test_texts_do_not_run_into_each_other() -> None:
    told = [(100 + 6 * number, 104 + 6 * number, "gap") for number in range(20)]
    texts = [(bar.text_x, bar.text_x + 6 * len(bar.text)) for bar in bars("snapshots", told) if bar.text]
    assert texts
    assert all(one[1] < other[0] for one, other in itertools.pairwise(texts))


def test_a_bar_leads_to_the_notification_that_began_it() -> None:
    told = notices_of([entry(5, "n-off", 44, uids=("1001", "7")), entry(5, "n-mute", 43, uids=("7",))], Window())
    lanes = [lane("video", "7", spans=[(5, 25, "stopped")]), lane("video", "8", spans=[(5, 25, "stopped")])]
    seen = {row.title: row.bars[0] for row in drawing(*lanes, notices=told).shown.rows}
    assert (seen["video of 7"].url, seen["video of 8"].url) == ("#n-n-off", "#intervals")
    assert seen["video of 7"].title.endswith("received 16:00:05.300 (300 ms later)")


def test_a_gap_leads_to_the_snapshot_that_ended_it() -> None:
    told = notices_of([entry(second, f"n{second}") for second in (100, 200)], Window())
    snapshots = lane("snapshots", "7", spans=[(100, 200, "gap")], marks=[mark(100), mark(200)])
    (row,) = drawing(snapshots, notices=told).shown.rows
    assert row.bars[0].url == "#n-n200"


def test_what_no_notification_stands_for_leads_to_the_table() -> None:
    (row,) = drawing(lane("alert", spans=[(5, 9, "pending")], rule="upload_stalled"), notices=NOTHING).shown.rows
    assert row.bars[0].url == "#intervals"
