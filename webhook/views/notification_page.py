"""Rows of the list of notifications: what came, when, what became of it, and, where one is open, what it says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum, IntFlag
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from webhook.domain.log import Entry, least_notice_id
from webhook.domain.timeline.telling import tell
from webhook.store.notifications import Item
from webhook.views.drawing.notices import anchor
from webhook.views.drawing.words import spaced
from webhook.views.notifications import notification_view
from webhook.views.times import parse_rfc3339, rfc3339

View = dict[str, Any]
AROUND_MS = 5 * 60_000  # of a session's timeline, before and after the notification
LONGEST_BODY = 200_000  # characters that a page shows
SIGNATURES = {
    0: "not signed: posts without a signature are allowed",
    1: "signed, version 1 (HMAC-SHA1): it held",
    2: "signed, version 2 (HMAC-SHA256): it held",
}


class Opened(Struct, frozen=True):
    """What an open row shows. `body` is None where it is hidden from readers; `cut` says that there is more of it."""

    signature: str
    says: list[tuple[str, str]]
    body: str | None
    cut: bool
    timeline: str | None  # its row in its session's page, and what went on around it
    around: str | None


class NotificationRow(Struct, frozen=True):
    """One row. `shown` is what the API answers, `anchor` the row's id in the page, `opened` None while it is closed."""

    shown: View
    anchor: str
    sequence: int | None
    opened: Opened | None


def notification_rows(items: Sequence[Item], opened: str | None, *, operator: bool) -> Iterator[NotificationRow]:
    """The rows of a page; those of the noticeId `opened` are open."""
    named: dict[str, int] = {}
    for item in items:
        name = item.copy.notice_id
        named[name] = named.get(name, 0) + 1
        shown = notification_view(item, operator=operator)
        told = tell(item.entry)
        yield NotificationRow(
            shown=shown,
            anchor=anchor(name) if named[name] == 1 else f"{anchor(name)}-{named[name]}",
            sequence=told.sequence if told and told.sequence >= 0 else None,
            opened=_opened(item.entry, shown) if name == opened else None,
        )


def pretty(body: Any) -> str | None:
    """A body as the API shows it, its JSON indented; None where the API shows none."""
    if not isinstance(body, msgspec.Raw):
        return None if body is None else str(body)
    return msgspec.json.format(bytes(body), indent=2).decode()


def _opened(entry: Entry, shown: View) -> Opened:
    body = pretty(shown["body"])
    here, at = _in_session(entry), shown["occurredAt"]
    return Opened(
        signature=SIGNATURES.get(entry.signature, f"signed, version {entry.signature}: it held"),
        says=list(_sayings(entry)),
        body=body and body[:LONGEST_BODY],
        cut=body is not None and len(body) > LONGEST_BODY,
        timeline=here and "#".join(here),
        around=here and at and f"{here[0]}{_window(parse_rfc3339(at))}#{here[1]}",
    )


def _in_session(entry: Entry) -> tuple[str, str] | None:
    """The address of its session and its place there; None where it has no session, or is not told of in it."""
    if entry.session_id is None or entry.occurred_ms is None:
        return None
    return f"/ops/sessions/{quote(entry.session_id, safe='')}", quote(anchor(least_notice_id(entry)), safe="")


def _window(at_ms: int) -> str:
    return f"?from={rfc3339(max(at_ms - AROUND_MS, 0))}&to={rfc3339(at_ms + AROUND_MS)}"


def _sayings(entry: Entry) -> Iterator[tuple[str, str]]:
    """What the body says in the words of this release, a part each; nothing where it cannot be decoded."""
    told = tell(entry)
    if told is None:
        return
    if told.teller is not None:
        yield "told by", told.teller
    yield from _parts(told.event)


def _parts(event: Struct) -> Iterator[tuple[str, str]]:
    for name, value in msgspec.structs.asdict(event).items():
        if isinstance(value, Struct):
            yield from _parts(value)
        elif value is not None and value not in ((), ""):
            yield spaced(name.removesuffix("_ms")), _in_words(name, value)


def _in_words(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, IntFlag):
        return spaced((value.name or str(int(value))).replace("|", ", "))
    if isinstance(value, Enum):
        return spaced(str(value.value))
    if isinstance(value, tuple):
        return ", ".join(_in_words("", each) for each in value[:20]) + (", …" if len(value) > 20 else "")
    if isinstance(value, Struct):
        return next((text for _, text in _parts(value)), "")  # its name; the rest is in the body
    return rfc3339(value) if name.endswith("_ms") else str(value)
