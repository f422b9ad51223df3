"""The heartbeat against a server that answers as told: one GET, no redirect, no secret in the log."""

from __future__ import annotations

import pytest
from rq.timeouts import JobTimeoutException

from tests.receivers import Answer, HttpReceiver
from workers import heartbeat
from workers.heartbeat import beat


def test_a_heartbeat_is_one_get(caplog: pytest.LogCaptureFixture) -> None:
    with HttpReceiver() as receiver:
        assert beat(f"{receiver.url}/ping/s3cret")
        assert [(each.method, each.path) for each in receiver.received] == [("GET", "/ping/s3cret")]
    assert caplog.text == ""


@pytest.mark.parametrize("status", [301, 302, 307, 404, 500, 503])
def test_whatever_is_no_success_is_said_without_the_path(status: int, caplog: pytest.LogCaptureFixture) -> None:
    with HttpReceiver(Answer(status, {"Location": "/elsewhere", "Retry-After": "0"})) as receiver:
        assert not beat(f"{receiver.url}/s3cret")
        assert len(receiver.received) == 1
    assert f"the heartbeat to 127.0.0.1 failed: HTTP {status}" in caplog.text
    assert "s3cret" not in caplog.text


def test_a_server_that_hangs_is_left_in_time(caplog: pytest.LogCaptureFixture) -> None:
    with HttpReceiver(Answer(hangs=True)) as receiver:
        assert not beat(f"{receiver.url}/s3cret", 0.2)
    assert "failed: ReadTimeoutError" in caplog.text
    assert "s3cret" not in caplog.text


def test_a_server_that_is_away_is_said(caplog: pytest.LogCaptureFixture) -> None:
    assert not beat("http://127.0.0.1:9/s3cret", 2.0)
    assert "failed: NewConnectionError" in caplog.text
    assert "s3cret" not in caplog.text


def test_the_alarm_ends_it_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def alarm(*_: object, **__: object) -> None:
        raise JobTimeoutException

    monkeypatch.setattr(heartbeat.urllib3, "request", alarm)
    assert not beat("http://127.0.0.1:9/s3cret")
    assert "failed: no answer within 8 s" in caplog.text
