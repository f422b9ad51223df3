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
from webhook.cli.reaching import UNREACHABLE, address_of, nothing_answers, token_for
from webhook.cli.secret import signing_secret, source_called
from webhook.domain.errors import ConfigurationError
from webhook.settings import DEFAULT_SOURCE, SECRETS_NAME, from_environment
from webhook.simulation.agora import Agora, Clock, Manners, Report, Target, Unwelcome, ingest_address, site_address
from webhook.simulation.plan import Adversity, Plan, pace, plan
from webhook.simulation.scenario import SCENARIOS, cast
from webhook.simulation.script import write
from webhook.simulation.truth import Script
from webhook.simulation.verdict import Patience, Reader, expectations, judge, unacknowledged

DIFFERENT = 1
SPEED = 30.0  # a simulation of about five minutes takes ten seconds
WALL = Clock(clock.now_ms, clock.sleep)

WHAT_HAPPENS = "What the sessions go through; `all` is a mix of every other scenario."
SESSIONS_HELP = """How many sessions at least: whatever has a status counts, also an RTC channel or an agent, and scenes
of several sessions, as in two-sessions-one-channel, are played whole. The last line says how many were compared."""
PATIENCE_HELP = "Seconds after the last delivery within which all must agree."
READS_WITH = "A reader's token for the status API; default here one of VIGIL_API_TOKENS."
PROBABILITY = click.FloatRange(0, 1)


class Options(Struct, frozen=True, kw_only=True):
    """The command's options as given; `url`, `seed` and `token` are settled, the rest is as in the help text.

    `secret` and `project` are those of the source.
    """

    sessions: int
    rate: float | None
    seed: int
    loss: float
    duplicate: float
    reorder: float
    scenario: str
    url: str
    source: str
    speed: float
    patience: float
    token: str | None
    as_json: bool
    secret: str
    project: str

    def __repr__(self) -> str:
        return f"Options(scenario={self.scenario!r}, url={self.url!r})"  # neither secret nor token


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
@click.option("--source", default=DEFAULT_SOURCE, show_default=True, help="The source to post to, with its secret.")
@click.option("--speed", type=click.FloatRange(min=1), default=SPEED, show_default=True, help="Simulated s per real s.")
@click.option("--patience", type=click.FloatRange(min=0), default=15.0, show_default=True, help=PATIENCE_HELP)
@click.option("--token", envvar="VIGIL_TOKEN", help=READS_WITH)
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as one JSON object.")
@click.pass_context
def simulate(context: click.Context, /, **given: Any) -> None:
    """Play Agora: post signed sessions with Agora's retry rule, then compare the status API with what is true.

    Exit status 0 where all sessions agree, 1 where any differs or nothing was delivered, 2 where nothing answers,
    nothing is taken or Vigil cannot say what it knows.
    """
    options = _options(given)
    reader = Reader(site_address(options.url), options.token)
    if not reader.answers():
        click.echo(nothing_answers(options.url), err=True)
        context.exit(UNREACHABLE)
    if not options.as_json:
        click.echo(f"seed {options.seed}")
    try:
        played = _play(options)
    except Unwelcome as refused:
        click.echo(f"{refused}. Set {SECRETS_NAME} to a secret of the receiving side, or give --source.", err=True)
        context.exit(UNREACHABLE)
    missing = unacknowledged(played.scripts, played.report)
    differences = [*missing, *_compare(options, played, reader)]
    unable = reader.unable() if differences else None
    _print(options, played, differences, unable)
    if unable:
        context.exit(UNREACHABLE)
    context.exit(0 if played.report.acknowledged and not differences else DIFFERENT)


def _options(given: dict[str, Any]) -> Options:
    try:
        settings = from_environment()
        source = source_called(settings, given["source"])
        secret = signing_secret(settings, source.name)
    except ConfigurationError as mistake:
        raise click.ClickException(str(mistake)) from mistake
    url = address_of(settings, given["url"])
    settled = {
        "seed": secrets.randbits(32) if given["seed"] is None else given["seed"],
        "url": url,
        "token": token_for(settings, url, given["token"], "reader"),
        "secret": secret,
        "project": source.project,
    }
    return Options(**(given | settled))


def _play(options: Options) -> Played:
    rng = Random(options.seed)
    actors = cast(options.scenario, options.sessions, rng)
    timing = pace(clock.now_ms(), max(actor.ends_ms for actor in actors), options.speed)
    scripts = tuple(write(actor, timing.starts_ms, options.project) for actor in actors)
    planned = plan(scripts, timing, Adversity(options.loss, options.duplicate, options.reorder), rng)
    return Played(scripts, planned, _deliver(options, planned))


def _deliver(options: Options, planned: Plan) -> Report:
    target = Target(ingest_address(options.url, options.source), options.secret)
    agora = Agora(target, WALL, Manners(rate=options.rate))
    with click.progressbar(length=len(planned.postings), label="posting", file=sys.stderr) as bar:
        return agora.deliver(planned.postings, lambda count: bar.update(count) if count else None)


def _compare(options: Options, played: Played, reader: Reader) -> list[str]:
    with click.progressbar(length=len(played.scripts), label="comparing", file=sys.stderr) as bar:
        expected = expectations(played.scripts, played.report, options.project)
        patience = Patience(WALL, options.patience)
        return judge(expected, reader, patience, lambda count: bar.update(count) if count else None)


def _print(options: Options, played: Played, differences: Sequence[str], unable: str | None) -> None:
    for answer, count in Counter(answer for _, answer in played.report.dropped).items():
        click.echo(f"{count} notifications were dropped after four attempts; the last answer was {answer}", err=True)
    if options.as_json:
        told = _as_json(options, played, differences)
        click.echo(msgspec.json.encode(told | ({"verdict": unable} if unable else {})))
        return
    click.echo(_tally(played))
    for words in [] if unable else differences:
        click.echo(words)
    click.echo(unable or verdict(played, differences))


def _tally(played: Played) -> str:
    report, planned = played.report, played.plan
    resent = report.attempts - len(planned.postings)
    return f"{report.attempts} posts: {planned.copies} copies, {resent} resent; {planned.lost} lost on the way"


def verdict(played: Played, differences: Sequence[str]) -> str:
    """The last line: that all agree, or how many do not. Agreement over nothing is none."""
    sessions = len(played.scripts)
    if differences:
        differing = len({words.partition(": ")[0] for words in differences})
        return f"{differing} of {sessions} sessions {'differs' if differing == 1 else 'differ'}"
    if not played.report.acknowledged:
        return "nothing was delivered, so nothing was compared"
    silent = sessions - len({posting.sid for posting in played.report.acknowledged})
    agree = "the 1 session agrees" if sessions == 1 else f"all {sessions} sessions agree"
    return agree + (f"; of {silent} of them nothing was delivered" if silent else "")


def _as_json(options: Options, played: Played, differences: Sequence[str]) -> dict[str, Any]:
    report, planned = played.report, played.plan
    return {
        "seed": options.seed,
        "sessions": len(played.scripts),
        "agree": bool(report.acknowledged) and not differences,
        "verdict": verdict(played, differences),
        "differences": differences,
        "notifications": sum(len(script.lines) for script in played.scripts),
        "posts": report.attempts,
        "acknowledged": len(report.acknowledged),
        "copies": planned.copies,
        "lost": planned.lost,
        "dropped": len(report.dropped),
    }
