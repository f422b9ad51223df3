"""What gunicorn reads (`gunicorn --config python:webhook.serving webhook.wsgi:app`): each name here is its setting.

gevent, because half-sent headers and idle keep-alive connections cost it nothing; with threads a few dozen of the
first, or a few thousand of the second, stop the server.
"""

from __future__ import annotations

import os

from webhook.process import settings_or_exit

# for the workers' sign of life: on a disk that stalls they would be killed for it; gunicorn makes the files private
SHARED_MEMORY = "/dev/shm"  # noqa: S108


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


_settings = settings_or_exit()

bind = _address(_settings.host, _settings.port)
worker_class = "gevent"
workers = _settings.web_workers
worker_connections = 10_000  # each worker; above the idle connections to expect
backlog = 2048
keepalive = 15  # seconds; also the time that a client has for its headers
graceful_timeout = 3  # seconds for the requests in hand; idle keep-alive connections are waited for as long
timeout = 30  # seconds without a sign of life until a worker is killed
worker_tmp_dir = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK | os.X_OK) else None
control_socket_disable = True
accesslog = None
loglevel = _settings.log_level
proc_name = "vigil-web"
