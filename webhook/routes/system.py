"""`GET /api/v1/system`: how Vigil itself is."""

from __future__ import annotations

import os
import platform
import socket
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from time import monotonic

from flask import Response, request
from msgspec import Struct

from webhook import clock
from webhook.queues import surveying
from webhook.routes import live, parameters
from webhook.routes.answers import tagged_answer
from webhook.routes.status import View, api, blueprint
from webhook.store.connection import server_now_ms, store_errors
from webhook.store.rounds import Reader, read, read_rounds
from webhook.store.system import Findings, reading
from webhook.store.workforce import Workforce
from webhook.views.system import Here, system_view

PACKAGES = {"vigil": "agora-vigil", **{name: name for name in ("flask", "gunicorn", "gevent", "redis", "rq")}}

Read = tuple[Findings, Workforce]


class Clocks(Struct, frozen=True):
    """The server's time in ms, how far ahead of it this host's clock is, and the round trip that told it, in s."""

    now_ms: int
    ahead_ms: int
    latency: float


@blueprint.get("/system")
def show_system() -> Response:
    """How Vigil itself is, as far as this process can know."""
    parameters.read(request.args, {})
    clocks = compare_clocks()
    return tagged_answer(system(clocks, read(api().redis, "reading how Vigil is", reading_system(clocks))))


def compare_clocks() -> Clocks:
    """One round trip to the server. Raises StoreError."""
    with store_errors("reading the server's clock"):
        host_ms, began = clock.now_ms(), monotonic()
        now_ms = server_now_ms(api().redis)
        latency = monotonic() - began
    return Clocks(now_ms, host_ms + round(latency * 500) - now_ms, latency)


def reading_system(clocks: Clocks) -> Reader[Read]:
    """What the store and the queues tell, in two steps."""
    settings = api().settings
    findings = reading(settings.shards, [sink.name for sink in settings.sinks], clocks.now_ms)
    found: Read = yield from read_rounds(findings, surveying())
    return found


def system(clocks: Clocks, found: Read) -> View:
    """What is shown of it."""
    here = Here(
        now_ms=clocks.now_ms,
        latency=clocks.latency,
        ahead_ms=clocks.ahead_ms,
        host=socket.gethostname(),
        pid=os.getpid(),
        open_feeds=live.open_feeds(),
        most_feeds=live.MOST_FEEDS,
        versions=_versions(),
    )
    return system_view(*found, here, api().settings)


@cache  # they are read from files, and stay the same
def _versions() -> dict[str, str | None]:
    return {"python": platform.python_version(), **{name: _version(package) for name, package in PACKAGES.items()}}


def _version(package: str) -> str | None:
    """Which version is installed; None where it runs from its source and was not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
