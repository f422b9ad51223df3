"""A real Alertmanager: what it makes of alerts that are pushed to it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.receivers import LOOPBACK, unused_port
from tests.waiting import wait_for
from tests.workers.sinks.told import batch, telling
from webhook.clock import now_ms
from webhook.domain.alerting.alerts import Severity
from webhook.domain.alerting.telling import Transition
from workers.sinks.alertmanager import AlertmanagerSink

BINARY = Path("/usr/bin/prometheus-alertmanager")
CONFIG = "route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n"
STARTS_WITHIN, STOPS_WITHIN = 30, 10  # seconds
MINUTE = 60_000

pytestmark = [pytest.mark.full, pytest.mark.timeout(120)]


class Alertmanager:
    """One that runs, and the sink that pushes to it."""

    def __init__(self, url: str) -> None:
        self.url, self.sink = url, AlertmanagerSink("am", url, None)

    @property
    def is_ready(self) -> bool:
        with suppress(urllib3.exceptions.HTTPError):
            return urllib3.request("GET", f"{self.url}/-/ready", retries=False, timeout=1).status == 200
        return False

    def hear(self, transition: Transition, *, at_ms: int, alert: int = 1, **more: Any) -> None:
        """An alert that began three minutes before `at_ms`, in this state at it."""
        began = {"started_ms": at_ms - 3 * MINUTE, "decided_ms": at_ms}
        resolved = {"resolved_ms": at_ms} if transition is Transition.RESOLVED else {}
        self.sink.send(batch(telling(transition, alert, **began | resolved | more)))

    @property
    def active(self) -> list[dict[str, Any]]:
        """Those that it takes for firing."""
        answer = urllib3.request("GET", f"{self.url}/api/v2/alerts?active=true", retries=False, timeout=5)
        assert answer.status == 200
        found: list[dict[str, Any]] = answer.json()
        return found

    @property
    def keys(self) -> list[str]:
        """By which deliveries it heard of those."""
        return sorted(alert["annotations"]["vigil_key"] for alert in self.active)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Alertmanager]:
    assert BINARY.exists(), f"{BINARY} is missing; install it with `apt-get install prometheus-alertmanager`"
    config, log, address = tmp_path / "config.yml", tmp_path / "log", f"{LOOPBACK}:{unused_port()}"
    config.write_text(CONFIG)
    words = [f"--config.file={config}", f"--storage.path={tmp_path / 'kept'}", f"--web.listen-address={address}"]
    with log.open("wb") as told:
        process = subprocess.Popen([BINARY, *words, "--cluster.listen-address="], stdout=told, stderr=told)
    try:
        running = Alertmanager(f"http://{address}")
        wait_for(lambda: running.is_ready or process.poll() is not None, STARTS_WITHIN, "Alertmanager did not start")
        assert process.poll() is None, log.read_text()
        yield running
    finally:
        process.terminate()
        process.wait(STOPS_WITHIN)


def test_what_fires_is_active_with_its_labels_until_it_is_resolved(manager: Alertmanager) -> None:
    manager.hear(Transition.FIRING, at_ms=now_ms())
    (alert,) = manager.active
    assert alert["status"]["state"] == "active"
    assert alert["labels"] == {"alertname": "recording_error", **{k: v for k, v in telling().labels.items() if v}}
    manager.hear(Transition.REPEAT, at_ms=now_ms())
    assert manager.keys == ["3-00ff-1:repeat"]
    manager.hear(Transition.RESOLVED, at_ms=now_ms())
    assert manager.keys == []


@pytest.mark.parametrize("lasted", [2_000, 3 * MINUTE, 30 * MINUTE])
def test_what_is_resolved_is_so_for_an_alertmanager_whose_clock_is_behind_too(
    manager: Alertmanager, lasted: int
) -> None:
    ahead_ms = now_ms() + MINUTE // 2
    manager.hear(Transition.FIRING, at_ms=ahead_ms, started_ms=ahead_ms - lasted)
    assert manager.keys == ["3-00ff-1:firing"]
    manager.hear(Transition.RESOLVED, at_ms=ahead_ms, started_ms=ahead_ms - lasted)
    assert manager.keys == []


def test_what_grew_graver_is_the_same_alert_and_goes_away_with_it(manager: Alertmanager) -> None:
    def warned(**more: Any) -> dict[str, Any]:
        return {"first_severity": Severity.WARNING, "at_ms": now_ms(), **more}

    manager.hear(Transition.FIRING, **warned(severity=Severity.WARNING))
    manager.hear(Transition.RISE, **warned())
    assert manager.keys == ["3-00ff-1:rise"]
    manager.hear(Transition.RESOLVED, **warned())
    assert manager.keys == []


def test_what_fires_again_after_its_end_is_active_again(manager: Alertmanager) -> None:
    for episode in (1, 2):
        manager.hear(Transition.FIRING, at_ms=now_ms(), alert=episode)
        assert manager.keys == [f"3-00ff-{episode}:firing"]
        manager.hear(Transition.RESOLVED, at_ms=now_ms(), alert=episode)
        assert manager.keys == []


def test_the_end_of_one_alert_is_that_of_no_other(manager: Alertmanager) -> None:
    other = {"channel": "lesson-13"}
    manager.hear(Transition.FIRING, at_ms=now_ms())
    manager.hear(Transition.FIRING, at_ms=now_ms(), alert=2, labels=other)
    manager.hear(Transition.RESOLVED, at_ms=now_ms())
    assert manager.keys == ["3-00ff-2:firing"]
