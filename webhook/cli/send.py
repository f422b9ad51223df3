"""`vigil send`: signs a body as Agora does and posts it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

import click
import msgspec
import urllib3
from msgspec import Struct

from webhook import clock
from webhook.cli.secret import signing_secret
from webhook.domain.errors import ConfigurationError
from webhook.domain.signature import HEADER_V2, signed_headers
from webhook.samples import UnknownSample, sample
from webhook.settings import Settings, from_environment
from webhook.simulation.agora import OK, Target, ingest_address

REFUSED, UNREACHABLE = 1, 2
TIMEOUT_S = 10.0


class Choice(Struct, frozen=True):
    """Which bodies to send: files, or the sample of a product and type."""

    files: tuple[BinaryIO, ...]
    product: str | None
    event_type: int | None


@click.command()
@click.argument("files", nargs=-1, type=click.File("rb"), metavar="FILE...")
@click.option("--product", help="Product of a built-in sample: its name or number.")
@click.option("--type", "event_type", type=int, help="Event type of a built-in sample.")
@click.option("--url", help="Where Vigil listens; default http://127.0.0.1:$PORT.")
@click.option("--v1-only", is_flag=True, help="Sign with Agora-Signature (SHA-1) only.")
@click.pass_context
def send(context: click.Context, /, url: str | None, v1_only: bool, **chosen: Any) -> None:
    """Sign and post each FILE as it is, byte for byte (- is standard input), or a built-in sample.

    Prints status and body of each answer. Exit status 1 unless all are 200, 2 where nothing answers.
    """
    bodies = _bodies(Choice(**chosen))
    target = _target(url)
    statuses = [_post(target, body, v1_only) for body in bodies]
    context.exit(0 if all(status == OK for status in statuses) else REFUSED)


def _bodies(choice: Choice) -> Sequence[bytes]:
    wants_sample = choice.product is not None or choice.event_type is not None
    if wants_sample == bool(choice.files):
        raise click.UsageError("Give FILE..., or --product and --type for a built-in sample.")
    return [_sample_body(choice)] if wants_sample else [file.read() for file in choice.files]


def _sample_body(choice: Choice) -> bytes:
    if choice.product is None or choice.event_type is None:
        raise click.UsageError("--product and --type go together.")
    try:
        return msgspec.json.encode(sample(choice.product, choice.event_type, clock.now_ms()))
    except UnknownSample as mistake:
        raise click.UsageError(str(mistake)) from mistake


def _target(url: str | None) -> Target:
    try:
        settings = from_environment()
        return Target(_address(settings, url), signing_secret(settings))
    except ConfigurationError as mistake:
        raise click.ClickException(str(mistake)) from mistake


def _address(settings: Settings, url: str | None) -> str:
    address = url or f"http://127.0.0.1:{settings.port}"
    return ingest_address(address if "://" in address else f"http://{address}")


def _post(target: Target, body: bytes, v1_only: bool) -> int:
    """The status of the answer, which is printed with its body."""
    headers = signed_headers(body, target.secret) | {"Content-Type": "application/json"}
    if v1_only:
        del headers[HEADER_V2]
    try:
        answer = urllib3.request("POST", target.url, body=body, headers=headers, timeout=TIMEOUT_S, retries=False)
    except urllib3.exceptions.HTTPError as failure:
        click.echo(f"Nothing answers at {target.url} ({type(failure).__name__}).", err=True)
        raise click.exceptions.Exit(UNREACHABLE) from failure
    click.echo(f"{answer.status} {answer.data.decode('utf-8', 'replace').strip()}")
    return answer.status
