"""Credentials in payloads, masked before anything but the inbox keeps them.

A mask tells two values apart, by four hex digits of their digest, and says no more of them. Masking what is masked
changes nothing, so what is decoded from a masked body equals what was decoded when it came. Names of channels and
sessions are what everything is found by: they are no credentials and stay as they are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

_NAMES = (
    r"token|secret|passw(?:or)?d|passphrase|salt|credentials?|authorization|"
    r"(?:stream|access|secret|encryption|private|auth|api|app)[ _-]?key"
)
_SECRET_NAME = re.compile(rf"(?:{_NAMES})\Z", re.IGNORECASE)
_SCHEME = r"(?P<scheme>[a-z][a-z0-9+.-]{0,15})://"  # bounded, so that the search takes linear time
_URL = re.compile(_SCHEME + r"(?P<rest>[^\s\"'<>]+)", re.IGNORECASE)
_ONLY_URL = re.compile(_SCHEME + r"(?P<rest>.+)", re.IGNORECASE | re.DOTALL)
_URL_NAME = re.compile(r"(?:url|uri|address)\Z", re.IGNORECASE)
_KEYED_PATHS = ("rtmp", "srt", "rist")  # schemes whose paths end in a stream key
# `token=x`, `"token": "x"`, also with the quotes escaped, as in JSON inside a string, and `Authorization: Bearer x`
_NAMED = re.compile(
    rf"(?P<name>(?:{_NAMES})\b(?: provided| is| was)?[\\\"']*\s*[:=]\s*[\\\"']*(?:(?:bearer|basic)\s+)?|\bbearer\s+)"
    r"(?P<value>[^\s\\\"',;&)}\]]+)",
    re.IGNORECASE,
)
_PORT = re.compile(r"[^:]*(?::\d*)?")
_MASKED = re.compile(r"\*{3}[0-9a-f]{4}")
_IDENTIFIERS = frozenset({"sid", "noticeId", "cname", "channel", "channelName", "rtcChannel"})
_LEAST_ECHO = 6  # characters of a credential that is looked for where no name announces it

MOST_LEVELS = 32  # what is nested deeper is no payload of Agora's, and walking it could exhaust the stack
TOO_DEEP = "***0000"

Mask = Callable[[str], str]


def may_hold_secrets(body: bytes) -> bool:
    r"""Whether the raw body could hold a credential; False is certain, and the common case.

    A backslash may hide anything, as in `\u0074oken` or `rtmp:\/\/`. Single letters that most bodies lack are looked
    for first: that takes a tenth of the time that one expression for all the words takes.
    """
    low = body.lower()
    return (
        b"\\" in low
        or (b"/" in low and b"://" in low)
        or (b"k" in low and (b"key" in low or b"token" in low))
        or b"cre" in low  # secret, credential
        or b"pass" in low
        or b"salt" in low
        or b"auth" in low
    )


def mask_payload(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload with every credential masked, wherever it stands.

    That is what has the name of a credential, keys, users and queries in URLs, `name=value` in texts, and what was
    found so once more in other texts.
    """
    echoes = {secret for secret in _secrets_in(payload) if len(secret) >= _LEAST_ECHO and not _MASKED.fullmatch(secret)}
    masked: dict[str, Any] = _walked(payload, _masker(echoes))
    return masked


def mask(value: str) -> str:
    """What stands for a credential. The same value has the same mask; a mask is its own."""
    if not value or _MASKED.fullmatch(value):
        return value
    return "***" + hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:4]


def mask_text(text: str) -> str:
    """`text` with the secret parts of every URL in it masked, and the values of all that it calls a credential."""
    shown = mask_urls(text)
    if ":" not in shown and "=" not in shown and " " not in shown:  # the common case: a word
        return shown
    return _NAMED.sub(lambda match: match["name"] + mask(match["value"]), shown)


def mask_urls(text: str) -> str:
    """`text` with the secret parts of every URL in it masked: user, stream key, query and fragment."""
    return _URL.sub(_masked_url, text) if "://" in text else text


