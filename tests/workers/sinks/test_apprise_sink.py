"""What services that Apprise speaks to are sent, and what becomes of their failures."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import requests
from apprise.plugins.discord import NotifyDiscord
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram

from tests.receivers import Answer, HttpReceiver, SmtpReceiver, unused_port
from tests.workers.sinks.failing import BOUND, failure, late_failure
from tests.workers.sinks.told import ACTS, PUBLIC, batch, hostile, telling
from webhook.domain.alerting.telling import Transition
from workers.sinks.apprise_sink import AppriseSink, hidden, secrets_of, url_problem

TOKEN = "T0PS3CRETT0KEN"
MAIL = "mailto://{}?from=vigil@example.org&to=ops@example.org&mode=insecure"


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with HttpReceiver() as started:
        yield started


@pytest.fixture
def smtp() -> Iterator[SmtpReceiver]:
    with SmtpReceiver() as started:
        yield started


def sink_at(url: str) -> AppriseSink:
    return AppriseSink("chat", url, PUBLIC)


def strings(value: object) -> list[str]:
    """Every string in a JSON value."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in strings(each)]
    return [value] if isinstance(value, str) else []


class Tags(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.text += "".join(f" {name}={value}" for name, value in attrs)

    def handle_data(self, text: str) -> None:
        self.text += text


def test_a_batch_is_one_message_with_a_title_and_a_body(receiver: HttpReceiver) -> None:
    sink_at(f"json://{receiver.address}/{TOKEN}").send(batch(telling(), telling(Transition.RESOLVED, 2)))
    (request,) = receiver.received
    assert request.path == f"/{TOKEN}"
    assert request.json["title"] == "2 alerts in lesson-12, one critical, one resolved"
    assert request.json["message"].startswith("CRITICAL: recording error. fatal error 47")
    assert f"See {PUBLIC}/ops/alerts/3-00ff-1" in request.json["message"]


@pytest.mark.parametrize(
    ("transition", "kind"),
    [(Transition.FIRING, "failure"), (Transition.REPEAT, "failure"), (Transition.RESOLVED, "success")],
)
def test_a_service_that_shows_colours_is_told_how_bad_it_is(
    receiver: HttpReceiver, transition: Transition, kind: str
) -> None:
    sink_at(f"json://{receiver.address}/").send(batch(telling(transition)))
    assert receiver.received[0].json["type"] == kind


def test_it_is_sent_on_the_thread_that_asks(receiver: HttpReceiver) -> None:
    before = {each.name for each in threading.enumerate()}
    sink_at(f"json://{receiver.address}/").send(batch())
    grown = {each.name for each in threading.enumerate()} - before
    assert [name for name in grown if "ThreadPool" in name] == []


@pytest.mark.parametrize(
    "url",
    [
        "json://{}/",
        "xml://{}/",
        "form://{}/",
        "mmost://{}/3ccdd113474722377935511fc85d3dd4",
        "mmost://{}/3ccdd113474722377935511fc85d3dd4?format=markdown",
        "ntfy://{}/topic",
        "ntfy://{}/topic?format=markdown",
        "rocket://8b799edf/8b799edf6f98@{}/#room",
        "matrix://T0PS3CRETT0KEN@{}/?mode=matrix",
    ],
)
def test_nothing_from_the_wire_acts_in_what_a_service_is_posted(receiver: HttpReceiver, url: str) -> None:
    sink_at(url.format(receiver.address)).send(batch(hostile()))
    assert receiver.received
    for request in receiver.received:
        said = request.body.decode().replace("<soapenv", "").replace("</soapenv", "")
        texts = strings(request.json) if said.startswith("{") else [said]
        assert [mark for mark in ACTS if any(mark in text for text in texts)] == []


def test_nothing_from_the_wire_acts_in_slack(receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NotifySlack, "webhook_url", receiver.url)
    receiver.answer(Answer(body=b"ok"))
    sink_at("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops").send(batch(hostile()))
    said = "\n".join(strings(receiver.received[0].json))
    assert "recording error" in said
    assert [mark for mark in ACTS if mark in said] == []


def test_nothing_from_the_wire_acts_in_discord(receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NotifyDiscord, "notify_url", receiver.url)
    sink_at("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js").send(batch(hostile()))
    said = "\n".join(strings(receiver.received[0].json))
    assert "recording error" in said
    assert [mark for mark in ACTS if mark in said] == []


def test_nothing_from_the_wire_acts_in_telegram(receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NotifyTelegram, "notify_url", f"{receiver.url}/bot")
    receiver.answer(Answer(body=b'{"ok": true}'))
    sink_at("tgram://123456789:abcdefg_hijklmnop/12315544/").send(batch(hostile()))
    sent = receiver.received[-1].json
    assert sent["parse_mode"] == "HTML"
    assert Tags(sent["text"]).tags <= {"b"}
    assert [mark for mark in ACTS if mark in Tags(sent["text"]).text] == []


def test_nothing_from_the_wire_acts_in_teams(receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr("apprise.plugins.workflows.requests.post", _posting_to(receiver.url, seen))
    sink_at("workflows://prod.example.com:443/643e69f8/abcdefgh").send(batch(hostile()))
    said = "\n".join(strings(receiver.received[0].json))
    assert seen[0].startswith("https://prod.example.com")
    assert "recording error" in said
    assert [mark for mark in ACTS if mark in said.replace("\\", "")] == []


def _posting_to(url: str, seen: list[str]) -> object:
    """A `requests.post` for a service that insists on https: the same request to a local receiver."""
    post = requests.post

    def redirected(asked: str, **request: object) -> object:
        seen.append(asked)
        return post(url, **request)

    return redirected


def test_an_e_mail_arrives_with_its_subject_and_its_text(smtp: SmtpReceiver) -> None:
    sink_at(MAIL.format(smtp.address)).send(batch())
    (message,) = smtp.messages
    assert smtp.recipients == [["ops@example.org"]]
    assert message["Subject"] == "CRITICAL: recording error in lesson-12"
    text = message.get_body(("plain",))
    assert text is not None
    assert "Since: 2026-11-23 03:00:00 UTC" in text.get_content()


@pytest.mark.parametrize("form", ["text", "html", "markdown"])
def test_nothing_from_the_wire_acts_in_an_e_mail(smtp: SmtpReceiver, form: str) -> None:
    sink_at(f"{MAIL.format(smtp.address)}&format={form}").send(batch(hostile()))
    (message,) = smtp.messages
    parts = [part for part in message.walk() if not part.is_multipart()]
    assert parts
    for part in parts:
        content = part.get_content()
        if part.get_content_type() == "text/html":
            assert Tags(content).tags <= {"html", "head", "body", "br", "p", "title", "meta"}
            content = Tags(content).text.replace("\xa0", " ")
        assert "recording error" in content
        assert [mark for mark in ACTS if mark in content] == []


def test_a_subject_cannot_add_headers(smtp: SmtpReceiver) -> None:
    told = telling(labels={"channel": "a\r\nBcc: all@example.org\r\n\r\nbody"})
    sink_at(MAIL.format(smtp.address)).send(batch(told))
    (message,) = smtp.messages
    assert message["Bcc"] is None
    assert message["Subject"] == "CRITICAL: recording error in a Bcc: all(at)example.org body"
    assert smtp.recipients == [["ops@example.org"]]


@pytest.mark.parametrize(("status", "permanent"), [(400, True), (413, True), (401, False), (404, False), (500, False)])
def test_the_status_of_a_refusal_is_told(receiver: HttpReceiver, status: int, permanent: bool) -> None:
    receiver.answer(Answer(status))
    failed = failure(sink_at(f"json://{receiver.address}/"))
    assert f"HTTP {status}" in str(failed)
    assert failed.permanent is permanent
    assert len(receiver.received) == 1


def test_a_url_that_asks_for_retries_or_to_be_optional_is_tried_once_and_fails(receiver: HttpReceiver) -> None:
    receiver.answer(Answer(500))
    failure(sink_at(f"json://{receiver.address}/?retry=3&wait=1&optional=yes"))
    assert len(receiver.received) == 1


def test_a_redirect_is_not_followed(receiver: HttpReceiver) -> None:
    with HttpReceiver() as elsewhere:
        receiver.answer(Answer(307, {"Location": elsewhere.url}))
        assert "HTTP 307: a redirect" in str(failure(sink_at(f"json://{receiver.address}/")))
        assert elsewhere.received == []


def test_a_service_that_hangs_is_given_up_in_time(receiver: HttpReceiver) -> None:
    receiver.answer(Answer(hangs=True))
    assert not late_failure(sink_at(f"json://{receiver.address}/")).permanent


def test_a_mail_server_that_hangs_is_given_up_in_time() -> None:
    with SmtpReceiver(hangs=True) as smtp:
        assert not late_failure(sink_at(MAIL.format(smtp.address))).permanent


def test_a_mail_server_that_refuses_is_temporary() -> None:
    with SmtpReceiver("550 no such user") as smtp:
        failed = failure(sink_at(MAIL.format(smtp.address)))
    assert not failed.permanent
    assert "ailed" in str(failed)


@pytest.mark.parametrize("form", ["json://ann:s3cretword@{}/hiddenpath", MAIL])
def test_a_refused_connection_is_temporary_and_names_no_word_of_the_url(form: str) -> None:
    address = f"127.0.0.1:{unused_port()}"
    failed = failure(sink_at(form.format(address)))
    assert not failed.permanent
    assert "onnection error" in str(failed)
    for secret in ("ann", "s3cretword", "hiddenpath", "127.0.0.1", "example.org"):
        assert secret not in str(failed)


def test_a_service_that_wants_us_to_wait_is_tried_again_then(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NotifyDiscord, "notify_url", receiver.url)
    limited = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4102444800"}
    receiver.answer(Answer(429, limited))
    failed = failure(sink_at("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"), BOUND)
    assert failed.retry_after
    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [200, 401, 500])
def test_no_word_of_the_url_is_logged_or_shown(
    receiver: HttpReceiver, status: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    receiver.answer(Answer(status))
    sink = sink_at(f"json://ann:s3cretword@{receiver.address}/{TOKEN}?-key=qu3rysecret")
    with caplog.at_level(logging.INFO):
        shown = repr(sink) if status == 200 else str(failure(sink)) + repr(sink)
        if status == 200:
            sink.send(batch())
    for secret in ("s3cretword", TOKEN, "qu3rysecret"):
        assert secret not in shown + caplog.text + "".join(capfd.readouterr())


def test_words_of_a_url_are_hidden_also_where_they_are_quoted() -> None:
    secrets = secrets_of("json://ann:p%40ss%2Fword@host/path")
    assert hidden("ann p@ss p%40ss%2Fword word host json", secrets) == "(hidden) p@ss (hidden) (hidden) (hidden) json"


@pytest.mark.parametrize("url", [None, "", "nonsense", "neverheard://a/b", "slack://short"])
def test_a_url_that_apprise_does_not_know_is_told_and_not_shown(url: str | None) -> None:
    problem = url_problem(url)
    assert problem
    assert not url or url not in problem


def test_a_long_batch_has_room_in_what_a_service_takes(receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NotifyDiscord, "notify_url", receiver.url)
    sink_at("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js").send(batch(*(telling(alert=at) for at in range(60))))
    (request,) = receiver.received
    said = "\n".join(strings(request.json))
    assert "and " in said.splitlines()[-1]
    assert len(said) < 2100


def test_apprise_keeps_nothing_on_disk(receiver: HttpReceiver, tmp_path: Path) -> None:
    program = (
        "import sys; from tests.workers.sinks.told import batch; from workers.sinks.apprise_sink import AppriseSink;"
        "AppriseSink('chat', sys.argv[1], None).send(batch())"
    )
    home = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    arguments = [sys.executable, "-B", "-c", program, f"json://{receiver.address}/"]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=60, env=home)
    assert (done.stdout, done.stderr) == ("", "")
    assert len(receiver.received) == 1
    assert list(tmp_path.rglob("*")) == []
