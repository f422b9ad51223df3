"""Addresses of the web as an operator writes them. No message shows one: its path may be a secret."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

ADVICE = "is no http or https URL; write such as https://host/path"
_PLAIN = re.compile(r"[!-~]+")  # no blank and no control character, which would end the line of a request


def parse(url: object) -> SplitResult:
    """The parts of an http(s) URL. Raises ValueError, a predicate such as `is no http or https URL; ...`."""
    if not isinstance(url, str) or not _PLAIN.fullmatch(url):
        raise ValueError(ADVICE)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(ADVICE)
    return parts


def without_credentials(url: object) -> str:
    """An http(s) URL that names nobody. Raises ValueError as `parse` does."""
    parts = parse(url)
    if "@" in parts.netloc:
        raise ValueError(
            "has a user or a password in it, which would be sent to nobody; remove what stands before the @"
        )
    return parts.geturl()


def public(url: object) -> str:
    """An http(s) URL that can begin a link: without a slash at its end. Raises ValueError as `parse` does."""
    plain = without_credentials(url)
    if urlsplit(plain).query or urlsplit(plain).fragment:
        raise ValueError("goes on behind its path; write such as https://vigil.example.org")
    return plain.rstrip("/")
