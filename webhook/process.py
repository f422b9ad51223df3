"""What each process of Vigil does first: read its settings, or say what is wrong with them, and open its log."""

from __future__ import annotations

import logging
import sys
from typing import NoReturn

from webhook.domain.errors import ConfigurationError
from webhook.settings import Settings, from_environment, unknown_names

LOG_FORMAT = "%(asctime)s %(levelname)s %(process)d {name}: %(message)s"


def settings_or_exit() -> Settings:
    """The settings of this process. Ends it with code 2, each problem on a line, when they cannot work."""
    try:
        return from_environment()
    except ConfigurationError as mistake:
        exit_with(mistake.problems)


def warn_of_unknown_settings() -> None:
    """Says in the log which variables look like settings and are none; for the first process of each kind."""
    for sentence in unknown_names():
        logging.getLogger(__name__).warning("%s", sentence)


def exit_with(problems: list[str]) -> NoReturn:
    """Ends the process with code 2 and each problem on a line of standard error."""
    print(*problems, sep="\n", file=sys.stderr)
    raise SystemExit(2)


def log_to_stderr(name: str, level: str) -> None:
    """Log lines of this process go to standard error under `name`; RQ's only when they warn, or at level debug."""
    logging.basicConfig(level=level.upper(), format=LOG_FORMAT.format(name=name))
    logging.getLogger("rq").setLevel(logging.DEBUG if level == "debug" else logging.WARNING)
