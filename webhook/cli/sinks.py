"""`vigil sinks`: how each sink is, trying one out, and what could not be delivered."""

from __future__ import annotations

import json
from time import monotonic
from typing import Any
from urllib.parse import quote

import click

from webhook.alert_settings import SinkSettings
from webhook.cli.client import Api, Failure, with_api
from webhook.cli.describing import counted
from webhook.clock import now_ms
from webhook.domain.alerting.alerts import Resolution, Severity
from webhook.domain.alerting.delivery import Batch, batch_id, plainly
from webhook.domain.alerting.telling import Telling, Transition
from webhook.domain.errors import ConfigurationError, DeliveryError
from webhook.process import settings_or_exit
from workers.sinks.making import make_sink
from workers.sinks.sink import SECONDS, Sink

Json = dict[str, Any]
PAGE = 500


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print the API's answer as it is.")
@with_api("reader")
def sinks(api: Api, as_json: bool) -> None:
    """Says how each sink is: whether it takes what it is sent, and what waits for it.

    Exits with 0, with 2 where Vigil does not answer.

    Example: vigil sinks
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    page = api.get("/sinks")
    if as_json:
        click.echo(json.dumps(page, indent=2))
        return
    for item in page["items"]:
        click.echo(_line(item))


@sinks.command()
@click.argument("name")
def test(name: str) -> None:
    """Sends one test alert to a sink of the settings here, that it fires and that it is resolved.

    Needs no Vigil that runs. Exits with 0, with 1 where the sink did not take it, with 2 where there is none.

    Example: vigil sinks test pager
    """
    settings = settings_or_exit()
    found = next((sink for sink in settings.sinks if sink.name == name), None)
    if found is None:
        known = ", ".join(sink.name for sink in settings.sinks)
        raise Failure(f"No sink is called {name!r}; configured are {known}.", 2)
    sink = _made(found, settings.public_url)
    began_ms = now_ms()
    for transition in (Transition.FIRING, Transition.RESOLVED):
        _try(sink, _test_telling(name, transition, began_ms))


@sinks.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(1, PAGE), default=20, show_default=True, help="How many to show.")
@click.option("--json", "as_json", is_flag=True, help="Print the API's answer as it is.")
@with_api("reader")
def dead(api: Api, name: str, limit: int, as_json: bool) -> None:
    """Lists what could not be delivered to a sink, last given up first. It is kept for 30 days.

    Exits with 0, with 1 where there is no such sink, with 2 where Vigil does not answer.

    Example: vigil sinks dead pager
    """
    page = api.get(f"/sinks/{quote(name, safe='')}/dead", limit=limit)
    if as_json:
        click.echo(json.dumps(page, indent=2))
        return
    for item in page["items"]:
        click.echo(_dead_line(item))
    if not page["items"]:
        click.echo("No dead deliveries")
    elif page["next"]:
        click.echo("… and more: raise --limit")


@sinks.command()
@click.argument("name")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--json", "as_json", is_flag=True, help="Print what became of each as JSON.")
@with_api("operator")
def replay(api: Api, name: str, ids: tuple[str, ...], as_json: bool) -> None:
    """Has dead deliveries attempted again: those that are named, or those given up last, at most 500.

    Exits with 0, with 1 where one was not taken up or there is no such sink, with 2 where Vigil does not answer.

    Example: vigil sinks replay pager
    """
    items = api.send("POST", f"/sinks/{quote(name, safe='')}/replay", {"ids": list(ids)} if ids else {})["items"]
    if as_json:
        click.echo(json.dumps(items, indent=2))
    else:
        for item in items:
            click.echo(f"{item['id']}  {item['verdict']}" + (f": {item['detail']}" if item["detail"] else ""))
        if not items:
            click.echo("No dead deliveries")
    if any(item["verdict"] != "replayed" for item in items):
        raise SystemExit(1)


def _made(found: SinkSettings, public_url: str | None) -> Sink:
    try:
        return make_sink(found, public_url)
    except ConfigurationError as mistake:
        raise Failure(str(mistake), 2) from mistake


def _try(sink: Sink, telling: Telling) -> None:
    batch = Batch(id=batch_id([telling.key]), tellings=(telling,), sealed_ms=telling.decided_ms, attempts=1)
    began = monotonic()
    try:
        sink.send(batch, SECONDS)
    except DeliveryError as failure:
        raise Failure(f"{telling.transition}: {failure}", 1) from failure
    except Exception as failure:  # a fault of the sink's code, which a traceback with its secrets would not mend
        raise Failure(f"{telling.transition}: {plainly(failure)}", 1) from failure
    click.echo(f"{telling.transition}: taken after {monotonic() - began:.2f} s")


def _test_telling(sink: str, transition: Transition, began_ms: int) -> Telling:
    """One that nobody takes for a real one. Firing and resolved are of the same alert, another one at each call."""
    alert = f"test-{began_ms}"
    resolved = transition is Transition.RESOLVED
    return Telling(
        key=f"{alert}:{transition.value}",
        sink=sink,
        alert_id=alert,
        transition=transition,
        group="test/test",
        decided_ms=began_ms,
        rule="test",
        severity=Severity.INFO,
        first_severity=Severity.INFO,
        labels={"product": "vigil", "project": "test", "channel": "", "session": "", "rule": "test"},
        summary="TEST: vigil sinks test was called; nothing is wrong",
        meaning="Whoever reads this is told of alerts.",
        action="Nothing.",
        started_ms=began_ms,
        fired_ms=began_ms,
        resolved_ms=began_ms if resolved else None,
        resolution=Resolution.ENDED.value if resolved else None,
    )


def _line(item: Json) -> str:
    words = [f"{item['delivered']} delivered", f"{item['waiting']} waiting"]
    words += [f"{item['dead']} dead"] if item["dead"] else []
    error = f"  {counted(item['failures'], 'failure')} since {item['failingSince']}: {item['lastError']}"
    return f"{item['state']:8} {item['name']}  {item['kind']}  {', '.join(words)}" + (error if item["failures"] else "")


def _dead_line(item: Json) -> str:
    alerts = "\n".join(f"    {each['id']} {each['transition']}: {each['summary']}" for each in item["alerts"])
    tried = counted(item["attempts"], "attempt")
    return f"{item['id']}\n  given up {item['givenUpAt']} after {tried}: {item['error']}\n{alerts}"
