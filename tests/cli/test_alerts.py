"""`vigil alerts` and `vigil ack` against a real server of the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from redis import Redis
from werkzeug.serving import make_server
from werkzeug.wsgi import get_input_stream

from tests import unserved
from tests.store.alerting import PENDING, RESOLVED, Alerted, alert
from tests.store.build import AT_MS
from webhook import settings as configuration
from webhook.cli import main
from webhook.domain.alerting.alerts import Severity
from webhook.domain.alerting.dossier import SELF
from webhook.store.keys import ShardKeys

TOKENS = "ann:reader:reader-token,bob:operator:operator-token"
NOWHERE = "http://127.0.0.1:9"
LABELS = {
    "product": "rtc",
    "project": "default",
    "channel": "lobby",
    "session": "s1",
    "source": "default",
    "rule": "video_stopped",
    "severity": "warning",
    "uid": "7",
    "track": "video",
}
INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


def serve(application: Flask) -> Iterator[str]:
    def bounded(environ: Any, start: Any) -> Any:
        return application.wsgi_app(environ | {"wsgi.input": get_input_stream(environ)}, start)

    server = make_server("127.0.0.1", 0, bounded)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def vigil(application: Flask) -> Iterator[str]:
    yield from serve(application)


@pytest.fixture
def guarded(redis: Redis, tmp_path: Path) -> Iterator[str]:
    settings = configuration.load({"VIGIL_API_TOKENS": TOKENS, "VIGIL_SHARDS": "2"}, tmp_path)
    yield from serve(unserved.create(settings, redis))


@pytest.fixture
def alerted(redis: Redis) -> Alerted:
    return Alerted(redis, 2)


def run(url: str, *words: str, **environment: str) -> Result:
    clean = {"VIGIL_API_TOKENS": "", "VIGIL_TOKEN": "", "VIGIL_CONFIG": ""}
    return CliRunner().invoke(main, [*words, "--url", url], env=clean | environment)


def lines(url: str, *words: str) -> list[str]:
    result = run(url, *words)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def listed(url: str, *words: str) -> list[str]:
    """The rules of the alerts that are listed, in words and in turn; the first line of each is not indented."""
    return [line[10:32].strip() for line in lines(url, "alerts", *words)[1:] if not line.startswith((" ", "…"))]


def test_with_nothing_wrong_it_says_so(vigil: str, redis: Redis) -> None:
    assert lines(vigil, "alerts") == ["firing: none; pending: 0"]


def test_the_first_line_counts_what_is_wrong(vigil: str, redis: Redis) -> None:
    gauges = {"alert:a:critical:firing": 1, "alert:b:info:firing": 3, "alert:b:info:pending": 2}
    redis.hset(ShardKeys(1).counts, mapping=gauges | {"alerts:unacknowledged": 4})
    assert lines(vigil, "alerts") == ["firing: 1 critical, 3 info; pending: 2; not acknowledged: 4"]


def test_each_is_told_in_three_lines_with_who_has_it(vigil: str, alerted: Alerted) -> None:
    name = alerted.add(alert(flapping_until_ms=AT_MS))
    lines(vigil, "ack", name, "--note", "on it")
    alerted.silence("maintenance", "channel=lobby")
    assert lines(vigil, "alerts")[1:] == [
        "warning   video stopped           since 2025-11-24T16:00:00.000Z  channel lobby, session s1",
        "          video_stopped of 7",
        f"          {name}  acknowledged by local (on it)  silenced  flapping",
    ]


def test_the_gravest_come_first_and_of_each_severity_the_last_begun(vigil: str, alerted: Alerted) -> None:
    for number, severity in enumerate([CRITICAL, INFO, WARNING, CRITICAL, INFO]):
        alerted.add(alert(f"rule_{number}", AT_MS + number, severity=severity), f"s{number}")
    assert listed(vigil) == ["rule 3", "rule 0", "rule 2", "rule 4", "rule 1"]
    assert listed(vigil, "--limit", "2") == ["rule 3", "rule 0"]
    assert lines(vigil, "alerts", "--limit", "2")[-1].startswith("… and more: raise --limit")
    assert not lines(vigil, "alerts", "--limit", "5")[-1].startswith("…")


def test_more_than_a_page_are_listed(vigil: str, alerted: Alerted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.cli.alerts.PAGE", 2)
    for number in range(7):
        alerted.add(alert(f"rule_{number}", AT_MS + number))
    assert listed(vigil, "--limit", "20") == [f"rule {number}" for number in reversed(range(7))]


def test_state_and_severity_choose(vigil: str, alerted: Alerted) -> None:
    alerted.add(alert("fires", severity=CRITICAL))
    alerted.add(alert("waits", state=PENDING))
    alerted.add(alert("is_over", state=RESOLVED))
    assert listed(vigil) == ["fires"]
    assert listed(vigil, "--state", "pending") == ["waits"]
    assert listed(vigil, "--state", "resolved") == ["is over"]
    assert sorted(listed(vigil, "--state", "all")) == ["fires", "is over", "waits"]
    assert listed(vigil, "--severity", "warning") == []
    assert "pending, since 2025-11-24" in lines(vigil, "alerts", "--state", "pending")[1]


def test_vigils_own_alerts_say_so(vigil: str, alerted: Alerted) -> None:
    name = alerted.add(alert("inbox_backlog", uid=""), SELF, "", "", shard=0)
    own = alerted.redis.get(ShardKeys(0).dossier(SELF))
    assert own is not None
    alerted.redis.set(ShardKeys(0).dossier(SELF), own.replace(b'"session":"\\u0000vigil"', b'"session":""'))
    assert lines(vigil, "alerts")[1].endswith("  Vigil itself")
    assert lines(vigil, "alerts")[3].strip() == name


def test_one_is_described_with_all_that_it_has(vigil: str, alerted: Alerted) -> None:
    name = alerted.add(alert(state=RESOLVED))
    alerted.deliver(name, "mail", "firing", result="failed", attempt=2, error="timed out")
    assert lines(vigil, "alerts", name) == [
        "warning: video stopped, resolved since 2025-11-24T16:00:00.000Z",
        "video_stopped of 7",
        "what it means: nothing arrives",
        "what to do: look at the encoder",
        "fired 2025-11-24T16:00:10.000Z",
        "resolved 2025-11-24T16:01:00.000Z: recovered",
        "firing to mail: failed at 2025-11-24T16:00:00.000Z, attempt 2, first, timed out",
        f"labels: {', '.join(f'{label}={value}' for label, value in sorted(LABELS.items()))}",
        f"id: {name}",
    ]


def test_one_that_is_open_is_described_with_who_keeps_it_quiet(vigil: str, alerted: Alerted) -> None:
    name = alerted.add(alert(flapping_until_ms=AT_MS, meaning="", action=""))
    lines(vigil, "ack", name)
    alerted.silence("maintenance", "channel=lobby")
    told = lines(vigil, "alerts", name)
    assert told[3:6] == [
        "flapping: it came and went so often that it is held for a while",
        "acknowledged by local",
        "silenced by maintenance",
    ]


def test_names_from_the_wire_do_nothing_to_a_terminal(vigil: str, alerted: Alerted) -> None:
    evil = "\x1b[2J\x9b\nfirst\u202e"
    name = alerted.add(alert(uid=evil, summary=evil), evil, evil)
    for words in (["alerts"], ["alerts", name], ["ack", name], ["alerts", name, "--json"]):
        printed = "".join(lines(vigil, *words))
        assert all(letter.isprintable() for letter in printed), words


def test_json_is_the_apis_answer_as_it_is(vigil: str, alerted: Alerted) -> None:
    name = alerted.add()
    page: dict[str, Any] = json.loads(run(vigil, "alerts", "--json").stdout)
    assert ([item["id"] for item in page["items"]], page["next"]) == ([name], None)
    assert json.loads(run(vigil, "alerts", name, "--json").stdout) == page["items"][0]


def test_one_is_acknowledged_and_given_back(vigil: str, alerted: Alerted) -> None:
    name = alerted.add()
    assert lines(vigil, "ack", name) == [f"{name}  acknowledged by local: video_stopped of 7"]
    assert lines(vigil, "ack", name, "--note", "on it") == [
        f"{name}  acknowledged by local (on it): video_stopped of 7"
    ]
    assert lines(vigil, "ack", name, "--take-back") == [f"{name}  nobody has it: video_stopped of 7"]


def test_a_note_is_for_acknowledging(vigil: str, alerted: Alerted) -> None:
    result = run(vigil, "ack", alerted.add(), "--take-back", "--note", "done")
    assert (result.exit_code, "--note is for acknowledging" in result.stderr) == (2, True)


@pytest.mark.parametrize("words", [["alerts"], ["ack"], ["ack", "--take-back"]])
def test_one_that_is_not_there_ends_with_1(vigil: str, redis: Redis, words: list[str]) -> None:
    result = run(vigil, words[0], "0-0123456789abcdef-1", *words[1:])
    assert (result.exit_code, "No such alert" in result.stderr) == (1, True)


def test_one_that_is_over_ends_with_2(vigil: str, alerted: Alerted) -> None:
    result = run(vigil, "ack", alerted.add(alert(state=RESOLVED)))
    assert (result.exit_code, "Alert is over" in result.stderr) == (2, True)


@pytest.mark.parametrize("words", [["alerts"], ["alerts", "--json"], ["ack", "x"]])
def test_where_nobody_answers_it_ends_with_2(words: list[str]) -> None:
    result = run(NOWHERE, *words)
    assert (result.exit_code, "vigil up" in result.stderr) == (2, True)


def test_a_reader_may_list_them_and_an_operator_have_them(guarded: str, alerted: Alerted) -> None:
    name = alerted.add()
    assert run(guarded, "alerts", VIGIL_TOKEN="reader-token").exit_code == 0
    refused = run(guarded, "ack", name, VIGIL_TOKEN="reader-token")
    assert (refused.exit_code, "needs an operator's token" in refused.stderr) == (2, True)
    told = run(guarded, "ack", name, VIGIL_TOKEN="operator-token")
    assert (told.exit_code, "acknowledged by bob" in told.stdout) == (0, True)
