"""What a row of the list of sessions counts."""

from __future__ import annotations

from typing import Any

import pytest

from webhook.views.session_rows import session_row
from webhook.views.times import rfc3339

NOW = 1_764_000_000_000


def stream(video: str = "receiving", since_s: int = 1000, **shots: Any) -> dict[str, Any]:
    taken = {"count": 0, "interval": None, "gaps": [], "lastAt": None}
    return {"video": video, "videoSince": rfc3339(NOW - since_s * 1000), "snapshots": taken | shots}


def row(*streams: dict[str, Any], state: str = "live", upload: str = "none") -> Any:
    told = {"state": state, "streams": list(streams), "upload": {"state": upload, "progress": 0.5}}
    return session_row(told, NOW)


def gap(seconds: int) -> dict[str, str]:
    return {"from": rfc3339(NOW - 100_000), "until": rfc3339(NOW - 100_000 + seconds * 1000)}


def shots(last_s: int, *gaps: dict[str, str], video: str = "receiving", since_s: int = 1000) -> dict[str, Any]:
    return stream(video, since_s, count=10, interval=5.0, gaps=list(gaps), lastAt=rfc3339(NOW - last_s * 1000))


def test_what_a_product_does_not_have_is_none() -> None:
    assert (row().streams, row().snapshots, row().upload) == (None, None, None)
    assert row(stream()).snapshots is None


def test_streams_are_counted_by_their_video() -> None:
    streams = row(stream(), stream("stopped"), stream("unknown")).streams
    assert (streams.total, streams.on, streams.off) == (3, 1, 1)


@pytest.mark.parametrize(
    ("told", "state", "missing"),
    [
        (shots(3), "live", 0),
        (shots(10), "live", 0),
        (shots(3, gap(20)), "live", 3),
        (shots(3, gap(20), gap(15)), "live", 5),
        (shots(31), "live", 5),
        (shots(31, gap(20)), "live", 8),
        (shots(31, video="stopped"), "live", 0),
        (shots(3, gap(20), video="stopped"), "live", 0),
        (shots(3, gap(20), since_s=50), "live", 0),  # while the video was off
        (shots(3, gap(20), since_s=95), "live", 2),  # which came back 5 s after the last snapshot before
        (shots(31, since_s=6), "live", 0),
        (shots(31, gap(20)), "ended", 3),
        (shots(31), "ended", 0),
        (stream(count=1, lastAt=rfc3339(NOW - 999_000)), "live", 0),
    ],
)
def test_missing_are_those_that_were_due_since_the_video_came_in(
    told: dict[str, Any], state: str, missing: int
) -> None:
    assert row(told, state=state).snapshots.missing == missing


def test_snapshots_of_all_streams_are_one_figure() -> None:
    assert row(shots(3), shots(3)).snapshots.received == 20


def test_an_upload_that_began_is_a_share() -> None:
    assert row(upload="uploading").upload == 0.5
