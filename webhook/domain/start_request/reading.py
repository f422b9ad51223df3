"""A start request as the rules look at it: what stands where, and how a value may be named in a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

INDIVIDUAL = "individual"
MODES = (INDIVIDUAL, "mix", "web")

_CLIENT = "clientRequest"
OUTSIDE_CLIENT = ("cname", "uid", _CLIENT)
IN_CLIENT = (
    "recordingConfig",
    "recordingFileConfig",
    "snapshotConfig",
    "storageConfig",
    "extensionServiceConfig",
    "token",
)
_LONGEST_INTEGER = 10**20  # 2^64 has 20 digits; turning far longer ones into text is slow, or an error
_MOST_ITEMS = 4
_CONSTANTS = {None: "null", True: "true", False: "false"}
# Access keys are longer than this and addresses have other characters: pasted into a wrong field, neither is repeated.
_PRESENTABLE = re.compile(r"[A-Za-z0-9 _./#-]{0,16}")


class StartRequest(Struct, frozen=True):
    """A start request taken apart. `outer` also holds the mode, which the URL carries; `root` is where `client` stands.

    `readable` is False where there is no object to look for the client request's content in.
    """

    outer: Mapping[str, Any]
    client: Mapping[str, Any]
    root: str
    readable: bool

    def value(self, place: str) -> Any:
        """What stands at `place`, names joined by dots; None where nothing does, or null."""
        value: Any = self.outer if place in self.outer else self.client
        for name in place.split("."):
            value = as_object(value).get(name)
        return value

    def path(self, place: str) -> str:
        """The JSON path of `place`; the mode, which is no part of the body, is just `mode`."""
        if place == "mode":
            return place
        return f"{'$' if place in self.outer else self.root}.{place}"

    def has(self, place: str) -> bool:
        """Whether anything but null stands at `place`."""
        return self.value(place) is not None

    @property
    def mode(self) -> Any:
        """The recording mode as given, known or not."""
        return self.outer["mode"]


def read(start_request: Any, mode: Any) -> StartRequest:
    """The start request taken apart, also where the content of `clientRequest` was written at the top level."""
    body = as_object(start_request)
    outer = {"mode": mode} | {name: body.get(name) for name in OUTSIDE_CLIENT}
    if outer[_CLIENT] is None and any(name in body for name in IN_CLIENT):
        return StartRequest(outer, body, "$", readable=True)
    client = outer[_CLIENT]
    return StartRequest(outer, as_object(client), f"$.{_CLIENT}", readable=isinstance(client, Mapping))


def is_start_request(value: Any) -> bool:
    """Whether `value` has something that only a start request has at its top."""
    return any(name in as_object(value) for name in (*OUTSIDE_CLIENT, *IN_CLIENT))


def as_object(value: Any) -> Mapping[str, Any]:
    """`value` where it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def is_integer(value: Any) -> bool:
    """Whether `value` is a whole number as JSON writes it: neither true nor 1.0 nor "1"."""
    return isinstance(value, int) and not isinstance(value, bool)


def kind_of(value: Any) -> str:
    """What sort of thing `value` is, in words that give nothing of it away."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return f"a string of length {len(value)}" if value else "an empty string"
    if isinstance(value, list):
        return f"an array of length {len(value)}"
    return "an object" if isinstance(value, Mapping) else "a number"


def shown(value: Any) -> str:
    """`value` as a message may repeat it: numbers, short plain strings and short arrays of them; else its kind."""
    if isinstance(value, list) and len(value) <= _MOST_ITEMS:
        return f"[{', '.join(_shown_item(item) for item in value)}]"
    return _shown_item(value)


def _shown_item(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return _CONSTANTS[value]
    if isinstance(value, str) and _PRESENTABLE.fullmatch(value):
        return f'"{value}"'
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < _LONGEST_INTEGER):
        return str(value)
    return kind_of(value)
