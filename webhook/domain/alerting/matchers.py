"""Matchers: which alerts a route or a silence is about, said by their labels as Prometheus says it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from functools import lru_cache

import re2  # linear in the text whatever the pattern: no stranger's pattern can hold up the one writer of a shard
from msgspec import Struct

LABELS = ("product", "project", "channel", "session", "uid", "track", "source", "rule", "severity")  # of every alert
LONGEST = 200  # characters of a value or a pattern
LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
LONGEST_TEXT = 1000  # characters of a matcher as it is written; room for quotes, escapes and spaces
_TEXT = re.compile(r"(?P<label>[A-Za-z_][A-Za-z0-9_]{0,63})\s*(?P<op>=~|!~|!=|=)\s*(?P<value>.*)", re.DOTALL)
_QUOTED = re.compile(r'"(?P<inner>(?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')  # any other backslash is the pattern's own


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
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.label}{self.op.value}"{escaped}"'

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
        # as bytes, because half a surrogate pair, which JSON can spell, has no other form in which it can be compared
        return bool(pattern.fullmatch(found.encode("utf-8", "surrogatepass"))) is (self.op is Op.LIKE)

    @property
    def excludes_some(self) -> bool:
        """Whether it names a value, other than the empty one, that does not fit."""
        if self.op is Op.UNLIKE:
            pattern = _compiled(self.value)
            return pattern is None or not _is_of_nothing(pattern)
        return self.op is Op.UNEQUAL and self.value != ""

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
    """The matcher that `label=value` stands for, with or without quotes. Raises ValueError that says what is wrong.

    Within quotes a backslash before a quote or a backslash is left out; every other one is part of the value.
    """
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"the matcher has {len(text)} characters; at most {LONGEST_TEXT} are read")
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:80]!r} is no matcher; write label=value with one of {' '.join(Op)}")
    return matcher_of(found["label"], found["op"], _value(found["value"]))


def matcher_of(label: str, op: str, value: str) -> Matcher:
    """The matcher of these parts. Raises ValueError that says what is wrong."""
    if op not in set(Op):
        raise ValueError(f"{op[:80]!r} is no operator; there are {' '.join(Op)}")
    matcher = Matcher(label, Op(op), value)
    if matcher.problem is not None:
        raise ValueError(matcher.problem)
    return matcher


def with_known_label(matcher: Matcher, own_labels: Collection[str]) -> Matcher:
    """The matcher. Raises ValueError, with the labels that there are, where no alert can have its label.

    `own_labels` are those that the operator gives to sources, which the alerts of these have as well.
    """
    known = {*LABELS, *own_labels}
    if matcher.label not in known:
        raise ValueError(f"no alert has a label {matcher.label!r}; known are {', '.join(sorted(known))}")
    return matcher


def all_fit(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether every one of them fits; none at all fit everything."""
    return all(matcher.fits(labels) for matcher in matchers)


def _value(text: str) -> str:
    """What is compared: `text` as it stands, or what its quotes hold."""
    if text.startswith(("=", "~")):
        raise ValueError(
            f"{text[:80]!r} begins as an operator does; there are {' '.join(Op)}, and quotes for such a value"
        )
    if not text.startswith('"'):
        return text
    quoted = _QUOTED.fullmatch(text)
    if quoted is None:
        raise ValueError(f'the quotes of {text[:80]!r} do not enclose it; write a quote within as \\"')
    return _ESCAPED.sub(r"\1", quoted["inner"])


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re2._Regexp | None:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True  # only whether it fits is asked, which is found faster alone
    options.dot_nl = True  # .* fits everything
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError):  # the latter for half a surrogate pair
        return None


def _is_of_nothing(pattern: re2._Regexp) -> bool:
    """Whether no text but the empty one can fit."""
    try:
        greatest = pattern.possiblematchrange(1)[1]
    except re2.error:  # there is no greatest, as for all that begins with .*
        return False
    return bool(greatest == b"")
