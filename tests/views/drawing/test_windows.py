"""Which part of a session is drawn, and the links to other parts."""

from urllib.parse import parse_qs

import pytest

from tests.views.drawing.drawn import at
from webhook.domain.timeline import Window
from webhook.views.drawing.windows import Link, frame_of, window_links
from webhook.views.times import parse_rfc3339

HOUR = 3600


def links(window: Window, last: float | None = 6 * HOUR, now: float = 8 * HOUR) -> dict[str, Link]:
    drawn = frame_of(at(0), None if last is None else at(last), window, at(now))
    return {link.text.strip("← →"): link for link in window_links(drawn, window)}


def reached(link: Link) -> list[float]:
    """The seconds between which the link leads."""
    asked = parse_qs(link.query.removeprefix("?"))
    return [(parse_rfc3339(asked[name][0]) - at(0)) / 1000 for name in ("from", "to") if name in asked]


def test_all_of_a_session_is_drawn_from_its_first_word_to_its_end_or_until_now() -> None:
    assert frame_of(at(0), at(60), Window(), at(500))[:2] == (at(0), at(60))
    assert frame_of(at(0), None, Window(), at(500))[:2] == (at(0), at(500))


def test_a_window_is_drawn_as_it_was_asked_for() -> None:
    assert frame_of(at(0), at(60), Window(at(10), at(20)), at(500))[:2] == (at(10), at(20))


@pytest.mark.parametrize("window", [Window(at(900)), Window(None, at(-900)), Window(at(900), at(1000))])
def test_a_window_beside_the_session_still_has_an_order(window: Window) -> None:
    drawn = frame_of(at(0), at(60), window, at(500))
    assert drawn.from_ms <= drawn.until_ms


def test_a_session_of_which_nothing_was_heard_is_drawn_at_the_present() -> None:
    assert frame_of(None, None, Window(), at(500))[:2] == (at(500), at(500))


def test_links_lead_to_the_last_quarter_the_last_hour_and_all() -> None:
    offered = links(Window())
    assert list(offered) == ["15 min", "1 h", "All"]
    assert (reached(offered["15 min"]), reached(offered["1 h"])) == ([6 * HOUR - 900], [5 * HOUR])
    assert (offered["All"].query, offered["All"].current) == ("?", True)


def test_the_length_that_is_shown_is_the_current_one() -> None:
    offered = links(Window(at(5 * HOUR)))
    assert [text for text, link in offered.items() if link.current] == ["1 h"]


def test_earlier_and_later_go_by_one_length_and_end_with_the_session() -> None:
    offered = links(Window(at(2 * HOUR), at(3 * HOUR)))
    assert (reached(offered["Earlier"]), reached(offered["Later"])) == ([HOUR, 2 * HOUR], [3 * HOUR, 4 * HOUR])
    assert "Earlier" not in links(Window(at(0), at(HOUR)))
    assert "Later" not in links(Window(at(5 * HOUR), at(6 * HOUR)))
