"""URLs in texts, their secret parts masked: users, stream keys, queries and fragments."""

from __future__ import annotations

import re
from collections.abc import Iterator

from webhook.domain.credentials import mask

_SCHEME = r"(?P<scheme>[a-z][a-z0-9+.-]{0,15})"  # bounded, so that the search takes linear time
_FLAGS = re.IGNORECASE | re.ASCII
_URL = re.compile(_SCHEME + r"://(?P<rest>[^\s\"'<>]+)", _FLAGS)
_ONLY_URL = re.compile(_SCHEME + r"://(?P<rest>.+)", _FLAGS | re.DOTALL)
# percent-encoded, or in JSON inside a string: what is in it is not looked at
_ENCODED = re.compile(_SCHEME + r"(?P<mark>%3a%2f%2f|:(?:\\+/){2})(?P<rest>[^\s\"'<>]+)", _FLAGS)
_NAME = re.compile(r"(?:ur[li]s?|address(?:es)?)\Z", _FLAGS)
_PUSHED = re.compile(r"\A(?:rtmp|srt|rist|rtsp|webrtc|push|publish)", _FLAGS)
_KEYED_PATHS = ("rtmp", "srt", "rist", "rtsp", "webrtc")  # schemes whose paths end in a stream key
_PORT = re.compile(r"[^:]*(?::\d*)?")
_CUT = re.compile(r"[?#;]")


def names_address(name: str) -> bool:
    """Whether what is called so is an address, or several of them, and nothing else."""
    return _NAME.search(name) is not None


def mask_urls(text: str) -> str:
    """`text` with the secret parts of every URL in it masked: user, stream key, query and fragment."""
    shown = _URL.sub(_masked_url, text) if "://" in text else text
    return _ENCODED.sub(_masked_encoded, shown) if "%" in shown or "\\" in shown else shown


def mask_address(name: str, text: str) -> str:
    """The same of an address called `name`, which ends where the text does, and may lack its scheme.

    Where its name says that something is pushed to it, its path ends in a key whatever the scheme.
    """
    only, pushed = _ONLY_URL.fullmatch(text), _PUSHED.search(name) is not None
    if only is not None:
        return f"{only['scheme']}://{_masked_rest(only['rest'], keyed=pushed or _is_keyed(only))}"
    if "/" not in text or not pushed or _ENCODED.search(text):
        return text
    bare = text.lstrip("/")
    return text[: len(text) - len(bare)] + _masked_rest(bare, keyed=True)


def stream_keys(text: str) -> Iterator[str]:
    """The stream key of every URL in the text that has one: what follows the application in its path."""
    for match in _URL.finditer(text) if "://" in text else ():
        path = _cut(match["rest"])[0].partition("/")[2]
        if _is_keyed(match) and path:
            yield _application_and_key(path)[1]


def _is_keyed(match: re.Match[str]) -> bool:
    return match["scheme"].lower().startswith(_KEYED_PATHS)


def _masked_url(match: re.Match[str]) -> str:
    return f"{match['scheme']}://{_masked_rest(match['rest'], keyed=_is_keyed(match))}"


def _masked_encoded(match: re.Match[str]) -> str:
    return match["scheme"] + match["mark"] + mask(match["rest"])


def _masked_rest(rest: str, *, keyed: bool) -> str:
    """What follows the scheme, masked."""
    address, cut, query = _cut(rest)
    host, slash, path = address.partition("/")
    if "@" in path and (keyed or not _PORT.fullmatch(host)):  # a slash in the password: nothing can be told apart
        return f"{mask(address)}{cut}{_masked_query(query)}"
    user, at, host = host.rpartition("@")
    return f"{mask(user)}{at}{host}{slash}{_masked_path(path, keyed)}{cut}{_masked_query(query)}"


def _masked_path(path: str, keyed: bool) -> str:
    if keyed:
        application, key = _application_and_key(path)
        return application + mask(key)
    return mask(path) if "://" in path else path


def _cut(rest: str) -> tuple[str, str, str]:
    """What stands before, at and after the first `?`, `#` or `;`."""
    cut = _CUT.search(rest)
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
