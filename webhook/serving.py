"""What gunicorn reads (`gunicorn --config python:webhook.serving webhook.wsgi:app`): each name here is its setting.

gevent, because half-sent headers and idle keep-alive connections cost it nothing; with threads a few dozen of the
first, or a few thousand of the second, stop the server.
"""

from __future__ import annotations

import os
import resource

from webhook.domain.errors import ConfigurationError, StoreError, Unsupported, WrongShards
from webhook.process import exit_with, settings_or_exit
from webhook.wiring import check_server, check_spool

# for the workers' sign of life: on a disk that stalls they would be killed for it; gunicorn makes the files private
MOST_DESCRIPTORS, SPARE_DESCRIPTORS = 65_536, 200
SHARED_MEMORY = "/dev/shm"  # noqa: S108


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _descriptors() -> int:
    """How many files and connections a process may have open, from now on as many as the system lets it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = min(hard, MOST_DESCRIPTORS) if hard != resource.RLIM_INFINITY else MOST_DESCRIPTORS
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


_settings = settings_or_exit()

bind = _address(_settings.host, _settings.port)
worker_class = "gevent"
workers = _settings.web_workers
worker_connections = min(10_000, _descriptors() - SPARE_DESCRIPTORS)  # each worker; above the idle ones to expect
backlog = 2048
keepalive = 15  # seconds; also the time that a client has for its headers
graceful_timeout = 3  # seconds for the requests in hand; idle keep-alive connections are waited for as long
timeout = 30  # seconds without a sign of life until a worker is killed
worker_tmp_dir = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK | os.X_OK) else None
control_socket_disable = True
accesslog = None
forwarder_headers = ""  # no sender decides where the application is mounted
forwarded_allow_ips = ""
loglevel = _settings.log_level
proc_name = "vigil-web"


def on_starting(_: object) -> None:
    """Ends the server before it listens where Redis, or the spool's directory, can never do what the settings ask.
    Redis may be away.
    """
    try:
        check_spool(_settings)
        check_server(_settings)
    except ConfigurationError as mistake:
        exit_with(mistake.problems)
    except (WrongShards, Unsupported) as mistake:
        exit_with([str(mistake)])
    except StoreError:
        return
