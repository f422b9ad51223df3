import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from click.testing import CliRunner, Result

from webhook.cli.secret import signing_secret
from webhook.cli.send import send
from webhook.cli.simulate import simulate
from webhook.development import make_secret
from webhook.domain.errors import ConfigurationError
from webhook.settings import Settings, load
from webhook.simulation.scenario import SCENARIOS

SECRET = "first"
ENVIRONMENT = {"AGORA_NOTIFICATION_SECRET": f"{SECRET},second", "VIGIL_CONFIG": "", "VIGIL_API_TOKENS": ""}
JSON = b'{"status": "accepted", "noticeId": "n"}'


def run(command: Any, *arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(command, list(arguments), input=stdin, env=ENVIRONMENT)


def play(site: Any, *arguments: str) -> Result:
    return run(simulate, "--url", site.url, "--speed", "1000000", "--patience", "0", *arguments)


def test_a_simulation_that_agrees_says_so_last_and_exits_0(serve: Any, stand_in: Any) -> None:
    result = play(serve(stand_in), "--sessions", "20", "--duplicate", "0.3", "--reorder", "0.3", "--seed", "4")
    assert result.stdout.splitlines()[0] == "seed 4"
    assert result.stdout.splitlines()[-1] == "all 20 sessions agree"
    assert result.exit_code == 0
    assert len({post["sid"] for post in stand_in.posts}) == 20


def test_a_simulation_with_loss_is_compared_with_what_came(serve: Any, stand_in: Any) -> None:
    result = play(serve(stand_in), "--sessions", "8", "--loss", "0.2", "--seed", "4")
    assert result.stdout.splitlines()[-1] == "all 8 sessions agree", result.stdout


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_can_be_played(serve: Any, stand_in: Any, scenario: str) -> None:
    result = play(serve(stand_in), "--scenario", scenario, "--sessions", "2", "--seed", "4", "--loss", "0.1")
    assert result.exit_code == 0, result.stdout


def test_scenes_of_several_sessions_are_played_whole_and_counted_by_session(serve: Any, stand_in: Any) -> None:
    result = play(serve(stand_in), "--scenario", "two-sessions-one-channel", "--sessions", "1", "--json")
    told = json.loads(result.stdout)
    assert (told["sessions"], told["verdict"]) == (4, "all 4 sessions agree")


def test_the_help_says_what_a_session_is() -> None:
    told = " ".join(run(simulate, "--help").stdout.split())
    assert "How many sessions at least" in told
    assert "The last line says how many were compared" in told


def test_one_session_agrees_in_the_singular(serve: Any, stand_in: Any) -> None:
    assert play(serve(stand_in), "--sessions", "1").stdout.splitlines()[-1] == "the 1 session agrees"


def test_a_difference_is_printed_and_exits_1(serve: Any, stand_in: Any) -> None:
    stand_in.twist = lambda session: session.update(state="live")
    result = play(serve(stand_in), "--sessions", "2")
    assert result.stdout.count(': state is "live", truth is "ended"') == 2
    assert result.stdout.splitlines()[-1] == "2 of 2 sessions differ"
    assert result.exit_code == 1


def test_a_channel_is_counted_by_its_whole_id_and_a_session_once(serve: Any, stand_in: Any) -> None:
    stand_in.twist = lambda session: session.update(state="?", channel="?")
    result = play(serve(stand_in), "--sessions", "1", "--scenario", "rtc-reconnects", "--seed", "3")
    assert result.stdout.splitlines()[-1] == "1 of 1 sessions differs"


def test_a_timeline_that_is_empty_is_a_difference(serve: Any, stand_in: Any) -> None:
    stand_in.redraw = lambda timeline: timeline.update(lanes=[])
    result = play(serve(stand_in), "--scenario", "all", "--sessions", "20", "--seed", "4")
    assert result.exit_code == 1
    assert result.stdout.count("whether the timeline has lanes is false, truth is true") >= 20


def test_agreement_over_nothing_is_none(serve: Any, stand_in: Any) -> None:
    result = play(serve(stand_in), "--sessions", "3", "--loss", "1")
    assert result.stdout.splitlines()[-1] == "nothing was delivered, so nothing was compared"
    assert result.exit_code == 1
    told = json.loads(play(serve(stand_in), "--sessions", "3", "--loss", "1", "--json").stdout)
    assert (told["agree"], told["acknowledged"]) == (False, 0)


def test_sessions_of_which_nothing_came_are_counted_apart(serve: Any, stand_in: Any) -> None:
    result = play(serve(stand_in), "--scenario", "gateway", "--sessions", "20", "--loss", "0.7", "--seed", "4")
    assert re.fullmatch(r"all 20 sessions agree; of \d+ of them nothing was delivered", result.stdout.splitlines()[-1])


@pytest.mark.parametrize(("status", "words"), [(401, "the signature does not fit"), (404, "no source is there")])
def test_a_wrong_secret_is_said_at_once(serve: Any, stand_in: Any, status: int, words: str) -> None:
    site = serve(lambda asked, number: (status if asked.method == "POST" else 200, b"{}"))
    result = play(site, "--sessions", "20")
    assert result.exit_code == 2
    assert f"answers with status {status}: {words}. Set AGORA_NOTIFICATION_SECRET to a secret of" in result.stderr
    assert len([asked for asked in site.asked if asked.method == "POST"]) <= 16


def test_a_401_after_an_acknowledgement_is_resent_as_any_other(serve: Any, stand_in: Any) -> None:
    odd = {30, 40}
    site = serve(
        lambda asked, number: (401, b"") if number in odd and asked.method == "POST" else stand_in(asked, number)
    )
    result = play(site, "--sessions", "2", "--rate", "200")
    assert result.exit_code == 0, result.output


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory whose settings have a source of a project of its own, and a token."""
    lines = ["[[source]]", 'name = "lessons"', 'project = "school"', 'secrets = ["lesson secret"]']
    (tmp_path / "vigil.toml").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", [simulate, send])
def test_a_source_is_posted_to_with_its_secret(serve: Any, stand_in: Any, school: Path, command: Any) -> None:
    stand_in.project = "school"
    site = serve(stand_in)
    if command is send:
        result = run(send, "--product", "rtc", "--type", "103", "--source", "lessons", "--url", site.url)
    else:
        result = play(site, "--source", "lessons", "--scenario", "all", "--sessions", "20")
    assert result.exit_code == 0, result.output
    posts = [asked for asked in site.asked if asked.method == "POST"]
    assert {asked.path for asked in posts} == {"/webhooks/agora/lessons"}
    signature = hmac.new(b"lesson secret", posts[0].body, hashlib.sha256).hexdigest()
    assert posts[0].headers["Agora-Signature-V2"] == signature
    assert "rtc:school:" in (result.stdout if command is send else unquote(" ".join(each.path for each in site.asked)))


def test_an_unknown_source_is_named_with_those_there_are(school: Path) -> None:
    result = run(send, "--product", "rtc", "--type", "103", "--source", "lesson")
    assert result.exit_code == 1
    assert "there is no source 'lesson'; configured are default, lessons" in result.stderr


def test_the_verdict_can_be_had_as_json(serve: Any, stand_in: Any) -> None:
    result = play(serve(stand_in), "--sessions", "2", "--seed", "9", "--json", "--duplicate", "1")
    told = json.loads(result.stdout)
    assert (told["seed"], told["agree"], told["verdict"], told["differences"]) == (9, True, "all 2 sessions agree", [])
    assert told["posts"] == told["acknowledged"] == told["notifications"] + told["copies"]


def test_while_vigil_cannot_answer_it_says_so_and_nothing_of_differences(serve: Any, stand_in: Any) -> None:
    site = serve(lambda asked, number: (503, b"{}") if "/api/" in asked.path else stand_in(asked, number))
    for more in ((), ("--json",)):
        result = play(site, "--sessions", "5", *more)
        assert result.exit_code == 2
        assert "Vigil cannot answer now: its status API says 503, so nothing can be compared" in result.stdout
        assert f"{site.url}/readyz" in result.stdout
        assert "sessions differ" not in result.stdout


def test_where_nothing_answers_one_sentence_says_so_and_it_exits_2(serve: Any, stand_in: Any) -> None:
    site = serve(stand_in)
    site.close()
    result = play(site)
    assert result.stderr == f"Nothing answers at {site.url}; start Vigil with `vigil up`, or give --url.\n"
    assert (result.stdout, result.exit_code) == ("", 2)


def test_simulate_posts_are_signed_with_the_first_configured_secret(serve: Any, stand_in: Any) -> None:
    site = serve(stand_in)
    play(site, "--sessions", "1")
    posts = [asked for asked in site.asked if asked.method == "POST"]
    for asked in posts:
        assert asked.headers["Agora-Signature-V2"] == digest(asked.body, hashlib.sha256)


def digest(body: bytes, kind: Any) -> str:
    return hmac.new(SECRET.encode(), body, kind).hexdigest()


def test_a_file_is_posted_byte_for_byte_with_both_signatures(serve: Any, tmp_path: Path) -> None:
    body = b'{"productId" : 3,\r\n "x": 1.0 }\n'
    (tmp_path / "body.json").write_bytes(body)
    site = serve(lambda asked, number: (200, JSON))
    result = run(send, str(tmp_path / "body.json"), "--url", site.url)
    assert (result.stdout, result.exit_code) == (f"200 {JSON.decode()}\n", 0)
    asked = site.asked[0]
    assert (asked.body, asked.path) == (body, "/webhooks/agora")
    assert asked.headers["Agora-Signature"] == digest(body, hashlib.sha1)
    assert asked.headers["Agora-Signature-V2"] == digest(body, hashlib.sha256)


def test_a_dash_is_standard_input_and_v1_only_leaves_v2_out(serve: Any) -> None:
    site = serve(lambda asked, number: (200, JSON))
    assert run(send, "-", "--v1-only", "--url", site.url, stdin=b"\xff{").exit_code == 0
    assert site.asked[0].body == b"\xff{"
    assert site.asked[0].headers["Agora-Signature"] == digest(b"\xff{", hashlib.sha1)
    assert "Agora-Signature-V2" not in site.asked[0].headers


@pytest.mark.parametrize("product", ["recording", "3"])
def test_a_sample_is_sent_by_product_and_type(serve: Any, product: str) -> None:
    site = serve(lambda asked, number: (200, JSON))
    result = run(send, "--product", product, "--type", "44", "--url", site.url)
    assert result.exit_code == 0
    sid = json.loads(site.asked[0].body)["sid"]
    assert result.stdout == f"200 {JSON.decode()}\nsession {sid}: see it with `vigil status {sid}`\n"
    body = json.loads(site.asked[0].body)
    assert (body["productId"], body["eventType"]) == (3, 44)


def test_an_answer_other_than_200_exits_1_after_all_were_sent(serve: Any, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a", "b")]
    for file in files:
        file.write_bytes(b"{}")
    site = serve(lambda asked, number: (401, b"{}") if number == 1 else (200, JSON))
    result = run(send, *map(str, files), "--url", site.url)
    assert result.stdout == f"401 {{}}\n200 {JSON.decode()}\n"
    assert result.exit_code == 1


def test_of_what_is_in_quarantine_it_says_where_to_look(serve: Any) -> None:
    quarantined = serve(lambda asked, number: (200, b'{"status": "quarantined", "noticeId": "sha256:1"}'))
    result = run(send, "--url", quarantined.url, "-", stdin=b"no envelope")
    assert (result.exit_code, "`vigil dead-letters`" in result.stdout) == (0, True)
    accepted = serve(lambda asked, number: (200, JSON))
    assert "dead-letters" not in run(send, "--url", accepted.url, "-", stdin=b"{}").stdout


def test_the_samples_are_listed() -> None:
    result = run(send, "--list")
    assert result.exit_code == 0
    assert "  --product media_push or push or 5: --type 1, 2, 3, 4\n" in result.stdout


def test_an_unknown_product_is_named_as_such() -> None:
    assert "There is no product radio; known are" in run(send, "--product", "radio", "--type", "5").stderr


def test_an_unknown_sample_is_refused_with_the_list_of_known_ones() -> None:
    result = run(send, "--product", "recording", "--type", "5")
    assert result.exit_code == 2
    assert "There is no sample of product recording, type 5" in result.stderr
    assert "--type 1, 2, 3, 4, 11, 12, 13, 30" in result.stderr


@pytest.mark.parametrize(
    "arguments", [(), ("--product", "3"), ("--type", "44"), ("-", "--product", "3", "--type", "44")]
)
def test_send_needs_files_or_a_whole_sample(arguments: tuple[str, ...]) -> None:
    assert run(send, *arguments, stdin=b"{}").exit_code == 2


def test_send_says_where_nothing_answers(serve: Any) -> None:
    site = serve(lambda asked, number: (200, JSON))
    site.close()
    result = run(send, "--product", "3", "--type", "44", "--url", site.url)
    assert result.stderr == f"Nothing answers at {site.url}; start Vigil with `vigil up`, or give --url.\n"
    assert result.exit_code == 2


def test_without_a_configured_secret_the_development_secret_signs(tmp_path: Path) -> None:
    made = make_secret(tmp_path)
    assert signing_secret(Settings(var=tmp_path)) == made
    assert signing_secret(Settings(var=tmp_path, sources=load(ENVIRONMENT, tmp_path).sources)) == SECRET


def test_without_any_secret_the_setting_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="AGORA_NOTIFICATION_SECRET is not set"):
        signing_secret(Settings(var=tmp_path))
