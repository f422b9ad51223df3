"""`POST /webhooks/agora`: every answer of contract.md, section 3, and what is kept behind it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from redis import Redis
from werkzeug.test import TestResponse

from tests import unserved
from tests.routes.posting import SECRET, Post
from tests.servers import EmbeddedServer
from tests.store.build import AT_MS, notification, raw, started, video
from tests.store.rig import Rig
from webhook import embedded
from webhook import settings as configuration
from webhook.domain.signature import HEADER_V1, HEADER_V2, sign, signed_headers
from webhook.store import keys
from webhook.store.connection import WEB_TIMEOUT, connect
from webhook.store.inbox import Inbox

ADDRESS = "/webhooks/agora"
WRONG_V1, WRONG_V2 = "0" * 40, "0" * 64
LIMIT = 1_048_576


def kept(redis: Redis) -> list[bytes]:
    """The bodies in all inboxes."""
    inboxes = sorted(redis.scan_iter("vigil:*:inbox"))
    return [fields[b"b"] for inbox in inboxes for _, fields in redis.xrange(inbox)]


def is_problem(answer: TestResponse, status: int) -> bool:
    document = answer.json
    return (
        answer.status_code == status
        and answer.content_type == "application/problem+json"
        and isinstance(document, dict)
        and set(document) >= {"type", "title", "status", "detail"}
        and document["status"] == status
    )


def create(redis: Redis, directory: Path, **environment: str) -> FlaskClient:
    return unserved.create(configuration.load({"VIGIL_SHARDS": "2", **environment}, directory), redis).test_client()


def test_what_is_signed_is_accepted_kept_and_named(post: Post, redis: Redis) -> None:
    answer = post(started(notice_id="n1"))
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.json == {"status": "accepted", "noticeId": "n1"}
    assert kept(redis) == [raw(started(notice_id="n1"))]


def test_the_first_post_wakes_the_drain_of_its_shard_and_the_next_does_not(post: Post, rig: Rig) -> None:
    for _ in range(3):
        post(started())
    assert rig.redis.llen("rq:queue:fold") == 1
    assert rig.redis.exists(rig.keys_of(started()).pending)


def test_a_resend_is_accepted_again(post: Post, rig: Rig) -> None:
    assert [post(started()).status_code for _ in range(3)] == [200] * 3
    rig.drain()
    assert rig.session().duplicates == 2


def test_a_test_notification_is_accepted_and_makes_no_session(post: Post, rig: Rig) -> None:
    assert post(started(cname="test_webhook")).status_code == 200
    rig.drain()
    assert not rig.has("s1")


def test_an_unknown_product_is_accepted(post: Post, rig: Rig) -> None:
    assert post(notification(1, {}, notice_id="n1") | {"productId": 99}).json["status"] == "accepted"
    rig.drain()
    assert rig.outcomes() == {"unknown": 1}


def test_without_a_notice_id_it_is_called_by_its_payload(post: Post) -> None:
    body = started()
    del body["noticeId"]
    name = post(body).json["noticeId"]
    assert name.startswith("sha256:")
    assert len(name) == len("sha256:") + 32
    assert post(body | {"notifyMs": AT_MS + 1}).json["noticeId"] == name


REFUSED: dict[str, dict[str, str]] = {
    "missing": {},
    "empty": {HEADER_V2: ""},
    "wrong V2": {HEADER_V2: WRONG_V2},
    "wrong V1": {HEADER_V1: WRONG_V1},
    "too short": {HEADER_V2: WRONG_V1},
    "not hex": {HEADER_V2: "g" * 64},
    "not ASCII": {HEADER_V2: "\xe9" * 64},
    "digits of another script": {HEADER_V1: "\xb2" * 40},
    "prefixed": {HEADER_V2: "sha256=" + sign(raw(started()), SECRET)},
    "the secret itself": {HEADER_V2: SECRET},
    "V1 in the place of V2": {HEADER_V2: sign(raw(started()), SECRET, 1)},
    "V2 wrong but V1 right": {HEADER_V1: sign(raw(started()), SECRET, 1), HEADER_V2: WRONG_V2},
    "another secret's": {HEADER_V2: sign(raw(started()), "another secret")},
    "another body's": {HEADER_V2: sign(b"{}", SECRET)},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_signed_is_401_and_nothing_of_it_is_kept(client: FlaskClient, redis: Redis, name: str) -> None:
    answer = client.post(ADDRESS, data=raw(started()), headers=REFUSED[name])
    assert is_problem(answer, 401)
    assert "WWW-Authenticate" in answer.headers
    assert kept(redis) == []
    left = {key.decode() for key in redis.scan_iter()}
    assert left == {keys.REJECTIONS, *(name for name in left if name.startswith("vigil:rejected:"))}


def test_the_operator_is_told_why_posts_were_refused(client: FlaskClient, redis: Redis) -> None:
    for headers in (REFUSED["missing"], REFUSED["wrong V2"], REFUSED["wrong V2"]):
        client.post(ADDRESS, data=raw(started()), headers=headers)
    counts: dict[bytes, int] = {}
    for key in redis.scan_iter("vigil:rejected:*"):
        for reason, count in redis.hgetall(key).items():
            counts[reason] = counts.get(reason, 0) + int(count)
    assert counts == {b"missing": 1, b"wrong": 2}
    newest, *_ = redis.lrange(keys.REJECTIONS, 0, -1)
    assert b"does not fit this body under any of the 1 configured secrets" in newest
    assert SECRET.encode() not in newest


def test_of_the_reasons_only_the_last_few_are_kept_and_counts_end(client: FlaskClient, redis: Redis) -> None:
    for _ in range(30):
        client.post(ADDRESS, data=b"{}")
    assert redis.llen(keys.REJECTIONS) == 20
    assert all(redis.ttl(key) > 0 for key in redis.scan_iter("vigil:rejected:*"))


def test_refusals_show_in_the_summary(client: FlaskClient) -> None:
    client.post(ADDRESS, data=b"{}")
    assert client.get("/api/v1/summary").json["notifications"]["rejected"] == 1


def test_v1_alone_is_enough(client: FlaskClient, redis: Redis) -> None:
    body = raw(started())
    assert client.post(ADDRESS, data=body, headers={HEADER_V1: sign(body, SECRET, 1)}).status_code == 200
    assert kept(redis) == [body]


def test_v2_decides_where_both_are_given(client: FlaskClient) -> None:
    body = raw(started())
    headers = {HEADER_V1: WRONG_V1, HEADER_V2: sign(body, SECRET).upper()}
    assert client.post(ADDRESS, data=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/json", "application/json; charset=utf-8", ""]
)
def test_the_content_type_does_not_matter(client: FlaskClient, content_type: str) -> None:
    body = raw(started())
    headers = {**signed_headers(body, SECRET), "Content-Type": content_type}
    assert client.post(ADDRESS, data=body, headers=headers).status_code == 200


@pytest.mark.parametrize("form", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_body_that_looks_like_a_form_is_still_taken_raw(client: FlaskClient, redis: Redis, form: str) -> None:
    body = raw(started())
    headers = {**signed_headers(body, SECRET), "Content-Type": form}
    assert client.post(ADDRESS, data=body, headers=headers).status_code == 200
    assert kept(redis) == [body]


def test_while_secrets_are_rotated_both_are_good(redis: Redis, tmp_path: Path) -> None:
    client = create(redis, tmp_path, AGORA_NOTIFICATION_SECRET="old secret, new secret")
    body = raw(started())
    answers = [client.post(ADDRESS, data=body, headers=signed_headers(body, f"{age} secret")) for age in ("old", "new")]
    assert [answer.status_code for answer in answers] == [200, 200]


def test_without_a_secret_everything_is_401(redis: Redis, tmp_path: Path) -> None:
    client = create(redis, tmp_path)
    body = raw(started())
    answer = client.post(ADDRESS, data=body, headers=signed_headers(body, ""))
    assert is_problem(answer, 401)
    assert "AGORA_NOTIFICATION_SECRET" in answer.json["detail"]
    assert kept(redis) == []


def test_unsigned_posts_are_accepted_where_that_was_set(redis: Redis, tmp_path: Path) -> None:
    client = create(redis, tmp_path, VIGIL_ALLOW_UNSIGNED="1")
    assert client.post(ADDRESS, data=raw(started())).status_code == 200
    assert kept(redis) == [raw(started())]


def test_a_wrong_signature_is_401_even_where_unsigned_posts_are_accepted(redis: Redis, tmp_path: Path) -> None:
    client = create(redis, tmp_path, VIGIL_ALLOW_UNSIGNED="1", AGORA_NOTIFICATION_SECRET=SECRET)
    answer = client.post(ADDRESS, data=raw(started()), headers={HEADER_V2: WRONG_V2})
    assert is_problem(answer, 401)


def test_each_source_has_its_address_project_and_secret(redis: Redis, tmp_path: Path) -> None:
    (tmp_path / "vigil.toml").write_text('[[source]]\nname = "eu"\nproject = "europe"\nsecrets = ["eu secret"]\n')
    client = create(redis, tmp_path, AGORA_NOTIFICATION_SECRET=SECRET)
    body = raw(started())
    answers = [
        client.post(f"{ADDRESS}/{source}", data=body, headers=signed_headers(body, secret)).status_code
        for source, secret in (("eu", "eu secret"), ("eu", SECRET))
    ]
    assert answers == [200, 401]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_default_source_may_be_named(client: FlaskClient, method: str) -> None:
    assert client.open(f"{ADDRESS}/default", method=method).status_code in (401, 405)


def test_an_unknown_source_is_404(post: Post, redis: Redis) -> None:
    answer = post(started(), path=f"{ADDRESS}/nobody")
    assert is_problem(answer, 404)
    assert "nobody" in answer.json["detail"]
    assert kept(redis) == []


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", [ADDRESS, f"{ADDRESS}/other"])
def test_whatever_is_not_a_post_is_told_what_the_address_is_for(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(path, method=method)
    assert is_problem(answer, 405)
    assert "Agora posts notifications to this address" in answer.json["detail"]


def test_options_is_no_post_either(client: FlaskClient) -> None:
    assert is_problem(client.options(ADDRESS), 405)


def test_a_405_names_the_method_that_is_allowed(client: FlaskClient) -> None:
    assert client.get(ADDRESS).headers.get("Allow") == "POST"


class Stream(io.RawIOBase):
    """A body without end that counts what was read of it."""

    taken = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "read to the end of an endless body"
        self.taken += size
        return b" " * size


def send_stream(client: FlaskClient, stream: Stream, headers: dict[str, str], **environ: Any) -> TestResponse:
    return client.post(ADDRESS, headers=headers, environ_overrides={"wsgi.input": stream, **environ})


def test_a_body_declared_over_the_limit_is_413_before_it_is_read(client: FlaskClient) -> None:
    stream = Stream()
    answer = send_stream(client, stream, {HEADER_V2: WRONG_V2}, CONTENT_LENGTH=str(2 * LIMIT))
    assert is_problem(answer, 413)
    assert (stream.taken, str(LIMIT) in answer.json["detail"]) == (0, True)


def test_a_body_of_unknown_length_is_read_up_to_the_limit_and_one(client: FlaskClient) -> None:
    stream = Stream()
    chunked: dict[str, Any] = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    answer = send_stream(client, stream, {HEADER_V2: WRONG_V2}, **chunked)
    assert is_problem(answer, 413)
    assert stream.taken == LIMIT + 1


def test_a_body_without_a_signature_is_not_read(client: FlaskClient) -> None:
    stream = Stream()
    answer = send_stream(client, stream, {}, CONTENT_LENGTH="1000")
    assert (answer.status_code, stream.taken) == (401, 0)


def test_a_body_of_exactly_the_limit_is_accepted(post: Post, redis: Redis) -> None:
    body = raw(started())
    padded = body + b" " * (LIMIT - len(body))
    assert post(padded).status_code == 200
    assert kept(redis) == [padded]


def test_a_body_one_byte_over_the_limit_is_413_though_it_is_signed(post: Post, redis: Redis) -> None:
    body = raw(started())
    assert is_problem(post(body + b" " * (LIMIT - len(body) + 1)), 413)
    assert kept(redis) == []


DEEP = b'{"productId":3,"eventType":44,"payload":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001
QUARANTINED = {
    "not UTF-8": b'{"productId":3,"eventType":44,"payload":{"cname":"\xff\xfe"}}',
    "10 000 levels deep": DEEP,
    "10 000 open brackets": b"[" * 10_000,
    "null": b"null",
    "an array": b"[]",
    "an array of one": b"[" + raw(started()) + b"]",
    "a string": b'"text"',
    "a number": b"17",
    "empty": b"",
    "blank": b"  \r\n",
    "not JSON": b"productId=3",
    "NaN": b'{"productId":3,"eventType":44,"payload":{"a":NaN}}',
    "half a surrogate pair": b'{"productId":3,"eventType":44,"payload":{"a":"\\ud800"}}',
    "a BOM": b"\xef\xbb\xbf" + raw(started()),
    "cut off": raw(started())[:-1],
    "two objects": raw(started()) * 2,
    "no productId": raw({key: value for key, value in started().items() if key != "productId"}),
    "no eventType": raw({key: value for key, value in started().items() if key != "eventType"}),
    "no payload": raw({key: value for key, value in started().items() if key != "payload"}),
    "a productId that is a word": raw(started() | {"productId": "three"}),
    "a productId that is true": raw(started() | {"productId": True}),
    "an eventType of 1.5": raw(started() | {"eventType": 1.5}),
    "a payload that is an array": raw(started() | {"payload": []}),
    "an integer of 5000 digits": b'{"productId":3,"eventType":44,"payload":{"a":' + b"9" * 5000 + b"}}",
}


@pytest.mark.parametrize("name", QUARANTINED)
def test_what_is_signed_but_no_envelope_is_quarantined_and_visible(
    post: Post, client: FlaskClient, rig: Rig, name: str
) -> None:
    body = QUARANTINED[name]
    answer = post(body)
    assert (answer.status_code, answer.json["status"]) == (200, "quarantined")
    assert answer.json["noticeId"].startswith("sha256:")
    assert kept(rig.redis) == [body]
    rig.drain()
    (item,) = client.get("/api/v1/notifications?outcome=quarantined").json["items"]
    assert item["noticeId"] == answer.json["noticeId"]
    assert item["body"] == body.decode("utf-8", "backslashreplace")


USABLE = {
    "duplicate keys": b'{"productId":1,"productId":3,"eventType":44,"noticeId":"n","payload":{"a":1,"a":2}}',
    "numbers as strings": raw(started() | {"productId": "3", "eventType": "40"}),
    "1.0 for 1": b'{"productId":3.0,"eventType":40.0,"noticeId":"n","payload":{"sid":"s"}}',
    "CRLF": raw(started()).replace(b", ", b",\r\n"),
    "a trailing newline": raw(started()) + b"\n",
    "escapes": b'{"productId":3,"eventType":40,"noticeId":"\\u006e","payload":{"sid":"\\u0073"}}',
    "an odd order of keys": b'{"payload":{"sid":"s"},"noticeId":"n","eventType":40,"productId":3}',
    "unknown fields": raw(started() | {"new": {"deep": [1, 2]}}),
    "a noticeId that is a number": raw(started() | {"noticeId": 17}),
    "a noticeId of a thousand characters": raw(started() | {"noticeId": "n" * 1000}),
    "big integers": b'{"productId":3,"eventType":40,"noticeId":"n","payload":{"n":' + b"1234567890" * 3 + b"}}",
    "a big exponent": b'{"productId":3,"eventType":40,"noticeId":"n","payload":{"sid":"s","n":1e400}}',
    "negative times": raw(started() | {"notifyMs": -5}),
    "controls in names": raw(started(sid="s\x00\n", cname="c\x1f", notice_id="n\x00m")),
    "text beyond the first plane": raw(started(sid="\U0001f600", cname="\U0001f600")),
    "900 levels deep": b'{"productId":3,"eventType":44,"payload":' + b'{"a":' * 900 + b"1" + b"}" * 901,
}


@pytest.mark.parametrize("name", USABLE)
def test_what_is_signed_and_an_envelope_is_accepted_and_drained(
    post: Post, client: FlaskClient, rig: Rig, name: str
) -> None:
    answer = post(USABLE[name])
    assert (answer.status_code, answer.json["status"]) == (200, "accepted")
    assert rig.drain() == 1
    (item,) = client.get("/api/v1/notifications").json["items"]
    assert item["noticeId"] == answer.json["noticeId"]


def test_a_separator_of_our_own_in_a_name_hides_nothing(post: Post, client: FlaskClient, rig: Rig) -> None:
    post(started(sid="s\x1f1", notice_id="n\x1fm"))
    rig.drain()
    assert [item["noticeId"] for item in client.get("/api/v1/notifications").json["items"]] == ["n\x1fm"]


@pytest.mark.parametrize("number", [b"1e9999999999999999999", b"1e-9999999999999999999"])
def test_a_number_with_an_endless_exponent_is_no_500(post: Post, redis: Redis, number: bytes) -> None:
    body = b'{"productId":3,"eventType":40,"noticeId":"n","payload":{"sid":"s","n":' + number + b"}}"
    assert post(body).status_code == 200
    assert kept(redis) == [body]


def test_the_product_decides_what_an_event_type_means(post: Post, rig: Rig) -> None:
    for product_id in (1, 4, 5, 17, 20):
        for event_type in (11, 31, 41):
            post(exit_of_another(product_id, event_type))
    post(video(0))
    rig.drain()
    assert rig.session().received == 1


def exit_of_another(product_id: int, event_type: int) -> dict[str, Any]:
    body = notification(event_type, {"exitStatus": 1, "leaveCode": 0}, notice_id=f"{product_id}:{event_type}")
    return body | {"productId": product_id}


@budget(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=10,
        ).map(lambda value: json.dumps(value).encode()),
        st.fixed_dictionaries(
            {"productId": st.just(3), "eventType": st.sampled_from([11, 12, 31, 33, 40, 41, 43, 44, 45])},
            optional={
                "noticeId": st.text(max_size=5) | st.integers(),
                "notifyMs": st.integers() | st.text(max_size=3),
                "payload": st.fixed_dictionaries(
                    {"sid": st.text(max_size=3)},
                    optional={
                        "uid": st.integers() | st.text(max_size=3),
                        "cname": st.text(max_size=3),
                        "sequence": st.integers() | st.none() | st.floats(allow_nan=False, allow_infinity=False),
                        "sendts": st.integers(),
                        "details": st.dictionaries(
                            st.sampled_from(
                                ["state", "streamUid", "UtcMs", "fileName", "newUid", "progress", "status"]
                            ),
                            st.integers() | st.text(max_size=3) | st.none() | st.lists(st.integers(), max_size=2),
                        ),
                    },
                ),
            },
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_whatever_is_signed_is_200_and_drained(post: Post, rig: Rig, body: bytes) -> None:
    rig.redis.flushall()
    answer = post(body)
    assert (answer.status_code, kept(rig.redis)) == (200, [body])
    assert rig.drain() == 1
    assert sum(rig.outcomes().values()) == 1


def test_a_full_inbox_is_503_with_the_time_to_come_back(settings: Any, redis: Redis, tmp_path: Path) -> None:
    client = create(redis, tmp_path, AGORA_NOTIFICATION_SECRET=SECRET, VIGIL_INBOX_MAX="2")
    body = raw(started())
    answers = [client.post(ADDRESS, data=body, headers=signed_headers(body, SECRET)) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 503]
    assert is_problem(answers[1], 503)
    assert int(answers[1].headers["Retry-After"]) > 0
    assert len(kept(redis)) == 1


def test_a_full_server_is_503_with_the_time_to_come_back(post: Post, redis: Redis) -> None:
    post(started())
    redis.config_set("maxmemory", 1)
    answer = post(started())
    redis.config_set("maxmemory", 0)
    assert is_problem(answer, 503)
    assert "Retry-After" in answer.headers


def test_with_redis_dead_it_is_503_and_says_nothing_of_the_inside(settings: Any, tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "var") as server:
        server.start().close()
        server.kill()
        with connect(embedded.url(server.var), WEB_TIMEOUT) as redis:
            client = unserved.create(settings, redis).test_client()
            answer = client.post(ADDRESS, data=b"{}", headers=signed_headers(b"{}", SECRET))
            unsigned = client.post(ADDRESS, data=b"{}")
    assert is_problem(answer, 503)
    assert "Retry-After" in answer.headers
    assert ".sock" not in answer.get_data(as_text=True)
    assert is_problem(unsigned, 401)


def test_a_wake_up_that_cannot_be_sent_does_not_refuse_what_is_kept(post: Post, redis: Redis) -> None:
    redis.set("rq:queue:fold", "no list")
    assert post(started()).status_code == 200
    assert kept(redis) == [raw(started())]


def test_with_another_number_of_shards_than_the_workers_nothing_is_accepted_and_nothing_lost(
    redis: Redis, tmp_path: Path
) -> None:
    Inbox(redis, 4, 100)
    redis.set(keys.SHARDS, 4)
    client = create(redis, tmp_path, AGORA_NOTIFICATION_SECRET=SECRET)
    body = raw(started())
    assert is_problem(client.post(ADDRESS, data=body, headers=signed_headers(body, SECRET)), 503)
    assert kept(redis) == []
