"""`vigil status` against the application: what a terminal shows of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from werkzeug.serving import make_server

from tests import unserved
from tests.store.build import AT_MS, audio, created, exited, joined, left, notification, snapshot, started, told, video
from tests.store.rig import Rig
from webhook import settings as configuration
from webhook.cli.status import status

TOKENS = "ann:reader:reader-token,bob:operator:operator-token"


def serve(application: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def url(application: Flask) -> Iterator[str]:
    yield from serve(application)


@pytest.fixture
def guarded(rig: Rig, tmp_path: Path) -> Iterator[str]:
    settings = configuration.load({"VIGIL_API_TOKENS": TOKENS, "VIGIL_SHARDS": "2"}, tmp_path)
    yield from serve(unserved.create(settings, rig.redis))


def run(*arguments: str, **environment: str) -> Result:
    clean = {"VIGIL_API_TOKENS": "", "VIGIL_TOKEN": "", "VIGIL_CONFIG": ""}
    return CliRunner().invoke(status, list(arguments), env=clean | environment)


def lines(*arguments: str) -> list[str]:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_a_recording_is_described_with_all_that_it_has_and_nothing_else(rig: Rig, url: str) -> None:
    trouble = {"module": 1, "errorLevel": 4, "errorCode": 47, "errorMsg": ""}
    lost = {"streamUid": "7", "trackType": "video", "startUtcMs": AT_MS + 9000, "discontinueUtcMs": AT_MS + 5000}
    rig.append(
        started(sequence=1),
        video(1, at_ms=AT_MS + 1000, sequence=2),
        audio(0, at_ms=AT_MS + 1000, sequence=3),
        *(snapshot(number, sequence=4 + number) for number in range(3)),
        notification(1, trouble, "n1", sequence=10),
        notification(42, lost, "n42", sequence=12),
        left(at_ms=AT_MS + 8000, code=24, sequence=13),
        exited(at_ms=AT_MS + 9000, sequence=14),
    )
    rig.drain()
    told_of = lines("s1", "--url", url)
    assert told_of[0] == "s1: cloud_recording in channel lobby, ended since 2025-11-24T16:00:09.000Z"
    assert told_of[1] == "exit: normal at 2025-11-24T16:00:09.000Z, ignore, left_channel"
    assert told_of[2] == (
        "recorder 1001: from 2025-11-24T16:00:00.000Z until 2025-11-24T16:00:08.000Z, left: ignore, left_channel"
    )
    assert told_of[3] == (
        "stream 7: video stopped since 2025-11-24T16:00:01.000Z, audio receiving since 2025-11-24T16:00:01.000Z, "
        "3 snapshots, the last 2025-11-24T16:00:00.002Z, one every 0.001 s"
    )
    assert told_of[4] == "not recorded: 7 video from 2025-11-24T16:00:05.000Z until 2025-11-24T16:00:09.000Z"
    assert told_of[5].startswith("upload: failed, 0%")
    assert told_of[6].startswith("error at 2025-11-24T16:00:00.000Z: uploader 47: ")
    assert "; " in told_of[6], "what to do about it"
    assert told_of[7:] == ["notifications: 10", "missing from recorder 1001: numbers 7 to 9, 11"]


def test_a_channel_is_described_by_who_is_there(rig: Rig, url: str) -> None:
    gone = {"channelName": "lobby", "uid": 9, "clientSeq": 9, "ts": AT_MS // 1000 + 5, "reason": 1, "duration": 5}
    rig.append(joined(7), told(1, 104, gone), video(0))
    rig.drain()
    told_of = lines("rtc:default:lobby", "--url", url)
    assert told_of[0].startswith("rtc:default:lobby: rtc in channel lobby, live since ")
    assert "present: 1 (1 broadcasters)" in told_of
    assert "user 7: broadcaster, there since 2025-11-24T16:00:00.000Z" in told_of
    assert [line for line in told_of if line.startswith("user 9: broadcaster, left 2025-11-24T16:00:05.000Z, ")]
    assert not [line for line in told_of if line.startswith(("upload", "failovers", "stream", "recorder", "missing"))]


def test_a_converter_is_described_by_its_last_word_and_why_it_ended(rig: Rig, url: str) -> None:
    destroyed = {"id": "c1", "createTs": AT_MS // 1000, "updateTs": AT_MS // 1000 + 9}
    rig.append(created("c1"))
    rig.append(told(5, 4, {"converter": destroyed, "destroyReason": "Internal Error", "lts": AT_MS // 1000 + 9}))
    rig.drain()
    told_of = lines("c1", "--url", url)
    assert told_of[0].startswith("c1: media_push in channel lobby, ended since ")
    assert [line for line in told_of if line.startswith("exit: abnormal at ")]
    assert [line for line in told_of if line.startswith("because: Internal Error: ")]
    assert told_of[-1] == "notifications: 2"


def test_the_list_names_products_counts_and_says_how_many_more_there_are(rig: Rig, url: str) -> None:
    rig.append(*(started(f"s{number:02}", AT_MS + number) for number in range(23)))
    rig.append(video(1, "one", AT_MS + 99), created("c1", at_ms=AT_MS + 98_000))
    rig.drain()
    shown = lines("--url", url)
    assert shown[1].startswith("live      media_push        c1  lobby  last 2025-11-24T16:01:38")
    assert shown[2].startswith("live      cloud_recording   one  lobby  1 stream, 1 stopped  last 2025-11-24T16:00:00")
    assert shown[3].startswith("starting  cloud_recording   s22  lobby  last 2025")
    assert len(shown) == 1 + 20 + 1
    assert shown[-1] == "… and 5 more: show them with --limit, or fewer with --state, --product or --channel"
    assert lines("--url", url, "--state", "starting")[-1].startswith("… and 3 more: ")
    assert lines("--url", url, "--channel", "lobby")[-1].startswith("… and more: ")
    assert len(lines("--url", url, "--limit", "25")) == 1 + 25
    assert len(lines("--url", url, "--product", "media_push")) == 1 + 1
    assert len(json.loads(run("--url", url, "--json", "--limit", "3").stdout)["sessions"]["items"]) == 3


def test_a_session_that_is_only_registered_has_no_last_word(rig: Rig, url: str, client: Any) -> None:
    client.post("/api/v1/sessions", json={"sid": "r1", "resourceId": "r", "mode": "mix", "channel": "lobby"})
    rig.drain()
    assert lines("--url", url)[1] == "expected  cloud_recording   r1  lobby  last -"
    assert [line for line in lines("r1", "--url", url) if line.startswith("registered ") and line.endswith("mode mix")]


def test_what_the_api_refuses_is_told_by_option(rig: Rig, url: str) -> None:
    result = run("--state", "happy", "--url", url)
    assert result.exit_code == 2
    assert "state: 'happy': known are expected, starting, live" in result.stderr


def test_a_session_that_is_not_there_exits_1(rig: Rig, url: str) -> None:
    result = run("nobody", "--url", url)
    assert (result.exit_code, "No such session" in result.stderr) == (1, True)


def test_where_nothing_answers_the_sentence_is_that_of_every_command() -> None:
    result = run("--url", "http://127.0.0.1:9")
    assert (
        result.stderr == "Error: Nothing answers at http://127.0.0.1:9; start Vigil with `vigil up`, or give --url.\n"
    )
    assert result.exit_code == 2


def test_the_configured_token_is_used_here_where_none_is_given(guarded: str, rig: Rig) -> None:
    assert run("--url", guarded).exit_code == 2
    assert run("--url", guarded, VIGIL_API_TOKENS=TOKENS).exit_code == 0
    assert run("--url", guarded, VIGIL_TOKEN="operator-token").exit_code == 0
    assert run("--url", guarded, VIGIL_API_TOKENS=TOKENS, VIGIL_TOKEN="wrong").exit_code == 2


def test_the_configured_token_goes_to_no_other_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def request(*_: Any, headers: Any, **more: Any) -> Any:
        seen.append(headers)
        raise SystemExit

    monkeypatch.setattr("urllib3.request", request)
    for address in ("http://vigil.example", "http://localhost.vigil.example", "http://localhost"):
        run("--url", address, VIGIL_API_TOKENS=TOKENS)
    assert seen == [{}, {}, {"Authorization": "Bearer reader-token"}]


def test_while_redis_is_away_it_says_that_nothing_can_be_read_and_where_to_look(rig: Rig, url: str) -> None:
    rig.redis.connection_pool.disconnect()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("redis.connection.UnixDomainSocketConnection._connect", away)
        result = run("--url", url)
    assert result.exit_code == 2
    assert "Cannot read now" in result.stderr
    assert "/readyz" in result.stderr
    assert "keep" not in result.stderr


def away(_: object) -> None:
    raise OSError("a planted fault")
