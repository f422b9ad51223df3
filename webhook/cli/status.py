"""`vigil status`: what the status API says, for a terminal."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import click
import urllib3

from webhook.process import settings_or_exit

TIMEOUT = 10.0  # seconds


@click.command()
@click.argument("session", required=False, metavar="[SID]")
@click.option("--url", help="Where Vigil answers; default is this machine at PORT.")
@click.option("--token", envvar="VIGIL_TOKEN", help="A reader's API token, where Vigil needs one.")
@click.option("--json", "as_json", is_flag=True, help="Print the API's answer as it is.")
def status(session: str | None, url: str | None, token: str | None, as_json: bool) -> None:
    """Says how all sessions are, or everything about one.

    Exits with 0, with 1 where there is no such session, with 2 where Vigil does not answer.

    Example: vigil status d12fdce9024d37862a8f3a88e387c817
    """
    base = url or f"http://127.0.0.1:{settings_or_exit().port}"
    if session is not None:
        answer = _get(f"{base}/api/v1/sessions/{quote(session, safe='')}", token)
        click.echo(json.dumps(answer, indent=2) if as_json else _describe(answer))
        return
    summary, sessions = _get(f"{base}/api/v1/summary", token), _get(f"{base}/api/v1/sessions?limit=20", token)
    if as_json:
        click.echo(json.dumps({"summary": summary, "sessions": sessions}, indent=2))
        return
    click.echo(summary["verdict"])
    for item in sessions["items"]:
        click.echo(_line(item))


def _get(url: str, token: str | None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = urllib3.request("GET", url, headers=headers, timeout=TIMEOUT, retries=False)
        content = answer.json()
    except (urllib3.exceptions.HTTPError, ValueError) as failure:
        raise Failure(f"{url} does not answer as Vigil does ({failure}); is `vigil up` running there?", 2) from failure
    if answer.status != 200:
        raise Failure(f"{content.get('title')}: {content.get('detail')}", 1 if answer.status == 404 else 2)
    return content


class Failure(click.ClickException):
    """Ends the command with `message` and the exit code `code`."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code: int = code  # type: ignore[misc]  # click reads it from the instance


def _line(session: dict[str, Any]) -> str:
    stopped = sum(stream["video"] == "stopped" for stream in session["streams"])
    streams = f"{len(session['streams'])} streams" + (f", {stopped} stopped" if stopped else "")
    channel, last = session["channel"] or "-", session["lastEventAt"]
    return f"{session['state']:9} {session['id']}  {channel}  {streams}  last {last}"


def _describe(session: dict[str, Any]) -> str:
    holes = {uid: of["missing"] for uid, of in session["sequence"].items() if of["missing"]}
    return "\n".join(
        [
            f"{session['id']} in channel {session['channel']}: {session['state']} since {session['stateSince']}",
            *(_stream(stream) for stream in session["streams"]),
            f"upload: {session['upload']['state']}, {session['upload']['progress']:.0%}",
            f"failovers: {session['failovers']}",
            f"notifications: {session['notifications']['received']}, missing sequence numbers: {holes or 'none'}",
        ]
    )


def _stream(stream: dict[str, Any]) -> str:
    count = stream["snapshots"]["count"]
    return f"stream {stream['uid']}: video {stream['video']}, audio {stream['audio']}, {count} snapshots"
