"""`vigil simulate`: plays Agora against a running Vigil and compares what the status API says with the truth."""

from __future__ import annotations

import secrets
import sys
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import click
import msgspec
from msgspec import Struct

from webhook import clock
from webhook.cli.secret import signing_secret
from webhook.domain.errors import ConfigurationError
from webhook.settings import Settings, from_environment
from webhook.simulation.agora import Agora, Clock, Manners, Report, Target, ingest_address, site_address
from webhook.simulation.plan import Adversity, Plan, pace, plan
from webhook.simulation.scenario import SCENARIOS, cast
from webhook.simulation.script import write
from webhook.simulation.truth import Script
from webhook.simulation.verdict import Patience, Reader, expectations, judge, unacknowledged

DIFFERENT, UNREACHABLE = 1, 2
SPEED = 30.0  # a simulation of about five minutes takes ten seconds
WALL = Clock(clock.now_ms, clock.sleep)

WHAT_HAPPENS = "What the sessions go through; `all` is a mix of every other scenario."
SESSIONS_HELP = """How many sessions at least: whatever has a status counts, also an RTC channel or an agent, and scenes
of several sessions, as in two-sessions-one-channel, are played whole. The last line says how many were compared."""
PATIENCE_HELP = "Seconds after the last delivery within which all must agree."
PROBABILITY = click.FloatRange(0, 1)


class Options(Struct, frozen=True, kw_only=True):
    """The command's options as given; `url` and `seed` are settled, the rest is as in the help text."""

    sessions: int
    rate: float | None
    seed: int
    loss: float
    duplicate: float
    reorder: float
    scenario: str
    url: str
    speed: float
    patience: float
    token: str | None
    as_json: bool


class Played(Struct, frozen=True):
    """A simulation after its last delivery."""

    scripts: tuple[Script, ...]
    plan: Plan
    report: Report


@click.command()
@click.option("--sessions", type=click.IntRange(min=1), default=20, show_default=True, help=SESSIONS_HELP)
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="At most so many posts a second.")
@click.option("--seed", type=int, help="Repeats a simulation; random where not given.")
@click.option("--loss", type=PROBABILITY, default=0.0, help="Probability that a notification never comes.")
@click.option("--duplicate", type=PROBABILITY, default=0.0, help="Probability that it comes more than once.")
@click.option("--reorder", type=PROBABILITY, default=0.0, help="Probability that it comes after later ones.")
@click.option("--scenario", type=click.Choice(SCENARIOS), default="screenshots", show_default=True, help=WHAT_HAPPENS)
@click.option("--url", help="Where Vigil listens; default http://127.0.0.1:$PORT.")
@click.option("--speed", type=click.FloatRange(min=1), default=SPEED, show_default=True, help="Simulated s per real s.")
@click.option("--patience", type=click.FloatRange(min=0), default=15.0, show_default=True, help=PATIENCE_HELP)
@click.option("--token", help="A reader's token for the status API.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as one JSON object.")
@click.pass_context
def simulate(context: click.Context, /, **given: Any) -> None:
    """Play Agora: post signed sessions with Agora's retry rule, then compare the status API with what is true.

    Exit status 0 where all sessions agree, 1 where any differs, 2 where nothing answers.
    """
    settings, secret = _settings()
    options = _options(settings, given)
    reader = Reader(site_address(options.url), options.token)
    if not reader.answers():
        click.echo(
            f"Nothing answers at {site_address(options.url)}; start Vigil with `vigil up`, or give --url.", err=True
        )
        context.exit(UNREACHABLE)
    if not options.as_json:
        click.echo(f"seed {options.seed}")
    played = _play(options, secret)
    differences = [*unacknowledged(played.scripts, played.report), *_compare(played, reader, options.patience)]
    _print(options, played, differences)
    context.exit(DIFFERENT if differences else 0)


def _settings() -> tuple[Settings, str]:
    try:
        settings = from_environment()
        return settings, signing_secret(settings)
    except ConfigurationError as mistake:
        raise click.ClickException(str(mistake)) from mistake


def _options(settings: Settings, given: dict[str, Any]) -> Options:
    seed = secrets.randbits(32) if given["seed"] is None else given["seed"]
    url = given["url"] or f"http://127.0.0.1:{settings.port}"
    return Options(**(given | {"seed": seed, "url": url if "://" in url else f"http://{url}"}))


def _play(options: Options, secret: str) -> Played:
    rng = Random(options.seed)
    actors = cast(options.scenario, options.sessions, rng)
    timing = pace(clock.now_ms(), max(actor.ends_ms for actor in actors), options.speed)
    scripts = tuple(write(actor, timing.starts_ms) for actor in actors)
    planned = plan(scripts, timing, Adversity(options.loss, options.duplicate, options.reorder), rng)
    return Played(scripts, planned, _deliver(options, secret, planned))


def _deliver(options: Options, secret: str, planned: Plan) -> Report:
    agora = Agora(Target(ingest_address(options.url), secret), WALL, Manners(rate=options.rate))
    with click.progressbar(length=len(planned.postings), label="posting", file=sys.stderr) as bar:
        return agora.deliver(planned.postings, lambda count: bar.update(count) if count else None)


def _compare(played: Played, reader: Reader, seconds: float) -> list[str]:
    with click.progressbar(length=len(played.scripts), label="comparing", file=sys.stderr) as bar:
        expected = expectations(played.scripts, played.report)
        return judge(expected, reader, Patience(WALL, seconds), lambda count: bar.update(count) if count else None)


def _print(options: Options, played: Played, differences: Sequence[str]) -> None:
    for answer, count in Counter(answer for _, answer in played.report.dropped).items():
        click.echo(f"{count} notifications were dropped after four attempts; the last answer was {answer}", err=True)
    if options.as_json:
        click.echo(msgspec.json.encode(_as_json(options, played, differences)))
        return
    click.echo(_tally(played))
    for words in differences:
        click.echo(words)
    click.echo(verdict(len(played.scripts), differences))


def _tally(played: Played) -> str:
    report, planned = played.report, played.plan
    resent = report.attempts - len(planned.postings)
    return f"{report.attempts} posts: {planned.copies} copies, {resent} resent; {planned.lost} lost on the way"


def verdict(sessions: int, differences: Sequence[str]) -> str:
    """The last line: that all agree, or how many do not."""
    if not differences:
        return "the 1 session agrees" if sessions == 1 else f"all {sessions} sessions agree"
    differing = len({words.partition(": ")[0] for words in differences})
    return f"{differing} of {sessions} sessions {'differs' if differing == 1 else 'differ'}"


def _as_json(options: Options, played: Played, differences: Sequence[str]) -> dict[str, Any]:
    report, planned = played.report, played.plan
    return {
        "seed": options.seed,
        "sessions": len(played.scripts),
        "agree": not differences,
        "verdict": verdict(len(played.scripts), differences),
        "differences": differences,
        "notifications": sum(len(script.lines) for script in played.scripts),
        "posts": report.attempts,
        "acknowledged": len(report.acknowledged),
        "copies": planned.copies,
        "lost": planned.lost,
        "dropped": len(report.dropped),
    }
