"""The log as a sink."""

from __future__ import annotations

import logging

import pytest

from tests.workers.sinks.told import batch, hostile, telling
from webhook.domain.alerting.telling import Transition
from workers.sinks.log_sink import LogSink


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records]


def test_each_telling_is_one_line_with_its_key(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        LogSink("log").send(batch(telling(), telling(Transition.RESOLVED)))
    summary = "recording error in lesson-12: fatal error 47 of the uploader: the disk is full"
    assert lines(caplog) == [
        ("WARNING", f"CRITICAL: {summary} (3-00ff-1:firing)"),
        ("INFO", f"Resolved: {summary} (3-00ff-1:resolved)"),
    ]


def test_words_from_the_wire_cannot_forge_a_line(caplog: pytest.LogCaptureFixture) -> None:
    LogSink("log").send(batch(hostile()))
    (_, said), *others = lines(caplog)
    assert others == []
    assert said.isprintable()
