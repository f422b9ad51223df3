"""`vigil sinks` against a real server of the API, and `vigil sinks test` against a real receiver."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from redis import Redis
from werkzeug.serving import make_server
from werkzeug.wsgi import get_input_stream

from tests import unserved
from tests.receivers import Answer, HttpReceiver
from tests.store.outboxes import NOW, Delivery, Taking, put, refuse, telling
from webhook import settings as configuration
from webhook.cli import main
from webhook.store.connection import server_now_ms
from webhook.store.keys import ShardKeys

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def vigil(redis: Redis, tmp_path: Path) -> Iterator[str]:
    (tmp_path / "vigil.toml").write_text('[[sink]]\nname = "ops"\nkind = "log"\n')
    application = unserved.create(configuration.load({"VIGIL_SHARDS": "2"}, tmp_path), redis)

    def bounded(environ: Any, start: Any) -> Any:
        return application.wsgi_app(environ | {"wsgi.input": get_input_stream(environ)}, start)

    server = make_server("127.0.0.1", 0, bounded)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def run(*words: str, config: str = "") -> Result:
    return CliRunner().invoke(main, ["sinks", *words], env={"VIGIL_CONFIG": config})


def fail(redis: Redis) -> Delivery:
    put(redis, telling("a"), telling("b", group="default/hall"))
    delivery = Delivery(redis, Taking(refuse(permanent=True)))
    delivery.run(server_now_ms(redis))
    return delivery


def test_each_sink_is_told_in_a_line(vigil: str, redis: Redis) -> None:
    assert run("--url", vigil).stdout == "idle     ops  log  0 delivered, 0 waiting\n"
    fail(redis)
    told = run("--url", vigil)
    assert told.stdout.startswith("failing  ops  log  0 delivered, 0 waiting, 2 dead  2 failures since 2")
    assert told.stdout.endswith(": HTTP 500\n")
    assert told.exit_code == 0


def test_the_api_s_answer_can_be_had_as_it_is(vigil: str) -> None:
    assert [item["name"] for item in json.loads(run("--url", vigil, "--json").stdout)["items"]] == ["ops"]


def test_what_was_given_up_is_listed_and_replayed(vigil: str, redis: Redis) -> None:
    assert run("dead", "ops", "--url", vigil).stdout == "No dead deliveries\n"
    fail(redis)
    told = run("dead", "ops", "--url", vigil)
    assert "after 1 attempt: HTTP 500" in told.stdout
    assert "    a firing: a is wrong" in told.stdout
    assert "raise --limit" in run("dead", "ops", "--url", vigil, "--limit", "1").stdout
    first, second = json.loads(run("dead", "ops", "--url", vigil, "--json").stdout)["items"]
    assert run("replay", "ops", first["id"], "--url", vigil).stdout == f"{first['id']}  replayed\n"
    assert run("replay", "ops", "--url", vigil).stdout == f"{second['id']}  replayed\n"
    assert run("replay", "ops", "--url", vigil).stdout == "No dead deliveries\n"


def test_one_that_is_not_taken_up_ends_with_1(vigil: str, redis: Redis) -> None:
    fail(redis)
    redis.hset(ShardKeys(0).busy("ops"), "a", "another")
    redis.zadd(ShardKeys(0).sealed("ops"), {"another": NOW})
    told = run("replay", "ops", "--url", vigil)
    assert told.exit_code == 1
    assert "busy: another delivery of one of its alerts is under way" in told.stdout
    assert run("replay", "ops", "0.x", "--url", vigil, "--json").exit_code == 1


@pytest.mark.parametrize("words", [("dead", "nobody"), ("replay", "nobody")])
def test_a_sink_that_there_is_not_ends_with_1(vigil: str, words: tuple[str, ...]) -> None:
    told = run(*words, "--url", vigil)
    assert (told.exit_code, "configured are ops" in told.stderr) == (1, True)


@pytest.mark.parametrize("words", [(), ("dead", "ops"), ("replay", "ops")])
def test_where_nobody_answers_it_ends_with_2(words: tuple[str, ...]) -> None:
    told = run(*words, "--url", NOWHERE)
    assert (told.exit_code, "vigil up" in told.stderr) == (2, True)


def sink(directory: Path, text: str) -> str:
    path = directory / "vigil.toml"
    path.write_text(f'[[sink]]\nname = "ops"\n{text}\n')
    return str(path)


def test_a_test_is_a_firing_and_then_its_resolution_marked_as_a_test(tmp_path: Path) -> None:
    with HttpReceiver() as receiver:
        config = sink(tmp_path, f'kind = "alertmanager"\nurl = "{receiver.url}"')
        told = run("test", "ops", config=config)
        firing, resolved = (each.json[0] for each in receiver.received)
    assert told.exit_code == 0
    assert [line.split(" after")[0] for line in told.stdout.splitlines()] == ["firing: taken", "resolved: taken"]
    assert firing["labels"] == resolved["labels"]
    assert "TEST" in json.dumps(firing)


def test_a_test_that_failed_says_why_and_ends_with_1(tmp_path: Path) -> None:
    with HttpReceiver(Answer(500)) as receiver:
        config = sink(tmp_path, f'kind = "alertmanager"\nurl = "{receiver.url}/s3cret"')
        told = run("test", "ops", config=config)
        assert len(receiver.received) == 1
    assert told.exit_code == 1
    assert "firing: HTTP 500" in told.stderr
    assert "s3cret" not in told.output


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("nobody", 'kind = "log"', "No sink is called 'nobody'; configured are ops."),
        ("ops", 'kind = "pagerduty"\nrouting_key = "no-key"', "routing_key"),
    ],
)
def test_a_test_of_what_cannot_work_ends_with_2(tmp_path: Path, name: str, text: str, said: str) -> None:
    told = run("test", name, config=sink(tmp_path, text))
    assert (told.exit_code, said in told.stderr, "no-key" in told.stderr) == (2, True, False)
