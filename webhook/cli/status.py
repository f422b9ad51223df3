"""`vigil status`: what the status API says, for a terminal."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import click

from webhook.cli.client import Api, with_api
from webhook.cli.describing import describe, line, rest

SHOWN = 20
FILTERS = ("state", "product", "channel")

STATE_HELP = "Only sessions in this state: expected, starting, live, lost, ending, ended or failed."
LIMIT_HELP = "How many sessions to show at most."


@click.command()
@click.argument("session", required=False, metavar="[SID]")
@click.option("--state", help=STATE_HELP)
@click.option("--product", help="Only sessions of this product, such as cloud_recording or rtc.")
@click.option("--channel", help="Only sessions in the channel of this name.")
@click.option("--limit", type=click.IntRange(1, 500), default=SHOWN, show_default=True, help=LIMIT_HELP)
@click.option("--json", "as_json", is_flag=True, help="Print the API's answer as it is.")
@with_api("reader")
def status(api: Api, session: str | None, as_json: bool, **wanted: Any) -> None:
    """Says how all sessions are, or everything about one.

    Exits with 0, with 1 where there is no such session, with 2 where Vigil does not answer.

    Example: vigil status d12fdce9024d37862a8f3a88e387c817
    """
    if session is not None:
        answer = api.get(f"/sessions/{quote(session, safe='')}")
        click.echo(json.dumps(answer, indent=2) if as_json else describe(answer))
        return
    _show_list(api, {name: value for name, value in wanted.items() if value is not None}, as_json)


def _show_list(api: Api, wanted: dict[str, Any], as_json: bool) -> None:
    summary, sessions = api.get("/summary"), api.get("/sessions", **wanted)
    if as_json:
        click.echo(json.dumps({"summary": summary, "sessions": sessions}, indent=2))
        return
    click.echo(summary["verdict"])
    for item in sessions["items"]:
        click.echo(line(item))
    if sessions["next"] is not None:
        filters = {name: wanted[name] for name in FILTERS if name in wanted}
        click.echo(rest(summary, filters, len(sessions["items"])))
