"""Settings: read once, checked, all mistakes told together, no secret ever shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from webhook.domain.errors import ConfigurationError
from webhook.settings import SETTING_NAMES, ApiToken, Settings, Source, load, unknown_names

HIDDEN = "hidden-value"


def of(directory: Path, toml: str = "", **environment: str) -> Settings:
    (directory / "vigil.toml").write_text(toml)
    return load(environment, directory)


def mistakes(directory: Path, toml: str = "", **environment: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        of(directory, toml, **environment)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def test_without_anything_set_the_defaults_of_the_contract_hold(tmp_path: Path) -> None:
    settings = load({}, tmp_path)
    assert (settings.port, settings.host, settings.redis_url) == (8000, "127.0.0.1", None)
    assert (settings.shards, settings.inbox_max, settings.log_per_session) == (8, 1_000_000, 4096)
    assert (settings.max_body_bytes, settings.retention) == (1_048_576, 7 * 86_400)
    assert (settings.allow_unsigned, settings.fold_workers, settings.api_tokens) == (False, 2, ())
    assert settings.sources == (Source(name="default"),)


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("PORT", "80", "port", 80),
        ("VIGIL_HOST", "0.0.0.0", "host", "0.0.0.0"),
        ("REDIS_URL", "redis://r:1", "redis_url", "redis://r:1"),
        ("VIGIL_VAR", "/data", "var", Path("/data")),
        ("VIGIL_ALLOW_UNSIGNED", "1", "allow_unsigned", True),
        ("VIGIL_ALLOW_UNSIGNED", "0", "allow_unsigned", False),
        ("VIGIL_SHARDS", "16", "shards", 16),
        ("VIGIL_INBOX_MAX", "5", "inbox_max", 5),
        ("VIGIL_LOG_PER_SESSION", "9", "log_per_session", 9),
        ("VIGIL_MAX_BODY_BYTES", "2048", "max_body_bytes", 2048),
        ("VIGIL_RETENTION", "90m", "retention", 5400),
        ("VIGIL_FOLD_WORKERS", "3", "fold_workers", 3),
        ("VIGIL_WEB_WORKERS", "4", "web_workers", 4),
        ("VIGIL_LOG_LEVEL", "debug", "log_level", "debug"),
    ],
)
def test_each_setting_is_read_from_the_environment(
    tmp_path: Path, name: str, text: str, field: str, value: object
) -> None:
    assert getattr(load({name: text}, tmp_path), field) == value


def test_every_setting_has_a_name_and_a_place() -> None:
    assert set(SETTING_NAMES) | {"api_tokens", "sources", "sinks", "rules", "heartbeat"} == set(
        Settings.__struct_fields__
    )


def test_the_file_holds_the_same_settings(tmp_path: Path) -> None:
    toml = '[vigil]\nport = 81\nshards = "4"\nallow_unsigned = true\nretention = "2h"\nvar = "elsewhere"\n'
    settings = of(tmp_path, toml)
    assert (settings.port, settings.shards, settings.allow_unsigned) == (81, 4, True)
    assert (settings.retention, settings.var) == (7200, Path("elsewhere"))


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    settings = of(tmp_path, "[vigil]\nport = 81\nshards = 4\n", PORT="82")
    assert (settings.port, settings.shards) == (82, 4)


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    assert of(tmp_path, "[vigil]\nport = 81\n", PORT="", REDIS_URL="").port == 81


def test_the_file_may_stand_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("[vigil]\nport = 83\n")
    assert of(tmp_path, "[vigil]\nport = 81\n", VIGIL_CONFIG=str(tmp_path / "other.toml")).port == 83


def test_a_file_that_was_named_but_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, VIGIL_CONFIG=str(tmp_path / "nowhere.toml"))
    assert "nowhere.toml" in problem


@pytest.mark.parametrize("text", ["59", "0", "59s"])
def test_a_retention_below_a_minute_is_a_mistake(tmp_path: Path, text: str) -> None:
    (problem,) = mistakes(tmp_path, VIGIL_RETENTION=text)
    assert problem.startswith(f"VIGIL_RETENTION={text!r}: ")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("VIGIL_SHARDS", "0"),
        ("VIGIL_SHARDS", "257"),
        ("VIGIL_INBOX_MAX", "0"),
        ("VIGIL_LOG_PER_SESSION", "0"),
        ("VIGIL_MAX_BODY_BYTES", "10"),
        ("VIGIL_MAX_BODY_BYTES", "1.5MB"),
        ("VIGIL_MAX_BODY_BYTES", "1GiB"),
        ("VIGIL_ALLOW_UNSIGNED", "maybe"),
        ("VIGIL_FOLD_WORKERS", "0"),
        ("VIGIL_LOG_LEVEL", "loud"),
    ],
)
def test_a_mistake_names_the_setting_and_its_value(tmp_path: Path, name: str, text: str) -> None:
    (problem,) = mistakes(tmp_path, **{name: text})
    assert problem.startswith(f"{name}={text!r}: ")


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    toml = '[vigil]\nshard = 4\nport = "x"\n[[source]]\nname = "a b"\n'
    problems = mistakes(tmp_path, toml, VIGIL_SHARDS="0", VIGIL_API_TOKENS="ann", VIGIL_RETENTION="soon")
    beginnings = (
        "PORT",
        "VIGIL_SHARDS",
        "VIGIL_RETENTION",
        "VIGIL_API_TOKENS, entry 1",
        "[[source]]",
        "[vigil] in vigil.toml: shard ",
    )
    assert len(problems) == len(beginnings)
    assert all(any(problem.startswith(beginning) for problem in problems) for beginning in beginnings)


def test_an_unknown_key_is_a_mistake_that_lists_the_known_ones(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "[vigil]\nprot = 1\n")
    assert "prot" in problem
    assert "port" in problem


@pytest.mark.parametrize(
    "toml", ["[vigl]\nport = 1\n", 'prot = 1\n[[sorce]]\nname = "a"\n'], ids=["table", "top level"]
)
def test_an_unknown_table_is_a_mistake(tmp_path: Path, toml: str) -> None:
    assert mistakes(tmp_path, toml)


def test_an_unknown_key_of_a_source_is_a_mistake(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, '[[source]]\nname = "eu"\nsecret = ["x"]\n')
    assert "secret" in problem


@pytest.mark.parametrize("toml", ["source = 5\n", "[vigil]\nport = [1]\n"], ids=str.split)
def test_a_value_of_the_wrong_kind_is_a_mistake(tmp_path: Path, toml: str) -> None:
    assert mistakes(tmp_path, toml)


@pytest.mark.parametrize(
    "toml", ["vigil = 5\n", "[[vigil]]\nport = 1\n", "[vigil]\napi_tokens = 5\n", "[vigil]\nvar = 5\n"], ids=str.split
)
def test_a_table_of_the_wrong_kind_is_a_mistake_not_a_crash(tmp_path: Path, toml: str) -> None:
    assert mistakes(tmp_path, toml)


@pytest.mark.parametrize("content", [b"[vigil\n", b"\xff\xfe", b"port == 1"])
def test_a_file_that_cannot_be_read_is_a_mistake_beside_the_others(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "vigil.toml").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load({"PORT": "x"}, tmp_path)
    assert len(caught.value.problems) == 2
    assert any("vigil.toml" in problem for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("text", "secrets"),
    [("one", ("one",)), (" old , new ", ("old", "new")), ("one,,", ("one",)), ("", ()), (" , ", ())],
)
def test_secrets_are_one_or_several(tmp_path: Path, text: str, secrets: tuple[str, ...]) -> None:
    settings = load({"AGORA_NOTIFICATION_SECRET": text}, tmp_path)
    assert settings.sources == (Source(name="default", secrets=secrets),)


def test_secrets_of_the_default_source_may_stand_in_the_file(tmp_path: Path) -> None:
    settings = of(tmp_path, '[vigil]\nagora_notification_secret = "one"\n')
    assert settings.sources == (Source(name="default", secrets=("one",)),)


SOURCES = """
[[source]]
name = "eu"
project = "europe"
secrets = ["${EU_SECRET}", "old"]
products = ["cloud_recording"]
labels = {team = "media"}
"""


def test_sources_of_the_file_stand_beside_the_default_one(tmp_path: Path) -> None:
    settings = of(tmp_path, SOURCES, EU_SECRET="new", AGORA_NOTIFICATION_SECRET="mine")
    eu, default = settings.sources
    assert eu == Source(
        name="eu",
        project="europe",
        secrets=("new", "old"),
        products=("cloud_recording",),
        labels={"team": "media"},
    )
    assert default == Source(name="default", secrets=("mine",))
    assert (settings.source("eu"), settings.source("nobody")) == (eu, None)


def test_a_variable_that_the_environment_lacks_is_a_mistake(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, SOURCES)
    assert "${EU_SECRET}" in problem


@pytest.mark.parametrize("value", ['a"b', "a\\nb", "a\\\\b", "tab\tnew\nline", "${PORT}", "a]b"])
def test_a_variable_may_hold_any_characters(tmp_path: Path, value: str) -> None:
    eu, _ = of(tmp_path, SOURCES, EU_SECRET=value).sources
    assert eu.secrets == (value, "old")


def test_a_variable_named_in_a_comment_need_not_be_set(tmp_path: Path) -> None:
    assert of(tmp_path, "# secrets = ['${NOT_SET}']\n[vigil]\nport = 81\n").port == 81


def test_two_sources_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, '[[source]]\nname = "a"\n' * 2)
    assert "'a'" in problem


def test_default_secrets_in_two_places_are_a_mistake(tmp_path: Path) -> None:
    toml = '[[source]]\nname = "default"\nsecrets = ["x"]\n'
    (problem,) = mistakes(tmp_path, toml, AGORA_NOTIFICATION_SECRET=HIDDEN)
    assert HIDDEN not in problem


def test_tokens_have_a_name_and_a_role(tmp_path: Path) -> None:
    settings = load({"VIGIL_API_TOKENS": "ann:reader:token-one, bob:operator:token:two"}, tmp_path)
    assert settings.api_tokens == (ApiToken("ann", "reader", "token-one"), ApiToken("bob", "operator", "token:two"))


@pytest.mark.parametrize(
    "entry", ["ann", "ann:reader", "ann:writer:long-enough", "a b:reader:long-enough", "ann:reader:short"]
)
def test_a_token_that_cannot_be_used_is_a_mistake_that_shows_no_token(tmp_path: Path, entry: str) -> None:
    problems = mistakes(tmp_path, VIGIL_API_TOKENS=f"bob:reader:{HIDDEN},{entry}")
    assert [problem.partition(":")[0] for problem in problems] == ["VIGIL_API_TOKENS, entry 2"]
    assert HIDDEN not in problems[0]
    assert "long-enough" not in problems[0]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "vigil.example"])
def test_unsigned_posts_are_refused_off_loopback(tmp_path: Path, host: str) -> None:
    (problem,) = mistakes(tmp_path, VIGIL_ALLOW_UNSIGNED="1", VIGIL_HOST=host)
    assert host in problem
    assert "VIGIL_ALLOW_UNSIGNED" in problem


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_unsigned_posts_are_possible_on_loopback(tmp_path: Path, host: str) -> None:
    assert load({"VIGIL_ALLOW_UNSIGNED": "1", "VIGIL_HOST": host}, tmp_path).allow_unsigned


@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda value: f"{value!r:}"])
def test_no_way_of_printing_shows_a_secret(tmp_path: Path, show: Any) -> None:
    settings = of(
        tmp_path,
        SOURCES,
        EU_SECRET=HIDDEN,
        AGORA_NOTIFICATION_SECRET=HIDDEN,
        VIGIL_API_TOKENS=f"ann:reader:{HIDDEN}",
        REDIS_URL=f"redis://user:{HIDDEN}@host",
    )
    for value in (settings, settings.sources, settings.sources[0], settings.api_tokens, settings.api_tokens[0]):
        assert HIDDEN not in show(value)
    assert "set" in show(settings.sources[0])


def test_no_mistake_shows_a_secret(tmp_path: Path) -> None:
    toml = f'[vigil]\nredis_url = ["redis://:{HIDDEN}@host"]\n[[source]]\nname = "a b"\nsecrets = ["{HIDDEN}"]\n'
    problems = mistakes(tmp_path, toml, AGORA_NOTIFICATION_SECRET=HIDDEN, PORT="x")
    assert [problem for problem in problems if HIDDEN in problem] == []


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(AttributeError, match="immutable"):
        load({}, tmp_path).port = 1  # type: ignore[misc]


def test_a_variable_that_looks_like_a_setting_and_is_none_is_named_with_the_nearest() -> None:
    environment = {"VIGIL_SHARD": "4", "VIGIL_SERVICE_HOST": "10.0.0.1", "VIGIL_TOKEN": "x", "VIGIL_SHARDS": "8"}
    assert unknown_names(environment) == [
        "VIGIL_SERVICE_HOST is no setting of Vigil",
        "VIGIL_SHARD is no setting of Vigil; did you mean VIGIL_SHARDS?",
    ]
