"""`vigil dead-letters` and `vigil replay` against a real server of the API."""

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
from tests.store.build import poison, started
from tests.store.rig import Rig
from webhook import settings as configuration
from webhook.cli import main
from webhook.domain import arrivals

TOKENS = "ann:reader:reader-token,bob:operator:operator-token"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def vigil(application: Flask, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the API; while a route waits, workers work."""
    monkeypatch.setattr("webhook.routes.dead_letters.sleep", lambda _: rig.drain())
    yield from serve(application)


@pytest.fixture
def guarded(rig: Rig, tmp_path: Path) -> Iterator[str]:
    """The same where a token is needed."""
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
    return CliRunner().invoke(main, [*words, "--url", url], env={"VIGIL_CONFIG": ""} | environment)


def unread(rig: Rig, *bodies: Any) -> None:
    def faulty(*_: object) -> None:
        raise RuntimeError("a planted fault")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrivals, "decode", faulty)
        rig.append(*bodies)
        rig.drain()


def listed(url: str, *options: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(run(url, "dead-letters", "--json", *options).stdout)["items"]
    return items


def test_with_none_it_says_so(vigil: str) -> None:
    result = run(vigil, "dead-letters")
    assert (result.stdout, result.exit_code) == ("No dead letters\n", 0)


def test_each_is_told_in_three_lines(vigil: str, rig: Rig) -> None:
    rig.append(poison(), b"no envelope")
    rig.drain()
    result = run(vigil, "dead-letters")
    assert result.exit_code == 0
    assert "  session s1\n" in result.stdout
    assert "a body that is no envelope" in result.stdout
    assert len(result.stdout.splitlines()) == 6


def test_filters_and_limits_choose(vigil: str, rig: Rig) -> None:
    rig.append(poison(), poison("s2"), b"no envelope")
    rig.drain()
    assert [item["kind"] for item in listed(vigil, "--kind", "quarantine")] == ["quarantine"]
    assert [item["session"] for item in listed(vigil, "--session", "s2", "--type", "44")] == ["s2"]
    assert listed(vigil, "--product", "rtc", "--source", "default", "--since", "2020-01-01T00:00:00Z") == []
    assert "raise --limit" in run(vigil, "dead-letters", "--limit", "1").stdout


def test_one_is_discarded_with_a_reason_and_not_without(vigil: str, rig: Rig) -> None:
    rig.append(poison())
    rig.drain()
    (item,) = listed(vigil)
    refused = run(vigil, "dead-letters", "--discard", item["id"])
    assert (refused.exit_code, "--reason" in refused.stderr, len(listed(vigil))) == (2, True, 1)
    result = run(vigil, "dead-letters", "--discard", item["id"], "--reason", "a test of ours")
    assert (result.exit_code, result.stdout) == (0, f"{item['id']}  discarded\n")
    assert listed(vigil) == []
    again = run(vigil, "dead-letters", "--discard", item["id"], "--reason", "a test of ours")
    assert (again.exit_code, "No such dead letter" in again.stderr) == (1, True)


def test_those_that_are_named_are_replayed(vigil: str, rig: Rig) -> None:
    unread(rig, started("s1"), started("s2"), started("s3"))
    names = [item["id"] for item in listed(vigil)]
    result = run(vigil, "replay", *names[:2])
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "2 applied")
    assert [item["id"] for item in listed(vigil)] == names[2:]


def test_all_that_a_filter_chooses_are_replayed_page_by_page(
    vigil: str, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.cli.dead_letters.PAGE", 2)
    unread(rig, *(started(f"s{number}") for number in range(5)))
    rig.append(poison())
    rig.drain()
    result = run(vigil, "replay", "--kind", "quarantine", "--json")
    assert ([item["verdict"] for item in json.loads(result.stdout)], result.exit_code) == (["applied"] * 5, 0)
    assert [item["session"] for item in listed(vigil)] == ["s1"]


def test_one_that_fails_again_ends_with_1(vigil: str, rig: Rig) -> None:
    rig.append(poison())
    unread(rig, started())
    result = run(vigil, "replay", "--all")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (1, "1 applied, 1 failed")
    assert "failed: it is a dead letter still (" in result.stdout


def test_with_nothing_to_replay_it_says_so(vigil: str) -> None:
    result = run(vigil, "replay", "--all")
    assert (result.stdout, result.exit_code) == ("No dead letters\n", 0)


@pytest.mark.parametrize("words", [[], ["an-id", "--all"], ["an-id", "--kind", "quarantine"]])
def test_it_has_to_be_said_which(vigil: str, words: list[str]) -> None:
    result = run(vigil, "replay", *words)
    assert (result.exit_code, "name ids" in result.stderr) == (2, True)


def test_one_that_is_not_there_ends_with_1(vigil: str) -> None:
    result = run(vigil, "replay", "0.bm9ib2R5")
    assert (result.exit_code, "No such dead letter" in result.stderr) == (1, True)


@pytest.mark.parametrize("words", [["dead-letters"], ["replay", "--all"]])
def test_where_nobody_answers_it_ends_with_2(words: list[str]) -> None:
    result = run(NOWHERE, *words)
    assert (result.exit_code, "vigil up" in result.stderr) == (2, True)


def test_a_reason_is_for_discarding(vigil: str) -> None:
    result = run(vigil, "dead-letters", "--reason", "a test of ours")
    assert (result.exit_code, "--reason is for --discard ID" in result.stderr) == (2, True)


def test_a_reader_may_list_them(guarded: str, rig: Rig) -> None:
    rig.append(poison())
    rig.drain()
    for environment in ({"VIGIL_TOKEN": "reader-token"}, {"VIGIL_API_TOKENS": "ann:reader:reader-token"}):
        result = run(guarded, "dead-letters", **environment)
        assert (result.exit_code, "session s1" in result.stdout) == (0, True)
    assert "This needs a reader's or an operator's token" in run(guarded, "dead-letters").stderr


@pytest.mark.parametrize("words", [("dead-letters", "--discard", "0.eA", "--reason", "mine"), ("replay", "--all")])
def test_what_changes_something_needs_an_operator_and_says_so(guarded: str, words: tuple[str, ...]) -> None:
    for environment in ({"VIGIL_TOKEN": "reader-token"}, {"VIGIL_API_TOKENS": "ann:reader:reader-token"}):
        result = run(guarded, *words, **environment)
        assert result.exit_code == 2
        assert "This needs an operator's token: give it with --token, or in VIGIL_TOKEN." in result.stderr
    assert "operator's" not in run(guarded, *words, VIGIL_API_TOKENS=TOKENS).stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("dead-letters", "The token of a reader, for --discard that of an operator"),
        ("replay", "The token of an operator"),
    ],
)
def test_the_help_says_whose_token(command: str, words: str) -> None:
    told = CliRunner().invoke(main, [command, "--help"]).stdout
    assert words in " ".join(told.split())
