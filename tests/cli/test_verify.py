"""`vigil verify` as it is called: its exit codes, and that no secret stands on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from webhook.cli import main
from webhook.domain.signature import sign

SECRET, BODY = "a secret of the tests", b'{"a": 1}'


@pytest.fixture
def body(tmp_path: Path) -> Path:
    path = tmp_path / "body.json"
    path.write_bytes(BODY)
    return path


def run(body: Path, *words: str, secret: str = SECRET) -> Result:
    return CliRunner().invoke(main, ["verify", "--secret-env", "S", "--body", str(body), *words], env={"S": secret})


def test_signatures_that_fit_end_with_0(body: Path) -> None:
    result = run(body, "--v1", sign(BODY, SECRET, 1), "--v2", sign(BODY, SECRET))
    assert (result.exit_code, result.stdout.count("fits")) == (0, 2)


def test_one_that_does_not_fit_ends_with_1_and_says_why(body: Path) -> None:
    result = run(body, "--v1", sign(BODY, SECRET, 1), "--v2", sign(BODY + b"\n", SECRET))
    assert result.exit_code == 1
    assert "with a newline at the end" in result.stdout


@pytest.mark.parametrize(("words", "secret"), [((), SECRET), (("--v2", "ab"), "")])
def test_nothing_to_verify_ends_with_2(body: Path, words: tuple[str, ...], secret: str) -> None:
    assert run(body, *words, secret=secret).exit_code == 2
