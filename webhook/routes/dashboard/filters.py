"""What a list is asked for in its address. A mistake in it is told beside its field, and costs nobody the page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Response, request
from msgspec import Struct
from werkzeug.datastructures import MultiDict

from webhook.domain.decoding import BY_NAME, UNKNOWN_PRODUCT
from webhook.domain.errors import Rejected
from webhook.routes import parameters
from webhook.routes.dashboard import forms
from webhook.routes.parameters import Arguments, Parser, time_ms
from webhook.store.paging import Cursor, read_cursor
from webhook.views.times import rfc3339
from webhook.views.words import in_words, product_name, query

_LOCAL = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?", re.ASCII)
RANGES = (("15 min", 15), ("1 h", 60), ("24 h", 1440), ("7 d", 10_080))  # minutes


class Asked(Struct):
    """`values` as they were read, `typed` as the address has them, `mistakes` by the parameter that is mistaken."""

    values: dict[str, Any]
    typed: dict[str, str]
    mistakes: dict[str, str]

    def cursor(self, of: str) -> Cursor | None:
        """Where the page of the list called `of` begins; one that is none becomes a mistake, and the list none."""
        try:
            return read_cursor(of, self.values.get("cursor"))
        except Rejected as refusal:
            self.mistakes["cursor"] = refusal.detail
            return None

    def criteria(self, names: Mapping[str, str], *left_out: str) -> dict[str, Any]:
        """What the list is narrowed to, each parameter under the name that `names` gives it, else its own."""
        return {
            names.get(name, name): value
            for name, value in self.values.items()
            if name not in (*parameters.PAGE, *left_out)
        }

    def narrowed(self, *left_out: str) -> bool:
        """Whether the list is narrowed by anything but these."""
        return bool(self.typed.keys() - {*parameters.PAGE, *left_out})


def instant_ms(text: str) -> int:
    """An instant in ms since the epoch; one without a zone, as a form's field has it, is in UTC."""
    return time_ms(f"{text.replace(' ', 'T')}Z" if _LOCAL.fullmatch(text) else text)


SPAN: dict[str, Parser] = {"since": instant_ms, "until": instant_ms}


def read(arguments: Arguments, parsers: Mapping[str, Parser]) -> Asked:
    """What is asked for. Times are written as the status API takes them."""
    mistakes: dict[str, str] = {}
    try:
        values = parameters.read(arguments, parsers)
    except Rejected as refusal:
        mistakes = {each["path"]: each["message"] for each in refusal.errors or ()}
        right = MultiDict([(name, text) for name, text in arguments.items(multi=True) if name not in mistakes])
        values = parameters.read(right, parsers)
    times = {name: rfc3339(values[name]) for name in SPAN if name in values and values[name] >= 0}
    return Asked(values, arguments.to_dict() | times, mistakes)


def tidied() -> Response | None:
    """A redirect to the address without what a form left empty; None where nothing is empty."""
    arguments = request.args.to_dict(flat=False)
    if all(text for texts in arguments.values() for text in texts):
        return None
    return forms.see(f"{request.path}{query({name: texts[0] for name, texts in arguments.items()})}".rstrip("?"))


def ranges(now_ms: int) -> list[tuple[str, str]]:
    """The ranges that people ask for most: in words, and since when by RFC 3339."""
    return [(words, rfc3339((now_ms // 60_000 - minutes) * 60_000)) for words, minutes in RANGES]


def products() -> list[tuple[str, str]]:
    """Every product and what it is called, to choose from."""
    return [(product, product_name(product)) for product in (*dict.fromkeys(BY_NAME), UNKNOWN_PRODUCT)]


def named(words: Iterable[str]) -> list[tuple[str, str]]:
    """Words to choose from, and as people write them."""
    return [(word, in_words(word)) for word in words]


def called(names: Iterable[str]) -> list[tuple[str, str]]:
    """Names that somebody gave, to choose from as they are."""
    return [(name, name) for name in sorted(names)]
