"""Settings about where a notification is kept: Redis, how sure of it one has to be, the spool."""

from __future__ import annotations

from pathlib import Path

import pytest

from webhook.domain.errors import ConfigurationError
from webhook.settings import Settings, load

HIDDEN = "hidden-value"


def of_file(directory: Path, toml: str, **environment: str) -> Settings:
    (directory / "vigil.toml").write_text(toml)
    return load(environment, directory)


def mistake(directory: Path, **environment: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(environment, directory)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("REDIS_URL", "redis+sentinel://a,b,c/vigil", "redis_url", "redis+sentinel://a,b,c/vigil"),
        ("VIGIL_SPOOL_DIR", "/spool", "spool", Path("/spool")),
        ("VIGIL_SPOOL_MAX_BYTES", "9", "spool_max_bytes", 9),
        ("VIGIL_SPOOL_MIN_FREE_BYTES", "0", "spool_min_free_bytes", 0),
        ("VIGIL_ACK", "replica", "ack", "replica"),
    ],
)
def test_each_setting_is_read_from_the_environment(
    tmp_path: Path, name: str, text: str, field: str, value: object
) -> None:
    assert getattr(load({name: text}, tmp_path), field) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("VIGIL_SPOOL_MAX_BYTES", "0"),
        ("VIGIL_SPOOL_MIN_FREE_BYTES", "-1"),
        ("VIGIL_ACK", "both"),
    ],
)
def test_a_mistake_names_the_setting_and_its_value(tmp_path: Path, name: str, text: str) -> None:
    assert mistake(tmp_path, **{name: text}).startswith(f"{name}={text!r}: ")


def test_the_spool_is_in_var_unless_it_is_said_where_and_an_empty_name_says_nowhere(tmp_path: Path) -> None:
    assert load({"VIGIL_VAR": "/data"}, tmp_path).spool == Path("/data/spool")
    assert load({"VIGIL_VAR": "/data", "VIGIL_SPOOL_DIR": ""}, tmp_path).spool is None
    assert of_file(tmp_path, '[vigil]\nspool_dir = ""\n').spool is None
    assert of_file(tmp_path, '[vigil]\nspool_dir = "/spool"\n', VIGIL_SPOOL_DIR="").spool is None


def test_a_spool_takes_a_gibibyte_leaves_a_quarter_free_and_the_level_is_found_out(tmp_path: Path) -> None:
    settings = load({}, tmp_path)
    assert (settings.spool_max_bytes, settings.spool_min_free_bytes, settings.ack) == (1 << 30, 1 << 28, "auto")


@pytest.mark.parametrize("url", [f"http://:{HIDDEN}@host", f"redis+sentinel://:{HIDDEN}@a,b", f"redis://:{HIDDEN}@h:x"])
def test_an_address_of_redis_that_cannot_be_used_is_a_mistake_that_does_not_show_it(tmp_path: Path, url: str) -> None:
    problem = mistake(tmp_path, REDIS_URL=url)
    assert problem.startswith("REDIS_URL: not a URL of Redis; write redis://")
    assert HIDDEN not in problem
