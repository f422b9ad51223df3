"""`vigil check-start`: whether a start request will do what it should, before Agora is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO, NoReturn

import click
import msgspec

from webhook.domain.start_request import Violation, check, is_start_request

BROKEN = 1
INDIVIDUAL = "individual"
WRAPPED = "startRequest"
MODE_HELP = "The recording mode in the request's URL; default individual, or the one that FILE names."


@click.command("check-start")
@click.argument("file", type=click.File("rb"))
@click.option("--mode", help=MODE_HELP)
@click.option("--json", "as_json", is_flag=True, help="Print what POST /api/v1/start-request/check would answer.")
@click.pass_context
def check_start(context: click.Context, file: BinaryIO, mode: str | None, as_json: bool) -> None:
    """Check FILE, the body of a Cloud Recording start request, against the rules for snapshots (- is standard input).

    Prints each violation with what to write instead, and never a credential. A request that asks for no snapshots
    breaks a rule, too. FILE may also be what the API takes, {"mode": ..., "startRequest": ...}. Exit status 1 where
    there is an error; warnings alone leave it at 0. Exit status 2 where FILE is no JSON or cannot be read.

    Example: vigil check-start start.json --mode individual
    """
    start_request, named = _unwrapped(_parse(file))
    violations = check(start_request, mode or named or INDIVIDUAL, no_snapshots="error")
    broken = any(violation.severity == "error" for violation in violations)
    click.echo(_answer(violations, valid=not broken) if as_json else _lines(violations))
    context.exit(BROKEN if broken else 0)


def _parse(file: BinaryIO) -> Any:
    # The standard library's parser takes UTF-8 with a byte order mark and UTF-16 too, as some editors save files.
    try:
        return json.loads(file.read(), parse_constant=_refuse)
    except (ValueError, RecursionError, OSError) as mistake:
        # As for a file that is not there, click ends with 2.
        raise click.BadParameter(f"it cannot be read as JSON: {mistake}", param_hint="FILE") from mistake


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _unwrapped(content: Any) -> tuple[Any, Any]:
    """The start request and the mode that is named beside it, as the API takes both; None where none is."""
    if isinstance(content, Mapping) and WRAPPED in content and not is_start_request(content):
        return content[WRAPPED], content.get("mode")
    return content, None


def _lines(violations: list[Violation]) -> str:
    return "\n".join(map(_line, violations)) or "no violation"


def _line(violation: Violation) -> str:
    return f"{violation.severity:7} {violation.path}: {violation.message}"


def _answer(violations: list[Violation], *, valid: bool) -> str:
    return json.dumps({"valid": valid, "violations": msgspec.to_builtins(violations)}, indent=2)
