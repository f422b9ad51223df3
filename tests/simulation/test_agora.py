import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from webhook.simulation.agora import Agora, Manners, Report, Target, encode, ingest_address, refusal, site_address
from webhook.simulation.plan import Posting
from webhook.simulation.truth import Line

SECRET = "a secret with ünicode"
JSON = b'{"status": "accepted"}'
AT_ONCE = Manners(pauses_s=(0.0, 0.0, 0.0), threads=4)


def posting(name: str = "n1", due_ms: int = 0) -> Posting:
    line = Line(name, 3, 44, 1_764_000_000_000, {"sid": "s", "cname": "<ü>", "sequence": 1, "details": {}})
    return Posting(due_ms, "s", line, name, "Application/json")


def deliver(site: Any, stopped: Any, postings: list[Posting], manners: Manners | None = None) -> Report:
    return Agora(Target(ingest_address(site.url), SECRET), stopped.clock, manners).deliver(postings)


def bodies(site: Any) -> list[dict[str, Any]]:
    return [json.loads(asked.body) for asked in site.asked]


def test_a_posting_is_acknowledged_by_200_with_json(serve: Any, stopped: Any) -> None:
    site = serve(lambda asked, number: (200, JSON))
    report = deliver(site, stopped, [posting()])
    assert (report.acknowledged, report.dropped, report.attempts) == ([posting()], [], 1)
    asked = site.asked[0]
    assert (asked.method, asked.path) == ("POST", "/webhooks/agora")
    assert asked.headers["Content-Type"] == "Application/json"
    body = bodies(site)[0]
    assert body.pop("notifyMs") == stopped.at_ms
    assert body == {"noticeId": "n1", "productId": 3, "eventType": 44, "sid": "s", "payload": posting().line.payload}


def test_both_signatures_are_hmacs_of_the_very_bytes_posted(serve: Any, stopped: Any) -> None:
    site = serve(lambda asked, number: (200, JSON))
    deliver(site, stopped, [posting()])
    asked = site.asked[0]
    for header, digest in (("Agora-Signature", hashlib.sha1), ("Agora-Signature-V2", hashlib.sha256)):
        assert asked.headers[header] == hmac.new(SECRET.encode(), asked.body, digest).hexdigest()


def test_the_first_resend_comes_at_once_and_the_next_ones_at_growing_intervals(serve: Any, stopped: Any) -> None:
    site = serve(lambda asked, number: (200, JSON) if number == 4 else (500, b"{}"))
    report = deliver(site, stopped, [posting()], Manners(threads=1))
    assert (len(report.acknowledged), report.attempts) == (1, 4)
    sent = [body["notifyMs"] for body in bodies(site)]
    gaps = [after - before for before, after in pairwise(sent)]
    assert gaps[0] < 100
    assert gaps[1:] == pytest.approx([2_000, 8_000], abs=100)


def test_a_resend_has_the_same_notice_id_and_another_notify_ms(serve: Any, stopped: Any) -> None:
    site = serve(lambda asked, number: (200, JSON) if number == 3 else (500, b"{}"))
    deliver(site, stopped, [posting()], AT_ONCE)
    assert [body["noticeId"] for body in bodies(site)] == ["n1"] * 3
    assert len({body["notifyMs"] for body in bodies(site)}) == 3
    assert len({asked.headers["Agora-Signature-V2"] for asked in site.asked}) == 3


def test_after_four_failed_attempts_a_posting_is_dropped_and_counted(serve: Any, stopped: Any) -> None:
    site = serve(lambda asked, number: (503, JSON))
    report = deliver(site, stopped, [posting()], AT_ONCE)
    assert (report.acknowledged, report.dropped, report.attempts) == ([], [(posting(), "status 503")], 4)
    assert len(site.asked) == 4


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"OK"), (200, b""), (200, b"\xff"), (204, JSON), (201, JSON), (302, JSON)]
)
def test_anything_but_200_with_json_is_resent(serve: Any, stopped: Any, status: int, body: bytes) -> None:
    site = serve(lambda asked, number: (200, JSON) if number == 2 else (status, b"" if status == 204 else body))
    report = deliver(site, stopped, [posting()], AT_ONCE)
    assert (len(report.acknowledged), report.attempts) == (1, 2)


