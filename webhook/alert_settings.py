"""Who is told of alerts, as `vigil.toml` says it: sinks, and the address that hears that Vigil is alive."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, Literal, get_args

from msgspec import Struct

from webhook import web_url
from webhook.domain.alerting.matchers import Matcher, parse_matcher, with_known_label
from webhook.domain.alerting.telling import Route
from webhook.settings_file import NAME_PATTERN, Table, duration

Kind = Literal["apprise", "pagerduty", "webhook", "alertmanager", "log"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NEEDED: Mapping[Kind, frozenset[str]] = {  # keys that a sink of that kind cannot do without
    "apprise": frozenset({"url"}),
    "pagerduty": frozenset({"routing_key"}),
    "webhook": frozenset({"url", "secret"}),
    "alertmanager": frozenset({"url"}),
    "log": frozenset(),
}
POSSIBLE: Mapping[Kind, frozenset[str]] = {**NEEDED, "pagerduty": frozenset({"routing_key", "url"})}
SINK_KEYS = frozenset({"name", "kind", "url", "secret", "routing_key", "matchers"})
HEARTBEAT_EVERY = 60  # seconds
LONGEST_EVERY = 86_400


class SinkSettings(Struct, frozen=True, kw_only=True):
    """One sink: where it goes, and which alerts it is told of. Nothing that prints it shows more than its name."""

    name: str
    kind: Kind
    url: str | None = None
    secret: str | None = None
    routing_key: str | None = None
    matchers: tuple[Matcher, ...] = ()

    @property
    def route(self) -> Route:
        """Which alerts it is told of."""
        return Route(self.name, self.matchers)

    def __repr__(self) -> str:
        return f"SinkSettings(name={self.name!r}, kind={self.kind!r})"


class Heartbeat(Struct, frozen=True, kw_only=True):
    """Who misses Vigil when it falls silent: an address that is called `every` so many seconds."""

    url: str
    every: int = HEARTBEAT_EVERY

    def __repr__(self) -> str:  # whoever knows the path can keep Vigil's silence from being noticed
        return f"Heartbeat(every={self.every})"


LOG = SinkSettings(name="log", kind="log")  # where nobody says who is told


def read_sinks(file: Table) -> tuple[SinkSettings, ...]:
    """The sinks of `[[sink]]`; without any, the log. Mistakes are told, and what has some is left out."""
    tables = file.tables("sink")
    _refuse_twins(tables)
    own_labels = labels_of_sources(file)
    sinks = [sink for table in tables if (sink := _read_sink(table, own_labels)) is not None]
    return tuple(sinks) or (LOG,)


def labels_of_sources(file: Table) -> set[str]:
    """The labels of all sources as they are written: of a source that is a mistake, another message tells."""
    written = file.values.get("source", [])
    sources = [source for source in written if isinstance(source, dict)] if isinstance(written, list) else []
    tables = (source.get("labels") for source in sources)
    return {label for labels in tables if isinstance(labels, dict) for label in labels}


def read_heartbeat(file: Table) -> Heartbeat | None:
    """The address of `[heartbeat]`; None without one, or where it is a mistake."""
    table = file.table("heartbeat")
    if table is None:
        return None
    table.refuse_unknown(("url", "every"))
    every = table.read("every", _every) or HEARTBEAT_EVERY
    if not table.has("url"):
        table.refuse("url", "it is missing or empty; write the address that has to be called")
        return None
    url = table.read("url", web_url.without_credentials, secret=True)
    return None if url is None else Heartbeat(url=url, every=every)


def _read_sink(table: Table, own_labels: Collection[str]) -> SinkSettings | None:
    table.refuse_unknown(SINK_KEYS)
    if not table.has("name"):
        table.refuse("name", "it is missing; give each sink a name of its own")
    name = table.read("name", _name, secret=True)
    kind = _kind(table)
    matchers = _matchers(table, own_labels)
    if kind is None:
        return None
    _refuse_keys(table, kind)
    read = {key: table.read(key, partial(READERS[key], kind), secret=True) for key in sorted(POSSIBLE[kind])}
    return SinkSettings(name=name or "", kind=kind, matchers=matchers, **read)


def _refuse_twins(tables: list[Table]) -> None:
    """Names are what deliveries are kept under, so two sinks of one name would take each other's."""
    first: dict[object, Table] = {}
    for table in tables:
        name = table.values.get("name")
        earlier = first.setdefault(name, table) if isinstance(name, str) and name else table
        if earlier is not table:
            line = table.file.lines.of((*earlier.place, "name"))
            table.refuse("name", f"{table.file.shown((*table.place, 'name'))} is that of the sink of line {line}, too")


def _kind(table: Table) -> Kind | None:
    if "kind" in table.values:
        return table.read("kind", _known_kind)
    if table.has("url"):
        return "apprise"
    table.refuse("kind", f"it is missing; known are {', '.join(KINDS)}, and with a url of Apprise it is not needed")
    return None


def _refuse_keys(table: Table, kind: Kind) -> None:
    for key in sorted(NEEDED[kind]):
        if not table.has(key):
            table.refuse(key, f"it is missing or empty, and a sink of kind {kind} needs it")
    for key in sorted({"url", "secret", "routing_key"} & table.values.keys() - POSSIBLE[kind]):
        table.refuse(key, f"it is of no use to a sink of kind {kind}; remove it, or write another kind")


def _matchers(table: Table, own_labels: Collection[str]) -> tuple[Matcher, ...]:
    texts = table.values.get("matchers", [])
    if not isinstance(texts, list):
        table.refuse("matchers", 'it is no array; write such as ["severity=critical"]')
        return ()
    inner = Table(table.file, (*table.place, "matchers"), {}, table.problems)
    read = [_matcher(inner, at, text, own_labels) for at, text in enumerate(texts)]
    return tuple(matcher for matcher in read if matcher is not None)


def _matcher(table: Table, position: int, text: object, own_labels: Collection[str]) -> Matcher | None:
    place = (*table.place, position)
    if place in table.file.unset:
        return None
    try:
        return with_known_label(parse_matcher(text) if isinstance(text, str) else _no_matcher(), own_labels)
    except ValueError as mistake:
        written = table.file.shown(place)
        told = f"{written} is no matcher with what its variables stand for" if "${" in written else str(mistake)
        table.problems.append(f"{table.file.at(place)}: {told}")
        return None


def _no_matcher() -> Matcher:
    raise ValueError("it is no string; write a matcher such as 'severity=critical'")


def _text(kind: Kind, value: object) -> str | None:
    """Any text. What is empty is told by `_refuse_keys`."""
    if not isinstance(value, str):
        raise ValueError("is no string")  # noqa: TRY004  a mistake of the operator, told as all others are
    return value or None


def _url(kind: Kind, value: object) -> str | None:
    url = _text(kind, value)
    if url is None or kind == "apprise":  # whose addresses only Apprise can judge
        return url
    return web_url.without_credentials(url) if kind == "webhook" else web_url.parse(url).geturl()


READERS: Mapping[str, Any] = {"url": _url, "secret": _text, "routing_key": _text}


def _name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(NAME_PATTERN, value):
        raise ValueError("is no name; write at most 64 letters, digits, - and _")
    return value


def _known_kind(value: object) -> Kind:
    for kind in KINDS:
        if value == kind:
            return kind
    raise ValueError(f"is no kind of sink; known are {', '.join(KINDS)}")


def _every(value: object) -> int:
    seconds = duration(value)
    if not 1 <= seconds <= LONGEST_EVERY:
        raise ValueError("is too short or too long; write a duration of 1s to 1d")
    return seconds
