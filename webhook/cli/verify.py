"""`vigil verify`: does a signature fit a body, and if not, why most likely."""

from __future__ import annotations

import os
from pathlib import Path

import click

from webhook.cli.client import Failure
from webhook.domain.diagnosis import diagnose


@click.command()
@click.option("--secret-env", required=True, metavar="NAME", help="The variable of the environment with the secret.")
@click.option("--body", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Raw body.")
@click.option("--v1", metavar="HEX", help="What stood in Agora-Signature.")
@click.option("--v2", metavar="HEX", help="What stood in Agora-Signature-V2.")
def verify(secret_env: str, body: Path, v1: str | None, v2: str | None) -> None:
    """Says whether a signature fits a body, and if not, what most likely happened to body, header or secret.

    The body has to be the very bytes that were posted. Exits with 0 where every given signature fits, with 1 where one
    does not, with 2 where there is nothing to verify.

    Example: vigil verify --secret-env AGORA_NOTIFICATION_SECRET --body captured.json --v2 6d3320c6…
    """
    secret = os.environ.get(secret_env)
    if not secret:
        raise Failure(f"the environment has no {secret_env}; put the secret there, not on the command line", 2)
    given = [(1, v1), (2, v2)]
    if not any(digest for _, digest in given):
        raise Failure("give --v1 or --v2, what the header held", 2)
    content = body.read_bytes()
    found = [diagnose(content, secret, digest, version) for version, digest in given if digest]
    for each in found:
        click.echo(each.sentence)
    if not all(each.fits for each in found):
        raise SystemExit(1)