def test_no_answer_in_time_is_resent(serve: Any, stopped: Any, never: threading.Event) -> None:
    site = serve(lambda asked, number: (200, JSON) if number == 2 else (500 + never.wait(30), b""))
    begun = time.monotonic()
    report = deliver(site, stopped, [posting()], Manners(timeout_s=0.2, pauses_s=(0.0,), threads=1))
    assert (len(report.acknowledged), report.attempts) == (1, 2)
    assert time.monotonic() - begun < 2


def test_a_refused_connection_is_resent_and_dropped_in_the_end(serve: Any, stopped: Any) -> None:
    site = serve(lambda asked, number: (200, JSON))
    site.close()
    report = deliver(site, stopped, [posting()], AT_ONCE)
    assert (len(report.dropped), report.attempts) == (1, 4)
    assert report.dropped[0][1] == "NewConnectionError"


def test_a_failing_posting_holds_up_no_other(serve: Any, stopped: Any) -> None:
    site = serve(lambda asked, number: (500, b"") if b'"bad"' in asked.body else (200, JSON))
    postings = [posting("bad"), *(posting(f"good{number}", 10) for number in range(5))]
    report = deliver(site, stopped, postings, Manners(threads=1))
    assert [body["noticeId"] for body in bodies(site)][-2:] == ["bad", "bad"]
    assert (len(report.acknowledged), len(report.dropped)) == (5, 1)


def test_connections_are_kept(serve: Any, stopped: Any) -> None:
    site = serve(lambda asked, number: (200, JSON))
    deliver(site, stopped, [posting(f"n{number}") for number in range(200)], AT_ONCE)
    assert len(site.asked) == 200
    assert len({asked.client for asked in site.asked}) <= AT_ONCE.threads


def test_postings_wait_until_they_are_due(serve: Any, stopped: Any) -> None:
    site = serve(lambda asked, number: (200, JSON))
    begun_ms = stopped.at_ms
    deliver(site, stopped, [posting("late", 5_000), posting("early", 1_000)], Manners(threads=1))
    told = {body["noticeId"]: body["notifyMs"] - begun_ms for body in bodies(site)}
    assert list(told) == ["early", "late"]
    assert told == pytest.approx({"early": 1_000, "late": 5_000}, abs=10)


def test_the_rate_caps_posts_per_second(serve: Any, stopped: Any) -> None:
    site = serve(lambda asked, number: (200, JSON))
    begun_ms = stopped.at_ms
    deliver(site, stopped, [posting(f"n{number}") for number in range(41)], Manners(rate=20.0, threads=1))
    seconds = Counter(int(body["notifyMs"] - begun_ms) // 1000 for body in bodies(site))
    assert max(seconds.values()) <= 22
    assert stopped.at_ms - begun_ms == pytest.approx(2_000, abs=100)


def test_every_settled_posting_is_announced_once(serve: Any, stopped: Any) -> None:
    site = serve(lambda asked, number: (200, JSON) if number % 3 else (500, b""))
    counts: list[int] = []
    Agora(Target(ingest_address(site.url), SECRET), stopped.clock, AT_ONCE).deliver(
        [posting(f"n{number}") for number in range(20)], counts.append
    )
    assert sum(counts) == 20


@pytest.mark.parametrize("product_id", [1, 3, 10, 98])
def test_the_envelope_has_the_product_number_of_its_line(product_id: int) -> None:
    line = Line("n1", product_id, 101, 1_764_000_000_000, {"channelName": "c", "clientSeq": 2**64 - 1})
    body = json.loads(encode(Posting(0, "s", line, "n1", "application/json"), 7))
    assert (body["productId"], body["eventType"], body["payload"]) == (product_id, 101, line.payload)
    assert "sid" not in body


def test_the_body_of_an_attempt_is_json_in_utf_8() -> None:
    assert "<ü>".encode() in encode(posting(), 7)
    assert json.loads(encode(posting(), 7))["notifyMs"] == 7


@pytest.mark.parametrize(
    ("url", "ingest", "site"),
    [
        ("http://h:1", "http://h:1/webhooks/agora", "http://h:1"),
        ("http://h:1/", "http://h:1/webhooks/agora", "http://h:1"),
        ("https://h/webhooks/agora/eu", "https://h/webhooks/agora/eu", "https://h"),
    ],
)
def test_an_address_without_a_path_means_the_default_ingest(url: str, ingest: str, site: str) -> None:
    assert (ingest_address(url), site_address(url)) == (ingest, site)


def test_a_refusal_says_what_was_wrong() -> None:
    assert refusal(200, b"null") is None
    assert refusal(401, JSON) == "status 401"
    assert refusal(200, b"<html>") == "status 200 without a JSON body"
