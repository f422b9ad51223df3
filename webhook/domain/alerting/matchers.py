"""Matchers: which alerts a route or a silence is about, said by their labels as Prometheus says it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache

import re2  # linear in the text whatever the pattern: no stranger's pattern can hold up the one writer of a shard
from msgspec import Struct

LONGEST = 200  # characters of a value or a pattern
LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_TEXT = re.compile(r"\s*(?P<label>[A-Za-z_][A-Za-z0-9_]{0,63})\s*(?P<op>=~|!~|!=|=)\s*(?P<value>.*?)\s*", re.DOTALL)


class Op(StrEnum):
    """How a matcher compares. Patterns have to fit the whole of a value."""

    EQUAL = "="
    UNEQUAL = "!="
    LIKE = "=~"
    UNLIKE = "!~"


class Matcher(Struct, frozen=True):
    """What one label of an alert has to be. A label that an alert has not counts as empty."""

    label: str
    op: Op
    value: str

    def __str__(self) -> str:
        return f'{self.label}{self.op.value}"{self.value}"'

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether `labels` have what is asked for. Total: a pattern that `problem` refuses fits nothing."""
        found = labels.get(self.label, "")
        if self.op is Op.EQUAL:
            return found == self.value
        if self.op is Op.UNEQUAL:
            return found != self.value
        pattern = _compiled(self.value)
        if pattern is None:
            return False
        return bool(pattern.fullmatch(found)) is (self.op is Op.LIKE)

    @property
    def problem(self) -> str | None:
        """Why it cannot be used, and what to do; None where it can."""
        if not LABEL.fullmatch(self.label):
            return f"{self.label[:64]!r} is no label: letters, digits and _, at most 64, no digit first"
        if len(self.value) > LONGEST:
            return f"the value has {len(self.value)} characters; at most {LONGEST} are compared"
        if self.op in (Op.LIKE, Op.UNLIKE) and _compiled(self.value) is None:
            return f"{self.value!r} is no pattern of RE2, which knows no look-around and no back-references"
        return None


def parse_matcher(text: str) -> Matcher:
    """The matcher that `label=value` stands for, with or without quotes. Raises ValueError that says what is wrong."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:80]!r} is no matcher; write label=value with one of = != =~ !~")
    value = found["value"]
    quoted = len(value) >= 2 and value[0] == value[-1] == '"'
    matcher = Matcher(found["label"], Op(found["op"]), value[1:-1] if quoted else value)
    if matcher.problem is not None:
        raise ValueError(matcher.problem)
    return matcher


def all_fit(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether every one of them fits; none at all fit everything."""
    return all(matcher.fits(labels) for matcher in matchers)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re2._Regexp | None:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error:
        return None
