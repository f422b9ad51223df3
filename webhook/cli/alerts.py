"""`vigil alerts` and `vigil ack`: what is wrong, and saying that somebody has it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

import click

from webhook.cli.client import Api, Failure, with_api

Json = dict[str, Any]
SHOWN, PAGE = 20, 500
INDENT = " " * 10  # the width of a severity
STATES = ("firing", "pending", "resolved", "all")
SEVERITIES = ("critical", "warning", "info")


@click.command()
@click.argument("name", required=False, metavar="[ID]")
@click.option("--state", type=click.Choice(STATES), default="firing", show_default=True, help="Only in this state.")
@click.option("--severity", type=click.Choice(SEVERITIES), help="Only of this severity.")
@click.option("--limit", type=click.IntRange(1, PAGE), default=SHOWN, show_default=True, help="How many to show.")
@click.option("--json", "as_json", is_flag=True, help="Print the API's answer as it is.")
@with_api("reader")
def alerts(api: Api, name: str | None, state: str, severity: str | None, limit: int, as_json: bool) -> None:
    """Lists what is wrong now, the gravest first, or tells everything about one alert.

    Exits with 0, with 1 where there is none of that id, with 2 where Vigil does not answer.

    Example: vigil alerts --severity critical
    """
    if name is not None:
        item = api.get(_path(name))
        _show(json.dumps(item, indent=2).splitlines() if as_json else describe(item))
        return
    wanted = {"state": None if state == "all" else state, "severity": severity}
    if as_json:
        click.echo(json.dumps(api.get("/alerts", limit=limit, **wanted), indent=2))
        return
    click.echo(counts(api.get("/summary")["alerts"]))
    items = _gravest_first(api, wanted, limit + 1)
    for item in items[:limit]:
        _show(lines(item))
    if len(items) > limit:
        click.echo("… and more: raise --limit, or narrow it down with --state or --severity")


@click.command()
@click.argument("name", metavar="ID")
@click.option("--note", help="What others should know; they see it beside your name.")
@click.option("--take-back", is_flag=True, help="Say that nobody has it any more.")
@with_api("operator")
def ack(api: Api, name: str, note: str | None, take_back: bool) -> None:
    """Says that you have an alert: it is not told again until it is resolved.

    Exits with 0, with 1 where there is none of that id, with 2 where it is over or Vigil does not answer.

    Example: vigil ack 3-5f0c2a9e7b1d4866-1 --note "on it, the encoder hangs"
    """
    if take_back and note is not None:
        raise Failure("--note is for acknowledging, not for --take-back; nothing was changed", 2)
    path = f"{_path(name)}/ack"
    said = {} if note is None else {"note": note}
    item = api.send("DELETE", path, {}) if take_back else api.send("POST", path, said)
    _show([f"{item['id']}  {_has_it(item) or 'nobody has it'}: {item['summary']}"])


def counts(summary: Json) -> str:
    """One line: how many fire of which severity, how many are pending, and how many nobody has."""
    firing = [f"{summary['firing'][severity]} {severity}" for severity in SEVERITIES if summary["firing"][severity]]
    told = [f"firing: {', '.join(firing) or 'none'}", f"pending: {summary['pending']}"]
    return "; ".join([*told, *([f"not acknowledged: {summary['unacknowledged']}"] if firing else [])])


def lines(item: Json) -> Iterator[str]:
    """One alert of a list: how bad, what, since when and where; its summary; its id, and who has it."""
    state = "" if item["state"] == "firing" else f"{item['state']}, "
    yield f"{item['severity']:8}  {_in_words(item['rule']):22}  {state}since {item['startedAt']}  {_where(item)}"
    yield f"{INDENT}{item['summary']}"
    quiet = "silenced" if item["silencedBy"] else ""
    flapping = "flapping" if item["flapping"] else ""
    yield INDENT + "  ".join(filter(None, (item["id"], _has_it(item), quiet, flapping)))


def describe(item: Json) -> Iterator[str]:
    """Everything about one alert."""
    yield f"{item['severity']}: {_in_words(item['rule'])}, {item['state']} since {item['startedAt']}"
    yield item["summary"]
    yield from [f"what it means: {item['meaning']}"] if item["meaning"] else []
    yield from [f"what to do: {item['action']}"] if item["action"] else []
    yield from [f"fired {item['firedAt']}"] if item["firedAt"] else []
    yield from [f"resolved {item['resolvedAt']}: {item['resolution']}"] if item["resolvedAt"] else []
    yield from ["flapping: it came and went so often that it is held for a while"] if item["flapping"] else []
    yield from filter(None, [_has_it(item)])
    yield from (f"silenced by {silence}" for silence in item["silencedBy"])
    yield from map(_delivery, item["deliveries"])
    yield "labels: " + ", ".join(f"{label}={value}" for label, value in sorted(item["labels"].items()) if value)
    yield f"id: {item['id']}"


def _gravest_first(api: Api, wanted: Json, most: int) -> list[Json]:
    """At most so many alerts, those of one severity by their beginning, the last begun first."""
    items: list[Json] = []
    for severity in [wanted["severity"]] if wanted["severity"] else SEVERITIES:
        cursor = None
        while len(items) < most:
            query = wanted | {"severity": severity, "cursor": cursor}
            page = api.get("/alerts", limit=min(PAGE, most - len(items)), **query)
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                break
    return items


def _path(name: str) -> str:
    return f"/alerts/{quote(name, safe='')}"


def _in_words(rule: str) -> str:
    return rule.replace("_", " ")


def _where(item: Json) -> str:
    labels = item["labels"]
    named = [f"{label} {labels[label]}" for label in ("channel", "session") if labels.get(label)]
    return ", ".join(named) or "Vigil itself"


def _has_it(item: Json) -> str:
    told = item["acknowledged"]
    if told is None:
        return ""
    return f"acknowledged by {told['by']}" + (f" ({told['note']})" if told["note"] else "")


def _delivery(told: Json) -> str:
    why = "".join(f", {told[name]}" for name in ("reason", "error") if told[name])
    return f"{told['transition']} to {told['sink']}: {told['result']} at {told['at']}, attempt {told['attempt']}{why}"


def _show(told: Iterable[str]) -> None:
    """Prints lines without what a name from the wire could do to a terminal."""
    for line in told:
        click.echo("".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line))
