"""`vigil up`: everything that Vigil needs, on one machine, kept alive until Ctrl-C."""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import click
from msgspec.structs import replace

from webhook import development, embedded
from webhook.domain.errors import ConfigurationError, StoreError, Unsupported, WrongShards
from webhook.process import exit_with, log_to_stderr, warn_of_unknown_settings
from webhook.settings import SECRETS_NAME, Settings, from_environment
from webhook.supervisor import Child, Stage, Supervisor
from webhook.wiring import check_server, check_spool
from workers.sinks.making import check_sinks

# what the Procfile says, each after `python -m`; a test compares both
PROCESSES = {
    "web": ("gunicorn", "--config", "python:webhook.serving", "webhook.wsgi:app"),
    "worker": ("workers.main",),
    "clock": ("workers.schedule",),
}
CLIENTS_STOP_WITHIN, SERVER_STOPS_WITHIN = 7.0, 2.0  # seconds; together under the 10 that Ctrl-C may take
READY_WITHIN = 60.0  # seconds for the server to read its files
ANSWERS_WITHIN = 15.0  # seconds from one complaint to the next while web does not answer
ANSWER_WITHIN = 0.5  # seconds for one look whether web answers
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  where to reach what listens on all addresses

log = logging.getLogger(__name__)


@click.command()
def up() -> None:
    """Start everything: web, worker, clock and, without REDIS_URL, the embedded server. Ctrl-C stops all of it."""
    try:
        settings = from_environment()
        log_to_stderr("up", settings.log_level)
        warn_of_unknown_settings()
        held = embedded.claim(settings.var)
        check_spool(settings)
        check_sinks(settings.sinks)
        environment = _environment(settings := _with_port(settings))
        Supervisor(_stages(settings, environment)).run(partial(_announce, settings))
        os.close(held)
    except ConfigurationError as mistake:
        exit_with(mistake.problems)
    except StoreError as failure:
        click.echo(str(failure), err=True)
        sys.exit(1)


def _with_port(settings: Settings) -> Settings:
    """The settings with a port that is free now; PORT=0 is any. Raises ConfigurationError when it is taken."""
    try:
        found = socket.getaddrinfo(
            settings.host or None, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            port = probe.getsockname()[1]
    except OSError as taken:
        place = f"PORT={settings.port} on VIGIL_HOST={settings.host}"
        raise ConfigurationError([f"{place}: {taken.strerror}; set another PORT, or PORT=0 for any"]) from taken
    return replace(settings, port=port)


def _environment(settings: Settings) -> dict[str, str]:
    """What the children are told: the environment of this process with the address, the server and the secret."""
    environment = {**os.environ, "PORT": str(settings.port), "VIGIL_HOST": settings.host}
    environment["PYTHONUNBUFFERED"] = "1"
    if settings.redis_url is None:
        embedded.check_installed()
        environment["REDIS_URL"] = embedded.url(settings.var)
    else:
        environment["REDIS_URL"] = settings.redis_url
    if not any(source.secrets for source in settings.sources):
        environment[SECRETS_NAME] = development.make_secret(settings.var)
        place = settings.var / development.FILE
        click.echo(
            f"No secret is configured: notifications are verified with a development secret, which is in {place}"
        )
    return environment


def _stages(settings: Settings, environment: Mapping[str, str]) -> list[Stage]:
    clients = [Child(name, partial(_exec_python, arguments, environment)) for name, arguments in PROCESSES.items()]
    stages = [
        Stage([], 0.0, partial(_server_is_usable, replace(settings, redis_url=environment["REDIS_URL"]))),
        Stage(clients, CLIENTS_STOP_WITHIN, _patiently(partial(_answers, settings))),
    ]
    if settings.redis_url is None:
        server = Child("valkey", partial(_exec_server, settings.var))
        stages.insert(0, Stage([server], SERVER_STOPS_WITHIN, _server_is_ready(settings.var)))
    return stages


def _exec_python(arguments: tuple[str, ...], environment: Mapping[str, str]) -> None:
    os.execve(sys.executable, [sys.executable, "-m", *arguments], environment)


def _exec_server(var: Path) -> None:
    try:
        embedded.exec_server(var)
    except ConfigurationError as mistake:
        log.error("%s", mistake)
        raise SystemExit(2) from None


def _server_is_ready(var: Path) -> Callable[[], bool]:
    deadline = time.monotonic() + READY_WITHIN

    def is_ready() -> bool:
        if time.monotonic() > deadline:
            raise StoreError(embedded.not_ready(var, READY_WITHIN))
        return embedded.is_ready(var)

    return is_ready


def _patiently(answers: Callable[[], bool]) -> Callable[[], bool]:
    """`answers`, which says in one line when web has not answered for long, whatever else the log is full of."""
    complain_at = time.monotonic() + ANSWERS_WITHIN

    def is_ready() -> bool:
        nonlocal complain_at
        if answers():
            return True
        if time.monotonic() > complain_at:
            log.error("web has not answered yet; why stands in the lines above, and Vigil keeps trying")
            complain_at += ANSWERS_WITHIN
        return False

    return is_ready


def _server_is_usable(settings: Settings) -> bool:
    """True also while Redis is away, which the others bear. Raises WrongShards or Unsupported before they start."""
    try:
        check_server(settings)
    except (WrongShards, Unsupported):
        raise
    except StoreError as failure:
        log.error("Redis does not answer; until it does, what is posted goes to the spool (%s)", failure)
    return True


def _answers(settings: Settings) -> bool:
    host = EVERY_ADDRESS.get(settings.host, settings.host)
    connection = HTTPConnection(host, settings.port, timeout=ANSWER_WITHIN)
    try:
        connection.request("GET", "/livez", headers={"Connection": "close"})
        return connection.getresponse().status < 500
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _announce(settings: Settings) -> None:
    host = EVERY_ADDRESS.get(settings.host, settings.host)
    root = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    if settings.allow_unsigned:
        click.echo("VIGIL_ALLOW_UNSIGNED=1: posts without a signature are accepted")
    click.echo(
        f"Vigil is up.\n"
        f"  Agora posts to  {root}/webhooks/agora\n"
        f"  status API      {root}/api/v1/sessions\n"
        f"  alive           {root}/livez\n"
        f"  data            {settings.var.resolve()}\n"
        f"Ctrl-C stops everything."
    )
