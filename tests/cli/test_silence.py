"""`vigil silence` against a real server of the API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from werkzeug.serving import make_server
from werkzeug.wsgi import get_input_stream

from tests import unserved
from tests.store.alerting import HOUR_MS, Alerted, alert
from tests.store.build import exited, started
from tests.store.rig import Rig
from webhook import settings as configuration
from webhook.cli import main
from webhook.store.connection import server_now_ms
from webhook.views.times import rfc3339

TOKENS = "ann:reader:reader-token,bob:operator:operator-token"
NOWHERE = "http://127.0.0.1:9"
ADD = ("add", "channel=lobby", "--for", "2h", "--reason", "maintenance")


@pytest.fixture
def alerted(rig: Rig) -> Alerted:
    return Alerted(rig.redis, rig.shards)


@pytest.fixture
def vigil(application: Flask) -> Iterator[str]:
    yield from serve(application)


@pytest.fixture
def guarded(rig: Rig, tmp_path: Path) -> Iterator[str]:
    """Where a token is needed."""
    settings = configuration.load({"VIGIL_API_TOKENS": TOKENS, "VIGIL_SHARDS": "2"}, tmp_path)
    yield from serve(unserved.create(settings, rig.redis))


def serve(application: Flask) -> Iterator[str]:
    def bounded(environ: Any, start: Any) -> Any:
        return application.wsgi_app(environ | {"wsgi.input": get_input_stream(environ)}, start)

    server = make_server("127.0.0.1", 0, bounded)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def run(url: str, *words: str, **environment: str) -> Result:
    return CliRunner().invoke(main, ["silence", *words, "--url", url], env={"VIGIL_CONFIG": ""} | environment)


def listed(url: str, *options: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(run(url, "list", "--json", *options).stdout)["items"]
    return items


def test_with_none_it_says_so(vigil: str) -> None:
    assert (run(vigil, "list").stdout, run(vigil, "list").exit_code) == ("No silences\n", 0)
    assert run(vigil, "list", "--state", "active").stdout == "No active silences\n"


def test_one_is_added_and_says_what_it_mutes(vigil: str, alerted: Alerted) -> None:
    for number in range(2):
        alerted.add(alert(uid=str(number)))
    result = run(vigil, *ADD)
    (item,) = listed(vigil)
    expected = f"{item['id']}  active until {item['endsAt']}; it mutes 2 alerts that fire now\n"
    assert (result.exit_code, result.stdout) == (0, expected)
    assert (item["reason"], item["matchers"][0]["value"], item["until"]) == ("maintenance", "lobby", None)
    alerted.add(alert(uid="9"), session="s9", channel="hall")
    assert "it mutes 1 alert that fires now" in run(vigil, "add", "channel=hall", *ADD[2:]).stdout


def test_all_of_its_matchers_and_times_are_sent(vigil: str, alerted: Alerted) -> None:
    now_ms = server_now_ms(alerted.redis)
    start, end = rfc3339(now_ms + HOUR_MS), rfc3339(now_ms + 2 * HOUR_MS)
    words = ("--from", start, "--until", end, "--reason", "maintenance")
    result = run(vigil, "add", 'channel!~"a b"', "rule=~video_.*", *words)
    assert (result.exit_code, f"pending from {start} until {end}; it mutes 0 alerts" in result.stdout) == (0, True)
    (item,) = listed(vigil)
    assert [(each["label"], each["op"], each["value"]) for each in item["matchers"]] == [
        ("channel", "!~", "a b"),
        ("rule", "=~", "video_.*"),
    ]
    assert (item["startsAt"], item["endsAt"]) == (start, end)


def test_one_lasts_as_long_as_its_session(vigil: str, rig: Rig) -> None:
    rig.append(started("s1"))
    rig.drain()
    added = run(vigil, "add", "session=s1", "--until-session-ends", "--reason", "maintenance")
    assert "active until its session ends; it mutes 0 alerts that fire now" in added.stdout
    assert "active until its session ends" in run(vigil, "list").stdout
    rig.append(exited("s1"))
    rig.drain()
    assert "expired as its session ended\n" in run(vigil, "list").stdout


def test_what_would_mute_everything_has_to_be_meant(vigil: str) -> None:
    words = ("add", "channel=~.*", *ADD[2:])
    refused = run(vigil, *words)
    assert (refused.exit_code, "Mutes everything" in refused.stderr, listed(vigil)) == (2, True, [])
    assert run(vigil, *words, "--force").exit_code == 0
    assert len(listed(vigil)) == 1


def test_a_dry_run_shows_what_would_be_muted_and_silences_nothing(vigil: str, alerted: Alerted) -> None:
    name = alerted.add()
    result = run(vigil, "add", "channel=lobby", "--for", "2h", "--dry-run")
    first, *rest = result.stdout.splitlines()
    assert (result.exit_code, first) == (0, "It would mute 1 alert that fires now")
    assert name in "\n".join(rest)
    assert listed(vigil) == []
    assert (
        run(vigil, "add", "channel=hall", "--for", "2h", "--dry-run").stdout == "It would mute 0 alerts that fire now\n"
    )


def test_a_dry_run_says_how_many_it_does_not_show(vigil: str, alerted: Alerted) -> None:
    for number in range(52):
        alerted.add(alert(uid=str(number)))
    told = run(vigil, "add", "channel=lobby", "--for", "2h", "--dry-run").stdout.splitlines()
    assert (told[0], told[-1]) == ("It would mute 52 alerts that fire now", "… and 2 more")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--for", "2h", "--until", "2999-01-01T00:00:00Z"),
        ("--for", "2h", "--until-session-ends"),
        ("--from", "2999-01-01T00:00:00Z"),
    ],
)
def test_it_has_to_be_said_how_long(vigil: str, words: tuple[str, ...]) -> None:
    result = run(vigil, "add", "channel=lobby", "--reason", "maintenance", *words)
    assert (result.exit_code, "--for, --until and --until-session-ends" in result.stderr) == (2, True)
    assert listed(vigil) == []


def test_it_has_to_be_said_why(vigil: str) -> None:
    result = run(vigil, *ADD[:4])
    assert (result.exit_code, "--reason is needed" in result.stderr) == (2, True)
    assert listed(vigil) == []


def test_without_matchers_nothing_is_silenced(vigil: str) -> None:
    assert run(vigil, "add", *ADD[2:]).exit_code == 2
    assert listed(vigil) == []


def test_every_mistake_is_told(vigil: str) -> None:
    result = run(vigil, "add", "channel", "rule=~(", "--for", "soon", "--reason", "maintenance")
    assert result.exit_code == 2
    for words in ("$.matchers[0]: 'channel' is no matcher", "$.matchers[1]: '('", "$.duration: "):
        assert words in result.stderr


def test_each_is_listed_in_three_lines_the_last_created_first(vigil: str, alerted: Alerted) -> None:
    alerted.add()
    now_ms = server_now_ms(alerted.redis)
    alerted.silence("s1", "channel=lobby", "uid!=8", created_ms=1)
    alerted.silence("s2", "channel=lobby", starts_ms=now_ms + 60_000, created_ms=2)
    alerted.silence("s3", "channel=lobby", ends_in_ms=-1, created_ms=3)
    alerted.silence("s4", 'channel=~"a \\"b\\""', expired_ms=now_ms, created_ms=4)
    ends = {item["id"]: item for item in listed(vigil)}
    assert run(vigil, "list").stdout.splitlines() == [
        f"s4  expired {rfc3339(now_ms)}",
        '  channel=~"a \\"b\\""',
        "  ann: maintenance",
        f"s3  expired {ends['s3']['endsAt']}",
        '  channel="lobby"',
        "  ann: maintenance",
        f"s2  pending from {rfc3339(now_ms + 60_000)} until {ends['s2']['endsAt']}",
        '  channel="lobby"',
        "  ann: maintenance",
        f"s1  active until {ends['s1']['endsAt']}; it mutes 1 alert that fires now",
        '  channel="lobby", uid!="8"',
        "  ann: maintenance",
    ]


def test_all_pages_are_read_and_a_state_chooses(vigil: str, alerted: Alerted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.cli.silence.PAGE", 2)
    for number in range(5):
        alerted.silence(f"s{number}", "channel=lobby", ends_in_ms=HOUR_MS if number % 2 else -1, created_ms=number)
    assert [item["id"] for item in listed(vigil)] == ["s4", "s3", "s2", "s1", "s0"]
    assert [item["id"] for item in listed(vigil, "--state", "active")] == ["s3", "s1"]


def test_one_is_ended(vigil: str, alerted: Alerted) -> None:
    run(vigil, *ADD)
    (item,) = listed(vigil)
    result = run(vigil, "expire", item["id"], "--reason", "done")
    (ended,) = listed(vigil)
    assert (result.exit_code, result.stdout) == (0, f"{item['id']}  expired {ended['expiredAt']}\n")
    assert ended["state"] == "expired"
    assert run(vigil, "expire", item["id"]).stdout == result.stdout


@pytest.mark.parametrize("name", ["s1", "../sessions/x", "a b?c#d"])
def test_one_that_is_not_there_ends_with_1(vigil: str, name: str) -> None:
    result = run(vigil, "expire", name)
    assert (result.exit_code, "Error: " in result.stderr) == (1, True)


@pytest.mark.parametrize("words", [ADD, ("list",), ("expire", "s1")])
def test_where_nobody_answers_it_ends_with_2(words: tuple[str, ...]) -> None:
    result = run(NOWHERE, *words)
    assert (result.exit_code, "vigil up" in result.stderr) == (2, True)


def test_a_reader_may_list_and_an_operator_act(guarded: str) -> None:
    for words in (ADD, ("expire", "s1")):
        result = run(guarded, *words, VIGIL_TOKEN="reader-token")
        assert (result.exit_code, "This needs an operator's token" in result.stderr) == (2, True)
    assert run(guarded, *ADD, VIGIL_TOKEN="operator-token").exit_code == 0
    assert "  bob: maintenance" in run(guarded, "list", VIGIL_TOKEN="reader-token").stdout


@pytest.mark.parametrize("words", [(), ("add",), ("list",), ("expire",)])
def test_each_explains_itself(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, ["silence", *words, "--help"])
    assert (result.exit_code, len(result.stdout) > 100) == (0, True)
