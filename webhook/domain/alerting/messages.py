"""Alerts in words: plain text for a chat or an e-mail at three in the morning. Pure.

Whatever came over the wire (channels, users, error messages, file names) is made plain before it is said: receivers
read text as HTML, Markdown or their own mark-up, and nothing of it may act in any of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from webhook.domain.alerting.alerts import Resolution, Severity
from webhook.domain.alerting.telling import Telling, Transition

MOST_CHARACTERS = 3500  # of a body; most chats take 4000
MOST_ALERTS = 20  # in one body; the rest is counted
LONGEST_WORD = 80
LONGEST_NAME = 64  # of a channel or a session in a title
LONGEST_SENTENCE = 400
ELLIPSIS = "\u2026"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOOK_ALIKES = str.maketrans(
    {
        "<": "\u2039",
        ">": "\u203a",
        "&": "+",
        "@": "(at)",
        "[": "(",
        "]": ")",
        "*": "\u2217",
        "~": "\u223c",
        "|": "\u00a6",
        "`": "'",
        "\\": "\u2216",
    }
)
_MARKUP = (  # what only acts in company: (pattern, what is said instead)
    (re.compile(r"(?<![^\W_])_|_(?![^\W_])"), "-"),  # one inside a name emphasizes nowhere
    (re.compile(r"(?<!\S)#+"), "\u266f"),
    (re.compile(r"\{\{"), "(("),
    (re.compile(r"\}\}"), "))"),
    (re.compile("://"), ":\u2044\u2044"),  # no link that nobody here made
)
_LONG_WORD = re.compile(rf"(\S{{{LONGEST_WORD - 1}}})\S{{2,}}")
_RULES = {  # where the rule's name does not say it
    "abnormal_exit": "abnormal end",
    "recorder_left_empty": "recorder left as if nobody were there",
    "failover_repeated": "repeated failover",
    "not_started": "recording not started",
    "not_uploaded": "files not uploaded",
    "upload_in_backup": "files in Agora's backup",
    "rtmp_disconnected": "RTMP disconnected",
}
_RESOLUTIONS = {
    Resolution.RECOVERED: "it is well again",
    Resolution.ENDED: "its session is over",
    Resolution.RETRACTED: "retracted, a late notification shows that it never was",
    Resolution.EXPIRED: "its time is over",
}


def title(tellings: Sequence[Telling]) -> str:
    """One line that says how many, how bad and where. Needs at least one telling."""
    if len(tellings) == 1:
        return headline(tellings[0])
    resolved = sum(each.transition is Transition.RESOLVED for each in tellings)
    if resolved == len(tellings):
        return f"Resolved: {resolved} alerts in {_places(tellings)}"
    critical = sum(_is_critical(each) for each in tellings)
    counts = [f"{_count(critical)} critical"] * bool(critical) + [f"{_count(resolved)} resolved"] * bool(resolved)
    return ", ".join((f"{len(tellings)} alerts in {_places(tellings)}", *counts))


def headline(telling: Telling) -> str:
    """What happened to one alert, in a line: `CRITICAL: recording error in lesson-12`."""
    return f"{_state(telling)}: {rule_in_words(telling.rule)} in {place(telling)}"


def body(tellings: Sequence[Telling], public_url: str | None, most: int = MOST_CHARACTERS) -> str:
    """What is wrong, since when, why, and what to do, the worst first; at most `most` characters and 20 alerts.

    Alerts that have no room are counted. Links lead to `public_url`, and there are none where it is None.
    """
    blocks = [_block(each, public_url) for each in sorted(tellings, key=_rank)]
    told = blocks[:1]
    for number, block in enumerate(blocks[1:MOST_ALERTS], start=2):
        room = most - len(_and_more(len(blocks) - number))
        if sum(len(each) + 2 for each in told) + len(block) > room:
            break
        told.append(block)
    more = _and_more(len(blocks) - len(told))
    return _cut("\n\n".join(told), most - len(more)) + more


def line(telling: Telling) -> str:
    """One alert in one line, with its delivery key."""
    return f"{headline(telling)}: {plain(telling.summary, LONGEST_SENTENCE)} ({plain(telling.key)})"


def plain(text: str, most: int = LONGEST_WORD) -> str:
    """`text` in one line of at most `most` characters that acts in no format: mark-up becomes characters like it.

    Compatible characters are normalized first, lest a receiver does it later and finds mark-up.
    """
    visible = "".join(map(_visible, unicodedata.normalize("NFKC", text[: 4 * most])))
    said = visible.translate(_LOOK_ALIKES)
    for pattern, instead in _MARKUP:
        said = pattern.sub(instead, said)
    return _cut(_LONG_WORD.sub(rf"\1{ELLIPSIS}", " ".join(said.split())), most)


def place(telling: Telling) -> str:
    """The channel an alert is about, plain, or the session where it has none."""
    return plain(telling.labels.get("channel") or telling.labels.get("session") or "no session", LONGEST_NAME)


def link(public_url: str, telling: Telling) -> str:
    """The address of the alert's page."""
    return f"{public_url.rstrip('/')}/ops/alerts/{quote(telling.alert_id, safe='')}"


