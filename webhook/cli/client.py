"""The status API as commands use it: where it is, with which token, and what to say when it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import click
import urllib3

from webhook.cli.reaching import UNREACHABLE, address_of, nothing_answers, token_for
from webhook.process import settings_or_exit

TIMEOUT = 15.0  # seconds
NOT_FOUND = 1
WITH_TOKEN = {"reader": "a reader's or an operator's token", "operator": "an operator's token"}


class Failure(click.ClickException):
    """Ends the command with `message` and the exit code `code`."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code: int = code  # type: ignore[misc]  # click reads it from the instance


class Api:
    """The API at `address`, for what `role` may do. A call raises Failure: code 1 for what is not there, 2 for else."""

    def __init__(self, address: str, token: str | None, role: str) -> None:
        self._address = address.rstrip("/")
        self._role = role
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, **query: Any) -> Any:
        """The answer to GET; parameters that are None are left out."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", f"{path}?{urlencode(given)}" if given else path)

    def send(self, method: str, path: str, body: Any) -> Any:
        """The answer to a call that changes something."""
        return self._ask(method, path, json.dumps(body).encode())

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        url = f"{self._address}/api/v1{path}"
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        try:
            answer = urllib3.request(method, url, body=body, headers=headers, timeout=TIMEOUT, retries=False)
        except urllib3.exceptions.HTTPError as failure:
            raise Failure(nothing_answers(self._address), UNREACHABLE) from failure
        try:
            content = answer.json()
        except ValueError as failure:
            told = f"{self._address} answers {answer.status} and no JSON, so it is no Vigil."
            raise Failure(told, UNREACHABLE) from failure
        if answer.status >= 400:
            raise Failure(
                _refused(content) + self._advice(answer.status), NOT_FOUND if answer.status == 404 else UNREACHABLE
            )
        return content

    def _advice(self, status: int) -> str:
        if status not in (401, 403):
            return ""
        return f"\nThis needs {WITH_TOKEN[self._role]}: give it with --token, or in VIGIL_TOKEN."


def _refused(problem: dict[str, Any]) -> str:
    """A problem document, a mistake a line."""
    mistakes = [f"{each['path']}: {each['message']}" for each in problem.get("errors", [])]
    return "\n".join([f"{problem.get('title')}: {problem.get('detail')}", *mistakes])


def with_api(role: str, deciding: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options `--url` and `--token` of a command that needs this role; it gets the Api they lead to as `api`.

    Where the option `deciding` is given it needs an operator.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        def call(url: str | None, token: str | None, **options: Any) -> Any:
            settings = settings_or_exit()
            address = address_of(settings, url)
            needed = "operator" if deciding and options[deciding] is not None else role
            return command(api=Api(address, token_for(settings, address, token, needed), needed), **options)

        call.__doc__, call.__name__ = command.__doc__, command.__name__
        call.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
        also = f", for --{deciding} that of an operator" if deciding else ""
        whose = "an operator" if role == "operator" else f"a {role}"
        by = f"The token of {whose}{also}; default here one of VIGIL_API_TOKENS."
        with_token = click.option("--token", envvar="VIGIL_TOKEN", help=by)(call)
        return click.option("--url", help="Where Vigil answers; default is this machine at PORT.")(with_token)

    return decorate
