"""`vigil rebuild` beside real workers' work: what it prints, what it changes, how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.servers import EmbeddedServer
from tests.store.build import AT_MS, snapshot, started, video
from tests.store.rig import Rig
from webhook import embedded
from webhook.cli import main
from webhook.domain import folding
from webhook.domain.transitions import apply
from webhook.queues import FOLD
from webhook.store.commit import Commit
from webhook.store.keys import SHARDS
from webhook.store.shard import Shard
from webhook.views.sessions import session_view


class Vigil:
    """The command with the settings of this server, and what workers fold there."""

    def __init__(self, rig: Rig, var: Path, directory: Path) -> None:
        self.rig, config = rig, directory / "vigil.toml"
        config.touch()
        url = embedded.url(var)
        self.environment = {"REDIS_URL": url, "VIGIL_SHARDS": str(rig.shards), "VIGIL_CONFIG": str(config)}

    def run(self, *words: str, **environment: str) -> Result:
        return CliRunner().invoke(main, ["rebuild", *words], env=self.environment | environment)

    def video(self, session_id: str) -> Any:
        return session_view(self.rig.session(session_id))["streams"][0]["video"]


@pytest.fixture
def vigil(rig: Rig, valkey: EmbeddedServer, tmp_path: Path) -> Vigil:
    """Two sessions, of which a fault in `apply` folded `s1` wrongly."""

    def faulty(session: Any, fact: Any, *, effect_known: bool = False) -> Any:
        wrong = fact.event_type == 44 and fact.session_id == "s1"
        return session if wrong else apply(session, fact, effect_known=effect_known)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "apply", faulty)
        for sid, room in (("s1", "lobby"), ("s2", "attic")):
            rig.append(
                started(sid, cname=room), snapshot(1, sid, cname=room), video(1, sid, at_ms=AT_MS + 5, cname=room)
            )
        rig.drain()
    return Vigil(rig, valkey.var, tmp_path)


def test_a_dry_run_says_what_differs_and_mends_nothing(vigil: Vigil) -> None:
    result = vigil.run("s1", "--dry-run")
    assert result.stdout.splitlines()[0] == "s1: differs"
    assert "  .streams[0].video: 'unknown' -> 'stopped'" in result.stdout
    assert (result.exit_code, vigil.video("s1")) == (1, "unknown")


def test_a_real_run_mends_it_and_the_next_finds_nothing(vigil: Vigil) -> None:
    result = vigil.run("s1")
    assert (result.stdout.splitlines()[0], result.exit_code) == ("s1: mended", 1)
    assert vigil.video("s1") == "stopped"
    vigil.rig.check()
    again = vigil.run("s1")
    assert (again.stdout, again.exit_code) == ("s1: nothing differs\n", 0)


def test_of_all_only_those_that_differ_are_told(vigil: Vigil) -> None:
    result = vigil.run("--all")
    assert result.stdout.splitlines()[0] == "s1: mended"
    assert "s2" not in result.stdout
    assert result.stderr.splitlines()[-1] == "2 sessions folded again: 1 wrong and mended"
    again = vigil.run("--all")
    assert (again.stderr.splitlines()[-1], again.exit_code) == (
        "2 sessions folded again: none wrong and mended",
        0,
    )


def test_one_that_cannot_be_folded_is_told_and_the_others_are_mended(
    vigil: Vigil, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(session: Any, fact: Any, *, effect_known: bool = False) -> Any:
        if fact.session_id == "s2":
            raise RuntimeError("a planted fault")
        return apply(session, fact, effect_known=effect_known)

    monkeypatch.setattr("webhook.domain.refolding.apply", faulty)
    result = vigil.run("--all")
    assert "s2: it cannot be folded again: RuntimeError: a planted fault" in result.stdout
    assert "s1: mended" in result.stdout
    assert result.stderr.splitlines()[-1] == "1 session folded again: 1 wrong and mended; 1 could not be folded again"
    assert (result.exit_code, vigil.video("s1")) == (1, "stopped")


def test_as_json_each_session_is_a_line(vigil: Vigil) -> None:
    lines = [json.loads(line) for line in vigil.run("--all", "--dry-run", "--json").stdout.splitlines()]
    assert sorted((line["sessionId"], bool(line["differences"]), line["whyNot"]) for line in lines) == [
        ("s1", True, None),
        ("s2", False, None),
    ]


def test_it_waits_for_a_worker_and_wakes_one_for_what_came_meanwhile(
    vigil: Vigil, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = vigil.rig.shard(vigil.rig.keys_of(started()).shard, "a worker")
    vigil.rig.append(video(0, at_ms=AT_MS + 9))
    monkeypatch.setattr("webhook.cli.rebuild.sleep", lambda _: vigil.rig.redis.delete(shard.keys.lease))
    assert vigil.run("s1").exit_code == 1
    assert vigil.rig.redis.llen(f"rq:queue:{FOLD}") == 1
    vigil.rig.drain()
    assert vigil.video("s1") == "receiving"


def test_a_shard_that_stays_busy_is_given_up(vigil: Vigil, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.cli.rebuild.BUSY_FOR", -1.0)
    vigil.rig.shard(vigil.rig.keys_of(started()).shard, "a worker")
    result = vigil.run("s1")
    assert (result.exit_code, "a worker is at shard" in result.stderr) == (2, True)
    assert vigil.video("s1") == "unknown"


def test_a_lease_that_was_lost_meanwhile_is_taken_again(vigil: Vigil, monkeypatch: pytest.MonkeyPatch) -> None:
    sound, lost = Shard.amend, []

    def paused(shard: Shard, commit: Commit) -> None:
        if not lost:
            lost.append(vigil.rig.redis.delete(shard.keys.lease))  # as its TTL does while the machine stands still
        sound(shard, commit)

    monkeypatch.setattr(Shard, "amend", paused)
    assert vigil.run("s1").stdout.splitlines()[0] == "s1: mended"
    assert (lost, vigil.video("s1")) == ([1], "stopped")


@pytest.mark.parametrize("words", [[], ["s1", "--all"]])
def test_it_has_to_be_said_which(vigil: Vigil, words: list[str]) -> None:
    assert vigil.run(*words).exit_code == 2


def test_a_session_that_is_not_there_ends_with_1(vigil: Vigil) -> None:
    result = vigil.run("nobody")
    assert (result.exit_code, "no session is called 'nobody'" in result.stderr) == (1, True)


def test_without_redis_it_ends_with_2(vigil: Vigil, tmp_path: Path) -> None:
    result = vigil.run("--all", REDIS_URL=f"unix://{tmp_path}/no.sock")
    assert (result.exit_code, "REDIS_URL" in result.stderr) == (2, True)


def test_without_redis_url_it_says_where_it_looked(vigil: Vigil, tmp_path: Path) -> None:
    result = vigil.run("--all", REDIS_URL="", VIGIL_VAR=str(tmp_path / "var"))
    assert (result.exit_code, "is REDIS_URL right?" in result.stderr) == (2, False)
    assert f"embedded server in {tmp_path / 'var'}: `vigil up` has to run there" in result.stderr


def test_another_number_of_shards_is_refused(vigil: Vigil) -> None:
    vigil.rig.redis.set(SHARDS, 2)
    result = vigil.run("--all", VIGIL_SHARDS="4")
    assert (result.exit_code, "VIGIL_SHARDS" in result.stderr) == (2, True)
