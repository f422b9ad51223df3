"""`vigil status`: what the status API says, for a terminal."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import click
import urllib3
from msgspec import Struct

from webhook.cli.describing import describe, line, rest
from webhook.cli.reaching import UNREACHABLE, address_of, nothing_answers, token_for
from webhook.process import settings_or_exit

TIMEOUT = 10.0  # seconds
SHOWN = 20
NOT_FOUND = 1
FILTERS = ("state", "product", "channel")

STATE_HELP = "Only sessions in this state: expected, starting, live, lost, ending, ended or failed."
LIMIT_HELP = "How many sessions to show at most."


class Server(Struct, frozen=True):
    """Where to ask, and the token to show there."""

    address: str
    token: str | None


@click.command()
@click.argument("session", required=False, metavar="[SID]")
@click.option("--state", help=STATE_HELP)
@click.option("--product", help="Only sessions of this product, such as cloud_recording or rtc.")
@click.option("--channel", help="Only sessions in the channel of this name.")
@click.option("--limit", type=click.IntRange(1, 500), default=SHOWN, show_default=True, help=LIMIT_HELP)
@click.option("--url", help="Where Vigil answers; default is this machine at PORT.")
@click.option("--token", envvar="VIGIL_TOKEN", help="A reader's token; default here one of VIGIL_API_TOKENS.")
@click.option("--json", "as_json", is_flag=True, help="Print the API's answer as it is.")
def status(session: str | None, url: str | None, token: str | None, as_json: bool, **wanted: Any) -> None:
    """Says how all sessions are, or everything about one.

    Exits with 0, with 1 where there is no such session, with 2 where Vigil does not answer.

    Example: vigil status d12fdce9024d37862a8f3a88e387c817
    """
    settings = settings_or_exit()
    address = address_of(settings, url)
    server = Server(address.rstrip("/"), token_for(settings, address, token))
    if session is not None:
        answer = _get(server, f"/sessions/{quote(session, safe='')}")
        click.echo(json.dumps(answer, indent=2) if as_json else describe(answer))
        return
    _show_list(server, {name: value for name, value in wanted.items() if value is not None}, as_json)


def _show_list(server: Server, wanted: dict[str, Any], as_json: bool) -> None:
    summary, sessions = _get(server, "/summary"), _get(server, f"/sessions?{urlencode(wanted)}")
    if as_json:
        click.echo(json.dumps({"summary": summary, "sessions": sessions}, indent=2))
        return
    click.echo(summary["verdict"])
    for item in sessions["items"]:
        click.echo(line(item))
    if sessions["next"] is not None:
        filters = {name: wanted[name] for name in FILTERS if name in wanted}
        click.echo(rest(summary, filters, len(sessions["items"])))


def _get(server: Server, path: str) -> Any:
    headers = {"Authorization": f"Bearer {server.token}"} if server.token else {}
    url = f"{server.address}/api/v1{path}"
    try:
        answer = urllib3.request("GET", url, headers=headers, timeout=TIMEOUT, retries=False)
    except urllib3.exceptions.HTTPError as failure:
        raise Failure(nothing_answers(server.address), UNREACHABLE) from failure
    try:
        content = answer.json()
    except ValueError as failure:
        raise Failure(f"{server.address} answers {answer.status} and no JSON, so it is no Vigil.", 2) from failure
    if answer.status != 200:
        raise Failure(_refused(content), NOT_FOUND if answer.status == 404 else UNREACHABLE)
    return content


def _refused(problem: dict[str, Any]) -> str:
    """A problem document in one line a mistake."""
    mistakes = [f"--{each['path']} {each['message']}" for each in problem.get("errors", [])]
    return "\n".join([f"{problem.get('title')}: {problem.get('detail')}", *mistakes])


class Failure(click.ClickException):
    """Ends the command with `message` and the exit code `code`."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code: int = code  # type: ignore[misc]  # click reads it from the instance
