import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from webhook.cli import main
from webhook.cli.check_start import check_start

PLANTED = "pLaNtEd/0123456789+abcdefghijklmnop"


def start_request(**settings: Any) -> dict[str, Any]:
    return {
        "cname": "Testing2",
        "uid": "527841",
        "clientRequest": {
            "token": PLANTED,
            "recordingConfig": {"streamTypes": 2, "secret": PLANTED},
            "snapshotConfig": {"captureInterval": 10, "fileType": ["jpg"]},
            "storageConfig": {"vendor": 1, "bucket": "b", "accessKey": PLANTED, "secretKey": PLANTED},
        }
        | settings,
    }


def run(content: bytes | str | dict[str, Any], *options: str) -> Result:
    content = json.dumps(content) if isinstance(content, dict) else content
    return CliRunner().invoke(check_start, ["-", *options], input=content)


def test_a_fitting_request_has_no_violation_and_exits_0(tmp_path: Path) -> None:
    file = tmp_path / "start.json"
    file.write_text(json.dumps(start_request()))
    result = CliRunner().invoke(main, ["check-start", str(file)])
    assert (result.stdout, result.exit_code) == ("no violation\n", 0)


def test_each_violation_is_a_line_and_an_error_exits_1() -> None:
    result = run(start_request(snapshotConfig={"captureInterval": 2, "fileType": ["png"]}, storageConfig=PLANTED))
    assert [line.partition(": ")[0] for line in result.stdout.splitlines()] == [
        "error   $.clientRequest.storageConfig",
        "error   $.clientRequest.snapshotConfig.fileType",
        "warning $.clientRequest.snapshotConfig.captureInterval",
    ]
    assert result.exit_code == 1
    assert PLANTED not in result.output


def test_warnings_alone_are_printed_and_exit_0() -> None:
    result = run(start_request(recordingFileConfig={}))
    assert result.stdout.startswith("warning $.clientRequest.snapshotConfig: ")
    assert result.exit_code == 0


def test_the_mode_is_individual_unless_another_is_named() -> None:
    result = run(start_request(), "--mode", "mix")
    assert 'the mode is "mix"' in result.stdout
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("settings", "valid"),
    [({}, True), ({"recordingFileConfig": {}}, True), ({"token": 1}, False), ({"snapshotConfig": None}, False)],
)
def test_json_is_what_the_api_answers(settings: dict[str, Any], valid: bool) -> None:
    result = run(start_request(**settings), "--json")
    answer = json.loads(result.stdout)
    assert answer["valid"] is valid
    assert len(answer["violations"]) == len(settings)
    assert all(set(each) == {"rule", "path", "message", "severity"} for each in answer["violations"])
    assert result.exit_code == (0 if valid else 1)
    assert PLANTED not in result.output


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xff\xff", b'{"uid": NaN}', b"[" * 100_000, b"9" * 5000])
def test_what_is_no_json_exits_2(content: bytes) -> None:
    result = run(content)
    assert result.exit_code == 2
    assert "cannot be read as JSON" in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_a_mistake_in_the_json_does_not_print_the_file() -> None:
    assert PLANTED not in run(f'{{"token": "{PLANTED}", }}').output


def test_a_file_that_is_not_there_exits_2(tmp_path: Path) -> None:
    assert CliRunner().invoke(check_start, [str(tmp_path / "none.json")]).exit_code == 2
    assert CliRunner().invoke(check_start, [str(tmp_path)]).exit_code == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_as_windows_editors_save_it_is_read(encoding: str) -> None:
    assert run(json.dumps(start_request()).encode(encoding)).stdout == "no violation\n"


def test_json_that_is_no_object_is_a_violation() -> None:
    result = run("[]")
    assert result.stdout.startswith("error   $: the start request is an array of length 0")
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"snapshotConfig": None}, "snapshotConfig is missing, so not one snapshot is taken"),
        ({"snapshotConfig": None, "snapshotconfig": {}}, "snapshotconfig is no setting, so Agora ignores it: write sn"),
        ({"recordingConfig": {"streamType": 2}}, "streamType is no setting, so Agora ignores it: write streamTypes"),
        ({"recordingConfig": {"subscribeVideoUids": []}}, "subscribeVideoUids is empty, so nobody's video"),
        ({"recordingConfig": {"subscribeVideoUids": [123]}}, "element 0 of subscribeVideoUids is 123"),
    ],
)
def test_a_request_from_which_no_snapshot_comes_does_not_pass(settings: dict[str, Any], says: str) -> None:
    result = run(start_request(**settings))
    assert result.exit_code == 1
    assert says in result.stdout


def test_the_form_that_the_api_takes_is_unwrapped_with_its_mode() -> None:
    wrapped = run({"mode": "individual", "startRequest": start_request()})
    assert (wrapped.stdout, wrapped.exit_code) == ("no violation\n", 0)
    assert 'the mode is "mix"' in run({"mode": "mix", "startRequest": start_request()}).stdout
    assert run({"mode": "mix", "startRequest": start_request()}, "--mode", "individual").exit_code == 0
    assert 'the mode is "individual' not in run({"startRequest": start_request()}).stdout
