"""The heartbeat: an address that is called as long as Vigil is well, so that somebody else notices when it is not."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

import urllib3
from rq.timeouts import JobTimeoutException
from urllib3.exceptions import HTTPError

SECONDS = 8.0  # the job's alarm ends what takes longer all the same

log = logging.getLogger(__name__)


def beat(url: str, seconds: float = SECONDS) -> bool:
    """Whether `url` answered a GET with 2xx in time. Where not, a line of the log says so, and the next one is sent
    when it is due. Redirects are not followed.
    """
    problem = _problem(url, seconds)
    if problem is not None:
        log.warning("the heartbeat to %s failed: %s", urlsplit(url).hostname, problem)  # its path is a secret
    return problem is None


def _problem(url: str, seconds: float) -> str | None:
    timeout = urllib3.Timeout(total=seconds)
    try:
        answer = urllib3.request("GET", url, timeout=timeout, retries=False, redirect=False, preload_content=False)
    except JobTimeoutException:  # headers that come byte by byte: each of them begins a timeout anew
        return f"no answer within {seconds:g} s"
    except HTTPError as failure:
        return type(failure).__name__  # what it says holds the path
    answer.close()  # what else it says is not read
    return None if 200 <= answer.status < 300 else f"HTTP {answer.status}"
