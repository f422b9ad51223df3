from typing import Any

import pytest

from webhook.samples import SAMPLES, sample
from webhook.samples.wire import rfc3339

AT_MS = 1_764_000_123_456
AT_S = 1_764_000_123
BEGUN_MS, BEGUN_S = AT_MS - 60_000, AT_S - 60
TOLD_MS = AT_MS - 4
BEGUN, AT = "2025-11-24T16:01:03.456Z", "2025-11-24T16:02:03.456Z"

# every time on the wire, in the unit of the facts (sections 4, 6 and 8)
TIMES: dict[tuple[int, int], dict[str, Any]] = {
    **{(1, event_type): {"ts": AT_S} for event_type in (101, 102, 103, 104, 105, 106, 107, 108, 111, 112)},
    **{key: {"sendts": AT_MS} for key in SAMPLES if key[0] == 3},
    (3, 31): {"sendts": AT_MS, "details.fileList.0.sliceStartTime": BEGUN_MS},
    (3, 32): {"sendts": AT_MS, "details.fileList.0.sliceStartTime": BEGUN_MS},
    (3, 42): {"sendts": AT_MS, "details.startUtcMs": TOLD_MS, "details.discontinueUtcMs": TOLD_MS},
    (3, 43): {"sendts": AT_MS, "details.UtcMs": TOLD_MS},
    (3, 44): {"sendts": AT_MS, "details.UtcMs": TOLD_MS},
    (3, 70): {"sendts": AT_MS, "details.recorderStartTime": TOLD_MS},
    (3, 71): {"sendts": AT_MS, "details.fileList.0.sliceStartTime": BEGUN_MS},
    (4, 1): {"lts": AT_MS, "player.createTs": BEGUN_S},
    (4, 3): {"lts": AT_MS},
    (4, 4): {"lts": AT_MS},
    **{
        (5, event_type): {"lts": AT_S, "converter.createTs": BEGUN_S, "converter.updateTs": AT_S}
        for event_type in (1, 2, 3, 4)
    },
    (10, 1): {"beginAt": AT},
    (10, 2): {"beginAt": BEGUN, "endAt": AT},
    (10, 3): {"beginAt": BEGUN},
    (10, 4): {"beginAt": BEGUN},
    (17, 101): {"start_ts": AT_S},
    **{(17, event_type): {"start_ts": BEGUN_S, "stop_ts": AT_S} for event_type in (102, 103, 111)},
    (17, 104): {"start_ts": BEGUN_S},
    (17, 110): {"start_ts": BEGUN_S},
    (17, 112): {
        "start_ts": BEGUN_MS,
        "stop_ts": AT_MS,
        "turns.0.start.start_at": BEGUN_MS,
        "turns.0.end.end_at": AT_MS,
    },
    (17, 201): {"report_ms": AT_MS},
    (17, 202): {"report_ms": AT_MS},
    (20, 101): {"start_ts": AT_S},
    (20, 102): {"start_ts": BEGUN_S, "stop_ts": AT_S},
    (98, 4): {"sendts": AT_S},
    (98, 30): {"sendts": AT_S},
    (98, 31): {"sendts": AT_S, **{f"details.fileList.{place}.sliceStartTime": BEGUN_MS for place in (0, 1)}},
    (98, 32): {"sendts": AT_S, **{f"details.fileList.{place}.sliceStartTime": BEGUN_MS for place in (0, 1)}},
    (98, 33): {"sendts": AT_S},
    (99, 110): {"sendts": AT_MS, "details.createTs": BEGUN_MS},
    **{
        (99, event_type): {"sendts": AT_MS, "details.createTs": BEGUN_MS, "details.updateTs": AT_MS}
        for event_type in (111, 112, 113)
    },
}


@pytest.mark.parametrize(("product_id", "event_type"), sorted(SAMPLES))
def test_every_time_of_a_sample_is_in_the_unit_of_the_facts(product_id: int, event_type: int) -> None:
    payload = sample(product_id, event_type, AT_MS)["payload"]
    assert dict(times(payload)) == TIMES[product_id, event_type]


def times(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Everything in `value` that looks like a moment of the samples, by its dotted path."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [found for key, inner in items for found in times(inner, f"{path}.{key}".removeprefix("."))]
    return [(path, value)] if _is_time(value) else []


def _is_time(value: Any) -> bool:
    if isinstance(value, int):
        return 1_700_000_000 < value < 1_800_000_000 or 1_700_000_000_000 < value < 1_800_000_000_000
    return isinstance(value, str) and value.startswith("2025-11-24T")


@pytest.mark.parametrize(
    ("digits", "spelt"),
    [
        (0, "2025-11-24T16:00:00Z"),
        (1, "2025-11-24T16:00:00.0Z"),
        (2, "2025-11-24T16:00:00.06Z"),
        (3, "2025-11-24T16:00:00.067Z"),
    ],
)
def test_a_moment_is_spelt_with_as_many_digits_as_asked(digits: int, spelt: str) -> None:
    assert rfc3339(1_764_000_000_067, digits) == spelt


@pytest.mark.parametrize("event_type", [103, 104, 105, 106, 107, 108, 111, 112])
def test_the_client_sequence_of_a_sample_needs_more_bits_than_a_double_has(event_type: int) -> None:
    numbers = [sample("rtc", event_type, at_ms)["payload"]["clientSeq"] for at_ms in (AT_MS, AT_MS + 1)]
    assert 2**53 < numbers[0] < numbers[1] < 2**64
    assert int(float(numbers[0])) != numbers[0]
