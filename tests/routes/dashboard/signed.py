"""Browsers before a dashboard that asks for tokens."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from tests import unserved
from tests.routes.dashboard.reading import Reading, send
from webhook import settings as configuration

READER, OPERATOR = "reader-token", "operator-token"
TOKENS = f"ann:reader:{READER},bob:operator:{OPERATOR}"
TOML = '[[sink]]\nname = "ops"\nkind = "log"\n[[sink]]\nname = "other"\nkind = "log"\n'


def served(redis: Redis, directory: Path, tokens: str = TOKENS, **environment: str) -> Flask:
    """The application with two sinks, and with tokens unless none are asked for."""
    (directory / "vigil.toml").write_text(TOML)
    given = {"VIGIL_SHARDS": "2"} | ({"VIGIL_API_TOKENS": tokens} if tokens else {}) | environment
    return unserved.create(configuration.load(given, directory), redis)


def sign_in(browser: FlaskClient, token: str, path: str = "/ops/sign-in") -> TestResponse:
    """What signing in answers, by the form as the browser was given it."""
    return send(browser, Reading.of(browser.get(path)).form("/ops/sign-in"), token=token)


def browser(app: Flask, token: str) -> FlaskClient:
    """One that has signed in."""
    client = app.test_client()
    assert sign_in(client, token).status_code == 303
    return client
