"""The status API as commands use it: where it is, with which token, and what to say when it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import click
import urllib3

from webhook.process import settings_or_exit
from webhook.settings import Settings

TIMEOUT = 15.0  # seconds


class Failure(click.ClickException):
    """Ends the command with `message` and the exit code `code`."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code: int = code  # type: ignore[misc]  # click reads it from the instance


class Api:
    """The API at `base`. A call raises Failure: code 1 for what is not there, 2 for all else."""

    def __init__(self, base: str, token: str | None) -> None:
        self._base = base.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, **query: Any) -> Any:
        """The answer to GET; parameters that are None are left out."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", f"{path}?{urlencode(given)}" if given else path)

    def send(self, method: str, path: str, body: Any) -> Any:
        """The answer to a call that changes something."""
        return self._ask(method, path, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
        url = f"{self._base}/api/v1{path}"
        try:
            answer = urllib3.request(
                method, url, body=body, headers=self._headers | (headers or {}), timeout=TIMEOUT, retries=False
            )
            content = answer.json()
        except (urllib3.exceptions.HTTPError, ValueError) as failure:
            raise Failure(
                f"{self._base} does not answer as Vigil does ({failure}); is `vigil up` running there?", 2
            ) from failure
        if answer.status >= 400:
            mistakes = "".join(f"\n  {each['path']}: {each['message']}" for each in content.get("errors", []))
            raise Failure(
                f"{content.get('title')}: {content.get('detail')}{mistakes}", 1 if answer.status == 404 else 2
            )
        return content


def api_options(role: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options `--url` and `--token` of a command that needs this role; it gets the Api as `api`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        def with_api(url: str | None, token: str | None, **options: Any) -> Any:
            settings = settings_or_exit()
            base = url or f"http://127.0.0.1:{settings.port}"
            return command(api=Api(base, token or (None if url else own_token(settings, role))), **options)

        with_api.__doc__, with_api.__name__ = command.__doc__, command.__name__
        with_api.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
        at = click.option("--url", help="Where Vigil answers; default is this machine at PORT.")
        by = click.option("--token", envvar="VIGIL_TOKEN", help=f"The token of a {role}, where Vigil needs one.")
        return at(by(with_api))

    return decorate


def own_token(settings: Settings, role: str) -> str | None:
    """A token of this role, or of an operator, out of the settings of this machine; None where there is none."""
    roles = ("operator",) if role == "operator" else ("reader", "operator")
    return next((token.token for wanted in roles for token in settings.api_tokens if token.role == wanted), None)
