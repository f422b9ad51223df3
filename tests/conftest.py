"""One real embedded server for the whole run, empty before each test, and the parts of Vigil around it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from tests import unserved
from tests.routes.posting import SECRET, Post
from tests.servers import EmbeddedServer
from tests.store.rig import Rig
from webhook import embedded
from webhook import settings as configuration
from webhook.domain.signature import signed_headers
from webhook.settings import Settings
from webhook.store.connection import connect

PATIENT = 5.0  # seconds; the web's own 0.3 s are for the tests about them


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes a minute begins first, whatever the random order, or one process would wait for it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("valkey") / "var") as started:
        started.start().close()
        yield started


@pytest.fixture
def redis(valkey: EmbeddedServer) -> Iterator[Redis]:
    with connect(embedded.url(valkey.var), PATIENT) as client:
        client.config_set("maxmemory", 0)
        client.flushall()
        yield client
        client.config_set("maxmemory", 0)


@pytest.fixture
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    environment = {"AGORA_NOTIFICATION_SECRET": SECRET, "VIGIL_SHARDS": "2"}
    return configuration.load(environment, tmp_path_factory.getbasetemp())


@pytest.fixture
def rig(redis: Redis, settings: Settings) -> Rig:
    return Rig(redis, settings.shards)


@pytest.fixture
def application(settings: Settings, redis: Redis) -> Flask:
    return unserved.create(settings, redis)


@pytest.fixture
def client(application: Flask) -> FlaskClient:
    return application.test_client()


@pytest.fixture
def post(client: FlaskClient) -> Post:
    """Posts a body (bytes as they are, anything else as JSON), signed with both versions."""

    def send(body: Any, path: str = "/webhooks/agora", secret: str = SECRET) -> TestResponse:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {**signed_headers(raw, secret), "Content-Type": "application/json"}
        return client.post(path, data=raw, headers=headers)

    return send