def rule_in_words(rule: str) -> str:
    """The rule's name as it is said: `video stopped`."""
    return _RULES.get(rule) or plain(rule.replace("_", " "))


def _block(telling: Telling, public_url: str | None) -> str:
    return "\n".join(
        (
            f"{_state(telling)}: {rule_in_words(telling.rule)}. {plain(telling.summary, LONGEST_SENTENCE)}",
            f"Where: {_where(telling)}",
            *_course(telling),
            *([f"See {link(public_url, telling)}"] if public_url else []),
        )
    )


def _course(telling: Telling) -> Iterable[str]:
    """Since when, and what else there is to say: why and what to do, or how it ended."""
    began = _moment(telling.started_ms)
    if telling.transition is Transition.RESOLVED:
        ended_ms = telling.resolved_ms if telling.resolved_ms is not None else telling.decided_ms
        yield f"Lasted {_lasting(ended_ms - telling.started_ms)}, from {began} to {_moment(ended_ms)}"
        yield f"Why: {_RESOLUTIONS[Resolution(telling.resolution or Resolution.RECOVERED)]}"
        return
    yield f"Since: {began}"
    if telling.transition is Transition.REPEAT:
        yield f"Told again ({telling.number}): it still fires and nobody has acknowledged it"
    if telling.flapping or telling.transition is Transition.FLAPPING:
        yield "Flapping: it came and went several times, and is held as firing for a while"
    if telling.acknowledged is not None:
        yield _acknowledgement(telling)
    yield from (f"Cause: {each}" for each in [plain(telling.meaning, LONGEST_SENTENCE)] if each)
    yield from (f"Next step: {each}" for each in [plain(telling.action, LONGEST_SENTENCE)] if each)


def _acknowledgement(telling: Telling) -> str:
    ack = telling.acknowledged
    if ack is None:
        return ""
    note = f": {plain(ack.note, LONGEST_SENTENCE)}" if ack.note else ""
    return f"Acknowledged by {plain(ack.by)} at {_moment(ack.at_ms)}{note}"


def _where(telling: Telling) -> str:
    names = (("project", ""), ("channel", "channel "), ("session", "session "), ("uid", "user "), ("track", ""))
    told = [f"{words}{plain(telling.labels[name])}" for name, words in names if telling.labels.get(name)]
    return ", ".join(told) or "no session"


def _state(telling: Telling) -> str:
    words = {
        Transition.FIRING: telling.severity.upper(),
        Transition.REPEAT: f"Still {telling.severity.upper()}",
        Transition.RISE: f"Now {telling.severity.upper()}",
        Transition.FLAPPING: f"Flapping, {telling.severity.upper()}",
        Transition.ACKNOWLEDGED: "Acknowledged",
        Transition.RESOLVED: "Resolved",
    }
    return words[telling.transition]


def _rank(telling: Telling) -> tuple[bool, int]:
    return telling.transition is Transition.RESOLVED, -telling.severity.rank


def _is_critical(telling: Telling) -> bool:
    return telling.severity is Severity.CRITICAL and telling.transition is not Transition.RESOLVED


def _places(tellings: Iterable[Telling]) -> str:
    places = {each.group: place(each) for each in tellings}
    return next(iter(places.values())) if len(places) == 1 else f"{len(places)} channels"


def _count(number: int) -> str:
    return "one" if number == 1 else str(number)


def _and_more(number: int) -> str:
    return f"\n\nand {number} more" if number else ""


def _moment(at_ms: int) -> str:
    return f"{_EPOCH + timedelta(milliseconds=at_ms):%Y-%m-%d %H:%M:%S} UTC"


def _lasting(duration_ms: int) -> str:
    """A duration by its two greatest units: `1 h 5 min`."""
    seconds = max(0, duration_ms) // 1000
    units = (("d", seconds // 86_400), ("h", seconds // 3600 % 24), ("min", seconds // 60 % 60), ("s", seconds % 60))
    told = [f"{number} {unit}" for unit, number in units]
    first = next((at for at, (_, number) in enumerate(units) if number), len(units) - 1)
    return " ".join(told[first : first + 2])


def _visible(character: str) -> str:
    """The character; a space for a line break or a control; nothing for what is not seen, or turns others round."""
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp", "Zs"):
        return " "
    return "" if category[0] == "C" else character


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(0, most - 1)] + ELLIPSIS[: max(0, most)]