def _masker(echoes: set[str]) -> Mask:
    if not echoes:
        return mask_text
    longest_first = sorted(echoes, key=lambda echo: (-len(echo), echo))
    found = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
    return lambda text: mask_text(found.sub(lambda match: mask(match[0]), text))


def _walked(value: Any, masker: Mask, levels: int = MOST_LEVELS) -> Any:
    if isinstance(value, str):
        return masker(value)
    if not isinstance(value, dict | list):
        return value
    if levels == 0:
        return TOO_DEEP
    if isinstance(value, dict):
        return {name: _under(name, item, masker, levels - 1) for name, item in value.items()}
    return [_walked(item, masker, levels - 1) for item in value]


def _under(name: str, value: Any, masker: Mask, levels: int) -> Any:
    if _is_secret(name):
        return _all_masked(value, levels)
    if not isinstance(value, str):
        return _walked(value, masker, levels)
    if name in _IDENTIFIERS:
        return value
    only = _ONLY_URL.fullmatch(value) if "://" in value and _URL_NAME.search(name) else None
    return masker(_masked_url(only) if only else value)


def _all_masked(value: Any, levels: int) -> Any:
    if not isinstance(value, dict | list):
        return value if value is None or isinstance(value, bool) else mask(str(value))
    if levels == 0:
        return TOO_DEEP
    if isinstance(value, dict):
        return {name: _all_masked(item, levels - 1) for name, item in value.items()}
    return [_all_masked(item, levels - 1) for item in value]


def _secrets_in(value: Any, *, named: bool = False, levels: int = MOST_LEVELS) -> Iterator[str]:
    """Every text that has the name of a credential, and every stream key of a URL."""
    if isinstance(value, str):
        yield from (value,) if named else _stream_keys(value)
    elif isinstance(value, dict) and levels:
        for name, item in value.items():
            yield from _secrets_in(item, named=named or _is_secret(name), levels=levels - 1)
    elif isinstance(value, list) and levels:
        for item in value:
            yield from _secrets_in(item, named=named, levels=levels - 1)


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _stream_keys(text: str) -> Iterator[str]:
    if "://" in text:
        yield from filter(None, map(_stream_key, _URL.finditer(text)))


def _stream_key(match: re.Match[str]) -> str | None:
    """What follows the application in the path of a URL whose path ends in a stream key."""
    if not match["scheme"].lower().startswith(_KEYED_PATHS):
        return None
    path = _cut(match["rest"])[0].partition("/")[2]
    return _application_and_key(path)[1]


def _masked_url(match: re.Match[str]) -> str:
    address, cut, query = _cut(match["rest"])
    host, slash, path = address.partition("/")
    keyed = match["scheme"].lower().startswith(_KEYED_PATHS)
    if "@" in path and (keyed or not _PORT.fullmatch(host)):  # a slash in the password: nothing can be told apart
        return f"{match['scheme']}://{mask(address)}{cut}{_masked_query(query)}"
    user, at, host = host.rpartition("@")
    return f"{match['scheme']}://{mask(user)}{at}{host}{slash}{_masked_path(path, keyed)}{cut}{_masked_query(query)}"


def _masked_path(path: str, keyed: bool) -> str:
    if keyed:
        application, key = _application_and_key(path)
        return application + mask(key)
    return mask(path) if "://" in path else path


def _cut(rest: str) -> tuple[str, str, str]:
    """What stands before, at and after the first `?` or `#`."""
    cut = re.search(r"[?#]", rest)
    return (rest[: cut.start()], cut[0], rest[cut.end() :]) if cut else (rest, "", "")


def _application_and_key(path: str) -> tuple[str, str]:
    """The first part of a path with its slash, and all that follows; a path of one part is all key."""
    application, slash, key = path.partition("/")
    if not key.strip("/"):
        return "", path
    return application + slash, key


def _masked_query(query: str) -> str:
    return "&".join(_masked_pair(*part.partition("=")) for part in query.split("&"))


def _masked_pair(name: str, equals: str, value: str) -> str:
    return f"{name}={mask(value)}" if equals else mask(name)
