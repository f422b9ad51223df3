"""What each kind of sink that speaks HTTP makes of a receiver's answers."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.workers.sinks.told import batch
from webhook.domain.errors import DeliveryError
from workers.sinks.sink import Sink

MakeSink = Callable[[str], Sink]  # from the address of a receiver
BOUND = 0.5  # seconds that tests give a sink whose receiver does not answer


def failure(sink: Sink, seconds: float = 5.0) -> DeliveryError:
    """Why the sink could not send."""
    with pytest.raises(DeliveryError) as failed:
        sink.send(batch(), seconds)
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__ or failed.value.__context__ is None
    return failed.value


def late_failure(sink: Sink) -> DeliveryError:
    """Why the sink gave up, which it did in time."""
    began = time.monotonic()
    failed = failure(sink, BOUND)
    assert BOUND * 0.4 < time.monotonic() - began < BOUND + 0.4
    return failed
