"""The settings in force: never a secret, and where there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from webhook import settings as configuration
from webhook.settings import SETTING_NAMES, Settings
from webhook.views.settings_in_force import place, settings_view

SECRETS = ("hush-one", "hush-two", "hush-three", "hush-four", "hush-five", "hush-six", "hush-seven")
TOML = """
[[source]]
name = "school"
secrets = ["hush-four"]
[[sink]]
name = "pager"
kind = "pagerduty"
routing_key = "hush-five"
[[sink]]
name = "chat"
kind = "webhook"
url = "https://chat.example/hush-six"
secret = "hush-six"
[heartbeat]
url = "https://beats.example/hush-seven"
"""
ENVIRONMENT = {
    "AGORA_NOTIFICATION_SECRET": "hush-one",
    "VIGIL_API_TOKENS": "ann:reader:hush-two",
    "REDIS_URL": "rediss://vigil:hush-three@redis.example:6380/1",
    "VIGIL_PUBLIC_URL": "https://vigil.example/ops",
}


def shown(settings: Settings) -> dict[str, str]:
    return {row["name"]: row["value"] for row in settings_view(settings)}


@pytest.fixture
def full(tmp_path: Path) -> Settings:
    (tmp_path / "vigil.toml").write_text(TOML)
    return configuration.load(ENVIRONMENT, tmp_path)


def test_no_secret_is_shown(full: Settings) -> None:
    told = str(settings_view(full))
    assert [secret for secret in SECRETS if secret in told] == []


def test_of_each_secret_it_is_said_that_it_is_set(full: Settings) -> None:
    told = shown(full)
    assert told["AGORA_NOTIFICATION_SECRET"] == "set"
    assert told["VIGIL_API_TOKENS"] == "set: ann (reader)"
    assert told["[heartbeat]"] == "set: every 60 s"
    assert told["[[sink]]"] == "pager (pagerduty), chat (webhook)"


def test_of_each_secret_that_is_not_it_is_said_that_it_is_missing() -> None:
    told = shown(Settings())
    assert {told[name] for name in ("AGORA_NOTIFICATION_SECRET", "VIGIL_API_TOKENS", "[heartbeat]")} == {"missing"}
    assert told["REDIS_URL"] == "the embedded server"


def test_every_setting_is_shown_and_which_are_defaults(full: Settings) -> None:
    rows = {row["name"]: row for row in settings_view(full)}
    assert rows.keys() >= set(SETTING_NAMES.values())
    assert (rows["REDIS_URL"]["value"], rows["REDIS_URL"]["default"]) == ("rediss://redis.example:6380/1", False)
    assert (rows["VIGIL_SHARDS"]["value"], rows["VIGIL_SHARDS"]["default"]) == ("8", True)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://redis.example", "redis://redis.example"),
        ("redis://:hush@redis.example:6379/2", "redis://redis.example:6379/2"),
        ("rediss://user:hush@redis.example/0?password=hush", "rediss://redis.example/0"),
        ("redis://redis.example?password=a@hush", "redis://redis.example"),
        ("redis://user:hush@[2001:db8::1]:6379", "redis://[2001:db8::1]:6379"),
        ("redis://:12#hush", "redis://localhost"),
        ("unix:///run/redis.sock?password=hush", "unix:///run/redis.sock"),
        ("unix://user:hush@/run/redis.sock", "unix:///run/redis.sock"),
        (
            "redis+sentinel://user:hush@a.example,b.example:7000/main/1?sentinel_password=hush",
            "redis+sentinel://a.example:26379,b.example:7000/main/1",
        ),
        ("https://user:hush@vigil.example/base", "https://vigil.example/base"),
    ],
)
def test_of_an_address_only_where_it_is_is_shown(url: str, told: str) -> None:
    assert place(url) == told
