"""`vigil send`: signs a body as Agora does and posts it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

import click
import msgspec
import urllib3
from msgspec import Struct

from webhook import clock
from webhook.cli.reaching import UNREACHABLE, address_of, nothing_answers
from webhook.cli.secret import signing_secret, source_called
from webhook.domain.decoding import product_of
from webhook.domain.envelope import parse
from webhook.domain.errors import ConfigurationError
from webhook.domain.signature import HEADER_V2, signed_headers
from webhook.samples import UnknownSample, known, sample
from webhook.settings import DEFAULT_SOURCE, from_environment
from webhook.simulation.agora import OK, Target, ingest_address

REFUSED = 1
TIMEOUT_S = 10.0


class Choice(Struct, frozen=True):
    """Which bodies to send: files, or the sample of a product and type."""

    files: tuple[BinaryIO, ...]
    product: str | None
    event_type: int | None


class Receiver(Struct, frozen=True):
    """Where to post, signed with what, and the project that the source there speaks for."""

    target: Target
    project: str


def _print_samples(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(known())
        context.exit(0)


LIST_HELP = "List the built-in samples and end."
PRODUCT_HELP = "Product of a built-in sample: its name or number, as --list shows them."


@click.command()
@click.argument("files", nargs=-1, type=click.File("rb"), metavar="FILE...")
@click.option("--list", is_flag=True, expose_value=False, is_eager=True, callback=_print_samples, help=LIST_HELP)
@click.option("--product", help=PRODUCT_HELP)
@click.option("--type", "event_type", type=int, help="Event type of a built-in sample.")
@click.option("--url", help="Where Vigil listens; default http://127.0.0.1:$PORT.")
@click.option("--source", default=DEFAULT_SOURCE, show_default=True, help="The source to post to, with its secret.")
@click.option("--v1-only", is_flag=True, help="Sign with Agora-Signature (SHA-1) only.")
@click.pass_context
def send(context: click.Context, /, url: str | None, source: str, v1_only: bool, **chosen: Any) -> None:
    """Sign and post each FILE as it is, byte for byte (- is standard input), or a built-in sample.

    Prints status and body of each answer, and of a sample the session that it belongs to. Exit status 1 unless all are
    200, 2 where nothing answers.
    """
    choice = Choice(**chosen)
    bodies = _bodies(choice)
    receiver = _receiver(url, source)
    statuses = [_post(receiver.target, body, v1_only) for body in bodies]
    if not choice.files and statuses == [OK]:
        _tell_session(bodies[0], receiver.project)
    context.exit(0 if all(status == OK for status in statuses) else REFUSED)


def _bodies(choice: Choice) -> Sequence[bytes]:
    wants_sample = choice.product is not None or choice.event_type is not None
    if wants_sample == bool(choice.files):
        raise click.UsageError("Give FILE..., or --product and --type for a built-in sample; --list shows those.")
    return [_sample_body(choice)] if wants_sample else [file.read() for file in choice.files]


def _sample_body(choice: Choice) -> bytes:
    if choice.product is None or choice.event_type is None:
        raise click.UsageError("--product and --type go together; --list shows which there are.")
    try:
        return msgspec.json.encode(sample(choice.product, choice.event_type, clock.now_ms()))
    except UnknownSample as mistake:
        raise click.UsageError(str(mistake)) from mistake


def _receiver(url: str | None, source: str) -> Receiver:
    try:
        settings = from_environment()
        target = Target(ingest_address(address_of(settings, url), source), signing_secret(settings, source))
        return Receiver(target, source_called(settings, source).project)
    except ConfigurationError as mistake:
        raise click.ClickException(str(mistake)) from mistake


def _post(target: Target, body: bytes, v1_only: bool) -> int:
    """The status of the answer, which is printed with its body."""
    headers = signed_headers(body, target.secret) | {"Content-Type": "application/json"}
    if v1_only:
        del headers[HEADER_V2]
    try:
        answer = urllib3.request("POST", target.url, body=body, headers=headers, timeout=TIMEOUT_S, retries=False)
    except urllib3.exceptions.HTTPError as failure:
        click.echo(nothing_answers(target.url), err=True)
        raise click.exceptions.Exit(UNREACHABLE) from failure
    click.echo(f"{answer.status} {answer.data.decode('utf-8', 'replace').strip()}")
    if answer.status == OK and _is_quarantined(answer.data):
        click.echo("It is kept, but it is no notification that Vigil can read: see it with `vigil dead-letters`")
    return answer.status


def _is_quarantined(answer: bytes) -> bool:
    try:
        content = msgspec.json.decode(answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return isinstance(content, dict) and content.get("status") == "quarantined"


def _tell_session(body: bytes, project: str) -> None:
    """Says which session a sample belongs to; samples of one product belong to one session."""
    envelope = parse(body)
    product = product_of(envelope)
    session_id = product.session_id(envelope, project) if product else None
    if session_id is not None:
        click.echo(f"session {session_id}: see it with `vigil status {session_id}`")
