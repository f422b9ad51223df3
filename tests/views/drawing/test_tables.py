"""The text twin of a picture."""

from tests.views.drawing.drawn import frame, lane, mark, read
from webhook.views.drawing.tables import MOST_ROWS, table_of


def test_each_interval_is_a_row_with_its_times_and_its_length() -> None:
    told = read(lane("video", "7", spans=[(5, 25, "stopped"), (25, None, "receiving")]), within=frame(600, now=85))
    (part,) = table_of(told).parts
    assert part.title == "video of 7"
    assert [(row.state, row.begun[14:], (row.until or "")[14:], row.lasted) for row in part.rows] == [
        ("stopped", "00:05.000Z", "00:25.000Z", "20 s"),
        ("receiving", "00:25.000Z", "", "1 min"),
    ]


def test_lanes_of_marks_alone_have_no_intervals_to_list() -> None:
    assert table_of(read(lane("errors", marks=[mark(5, "error")]))).parts == []


def test_a_table_is_bounded_and_says_what_it_left_out() -> None:
    flapping = [(number, number + 0.5, "stopped") for number in range(400)]
    table = table_of(read(lane("video", "1", spans=flapping), lane("video", "2", spans=flapping[:10])))
    assert [(len(part.rows), part.left_out) for part in table.parts] == [(150, 250), (10, 0)]
    assert table.parts[0].rows[-1].begun.endswith("06:39.000Z")
    many = table_of(read(*(lane("video", str(uid), spans=[(0, 1, "stopped")]) for uid in range(MOST_ROWS + 7))))
    assert (len(many.parts), many.lanes_left_out) == (MOST_ROWS, 7)
