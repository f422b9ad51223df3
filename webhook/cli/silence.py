"""`vigil silence`: alerts that nobody has to be told of for a while."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import click

from webhook.cli.alerts import lines
from webhook.cli.client import Api, Failure, with_api
from webhook.cli.describing import counted
from webhook.domain.alerting.matchers import Matcher, Op

Json = dict[str, Any]
PAGE = 500
STATES = ("active", "pending", "expired")
SESSION_END = "session_end"


@click.group()
def silence() -> None:
    """Has nobody told of some alerts for a while. What they are goes on underneath, and the API shows it."""


@silence.command()
@click.argument("matchers", nargs=-1, required=True, metavar="MATCHER...")
@click.option("--for", "duration", metavar="DURATION", help="How long, such as 2h or 90m.")
@click.option("--until", "ends_at", metavar="TIME", help="Until when (RFC 3339).")
@click.option("--until-session-ends", is_flag=True, help='With a matcher session="its id": as long as it runs.')
@click.option("--from", "starts_at", metavar="TIME", help="From when on (RFC 3339); default is now.")
@click.option("--reason", help="Why; whoever wonders about the silence finds it there.")
@click.option("--force", is_flag=True, help="Even where every alert fits.")
@click.option("--dry-run", is_flag=True, help="Only show which of the alerts that fire now would be muted.")
@with_api("operator")
def add(api: Api, matchers: tuple[str, ...], **wanted: Any) -> None:
    """Has nobody told of the alerts that all matchers fit: label=value, or with != =~ !~ (patterns of RE2).

    Labels are product, project, channel, session, uid, track, source, rule, severity and those of sources.
    Exits with 0, with 2 where it is refused or Vigil does not answer.

    Example: vigil silence add channel=lobby 'rule=~"video_.*"' --for 2h --reason "the encoder is being replaced"
    """
    body = {"matchers": list(matchers)} | _times(wanted)
    if wanted["dry_run"]:
        _preview(api.send("POST", "/silences/preview", body))
        return
    if not wanted["reason"]:
        raise Failure("--reason is needed: whoever wonders about the silence wants to know why; or try --dry-run", 2)
    path = "/silences?force=true" if wanted["force"] else "/silences"
    item = api.send("POST", path, body | {"reason": wanted["reason"]})
    click.echo(f"{item['id']}  {_when(item)}; it mutes {_alerts(item['mutes'])}")


@silence.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only in this state.")
@click.option("--json", "as_json", is_flag=True, help="Print the API's items as they are.")
@with_api("reader")
def list_all(api: Api, state: str | None, as_json: bool) -> None:
    """Lists silences, the last created first.

    Exits with 0, with 2 where Vigil does not answer.

    Example: vigil silence list --state active
    """
    items = _all(api, state)
    if as_json:
        click.echo(json.dumps({"items": items, "next": None}, indent=2))
        return
    for item in items:
        click.echo(_line(item))
    if not items:
        click.echo(f"No {state} silences" if state else "No silences")


@silence.command()
@click.argument("name", metavar="ID")
@click.option("--reason", help="Why; the audit list keeps it.")
@with_api("operator")
def expire(api: Api, name: str, reason: str | None) -> None:
    """Ends a silence now. What it muted and still is wrong is told, but for what was told before.

    Exits with 0, with 1 where there is none of that id, with 2 where Vigil does not answer.

    Example: vigil silence expire s5f0c2a9e7b1d
    """
    item = api.send("DELETE", f"/silences/{quote(name, safe='')}", {} if reason is None else {"reason": reason})
    click.echo(f"{item['id']}  {_when(item)}")


def _times(wanted: Json) -> Json:
    """The members of a body that say from when and until when."""
    until = SESSION_END if wanted["until_session_ends"] else None
    ends = {"duration": wanted["duration"], "endsAt": wanted["ends_at"], "until": until}
    told = {name: value for name, value in ends.items() if value is not None}
    if len(told) != 1:
        raise Failure("say how long by one of --for, --until and --until-session-ends; nothing was silenced", 2)
    return told if wanted["starts_at"] is None else told | {"startsAt": wanted["starts_at"]}


def _preview(found: Json) -> None:
    click.echo(f"It would mute {_alerts(found['mutes'])}")
    for item in found["alerts"]:
        for line in lines(item):
            click.echo(line)
    left = found["mutes"] - len(found["alerts"])
    if left > 0:
        click.echo(f"… and {left} more")


def _all(api: Api, state: str | None) -> list[Json]:
    items: list[Json] = []
    cursor = None
    while True:
        page = api.get("/silences", state=state, limit=PAGE, cursor=cursor)
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


def _line(item: Json) -> str:
    matchers = (Matcher(each["label"], Op(each["op"]), each["value"]) for each in item["matchers"])
    muted = f"; it mutes {_alerts(item['mutes'])}" if item["state"] == "active" else ""
    about, why = ", ".join(map(str, matchers)), f"{item['by']}: {item['reason']}"
    return f"{item['id']}  {_when(item)}{muted}\n  {about}\n  {why}"


def _when(item: Json) -> str:
    """Its state and, of its times, those that matter to it."""
    if item["expiredAt"] is not None:
        return f"expired {item['expiredAt']}"
    end = item["endsAt"] or "its session ends"
    if item["state"] == "expired":
        return f"expired {item['endsAt'] or 'as its session ended'}"
    return f"pending from {item['startsAt']} until {end}" if item["state"] == "pending" else f"active until {end}"


def _alerts(count: int) -> str:
    """`1 alert that fires`, `2 alerts that fire`."""
    return f"{counted(count, 'alert')} that {'fires' if count == 1 else 'fire'} now"
