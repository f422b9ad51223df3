"""`vigil dead-letters` and `vigil replay`: what could not be processed, and processing it again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import click

from webhook.cli.client import Api, Failure, with_api

PAGE = 500
DECIDED = {
    "applied": "applied: its session has it now",
    "kept": "kept: this release can read it, and it belongs to no session",
    "unchanged": "unchanged: it had been applied already",
    "stale": "stale: it is older than its session's log or than VIGIL_RETENTION, so it is counted and not folded",
    "failed": "failed: it is a dead letter still",
    "moved": "moved",
    "discarded": "discarded",
    "gone": "gone: somebody was faster",
    "pending": "pending: no worker has come to it yet",
}
BAD = frozenset({"failed", "pending"})


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose among dead letters, by the API's names."""
    options = (
        click.option("--kind", type=click.Choice(["dead_letter", "quarantine"]), help="Only these."),
        click.option("--source", help="Only of this source."),
        click.option("--product", help="Only of this product, such as cloud_recording."),
        click.option("--type", "event_type", type=int, help="Only of this event type."),
        click.option("--session", help="Only of this session."),
        click.option("--since", help="Only received from this time on (RFC 3339)."),
        click.option("--until", help="Only received before this time (RFC 3339)."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command("dead-letters")
@filters
@click.option("--limit", type=click.IntRange(1, PAGE), default=20, show_default=True, help="How many to show.")
@click.option("--discard", metavar="ID", help="Give this one up; needs --reason.")
@click.option("--reason", help="Why it is discarded; the audit list keeps it.")
@click.option("--json", "as_json", is_flag=True, help="Print the API's answer as it is.")
@with_api("reader", deciding="discard")
def dead_letters(api: Api, limit: int, discard: str | None, reason: str | None, as_json: bool, **wanted: Any) -> None:
    """Lists what could not be processed, last received first, or discards one.

    They are kept for 30 days. Exits with 0, with 1 where there is none of that id, with 2 where Vigil does not answer.

    Example: vigil dead-letters --kind quarantine
    """
    if discard is None and reason is not None:
        raise Failure("--reason is for --discard ID, which is not given; nothing was discarded", 2)
    if discard is not None:
        if not reason:
            raise Failure("--discard needs --reason: whoever looks for it later wants to know why", 2)
        _tell([api.send("DELETE", f"/dead-letters/{quote(discard, safe='')}", {"reason": reason})], as_json=as_json)
        return
    page = api.get("/dead-letters", limit=limit, **_query(wanted))
    if as_json:
        click.echo(json.dumps(page, indent=2))
        return
    for item in page["items"]:
        click.echo(_line(item))
    if not page["items"]:
        click.echo("No dead letters" if not page["next"] else "None among the newest; narrow it down with --since")
    elif page["next"]:
        click.echo("… and more: raise --limit, or narrow it down")


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@filters
@click.option("--all", "everything", is_flag=True, help="All of them, where no filter is given.")
@click.option("--json", "as_json", is_flag=True, help="Print what became of each as JSON.")
@with_api("operator")
def replay(api: Api, ids: tuple[str, ...], everything: bool, as_json: bool, **wanted: Any) -> None:
    """Has dead letters processed again, those that are named or all that a filter chooses.

    Of what was applied already nothing changes. Exits with 0, with 1 where one is a dead letter still or there is
    none of that id, with 2 where Vigil does not answer.

    Example: vigil replay --product cloud_recording --type 45
    """
    chosen = _query(wanted)
    if bool(ids) == bool(chosen or everything):
        raise Failure("name ids, or choose by a filter such as --product, or all with --all", 2)
    items = list(_named(api, ids) if ids else _chosen(api, chosen))
    _tell(items, as_json=as_json)
    if any(item["verdict"] in BAD for item in items):
        raise SystemExit(1)


def _named(api: Api, ids: tuple[str, ...]) -> Iterator[dict[str, str]]:
    for name in ids:
        yield api.send("POST", f"/dead-letters/{quote(name, safe='')}/replay", {})


def _chosen(api: Api, chosen: dict[str, Any]) -> Iterator[dict[str, str]]:
    cursor, done = None, 0
    while True:
        page = api.send("POST", "/dead-letters/replay", chosen | {"limit": PAGE, "cursor": cursor})
        yield from page["items"]
        done += len(page["items"])
        cursor = page["next"]
        if cursor is None:
            return
        click.echo(f"{done} replayed", err=True)


def _query(wanted: dict[str, Any]) -> dict[str, Any]:
    named = {("type" if name == "event_type" else name): value for name, value in wanted.items()}
    return {name: value for name, value in named.items() if value is not None}


def _line(item: dict[str, Any]) -> str:
    what = item["name"] or ("a body that is no envelope" if item["kind"] == "quarantine" else "unknown")
    where = f"  session {item['session']}" if item["session"] else ""
    return f"{item['id']}\n  {item['receivedAt']}  {item['product']} {what}{where}\n  {item['error']}"


def _tell(items: list[dict[str, str]], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(items, indent=2))
        return
    for item in items:
        detail = f" ({item['detail']})" if item["detail"] else ""
        click.echo(f"{item['id']}  {DECIDED[item['verdict']]}{detail}")
    if len(items) != 1:
        counts = Counter(item["verdict"] for item in items)
        click.echo(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())) or "No dead letters")
