import json

import pytest

from webhook.domain.errors import Unverified
from webhook.domain.signature import HEADER_V1, HEADER_V2, Claim, Verdict, read_claim, sign, signed_headers, verify

SECRET = "secret"

# agora-notifications.md, section 2
WITH_EVENT_MS = (
    b'{"eventMs":1560408533119,"eventType":10,"noticeId":"4eb720f0-8da7-11e9-a43e-53f411c2761f",'
    b'"notifyMs":1560408533119,"payload":{"a":"1","b":2},"productId":1}'
)
WITHOUT_EVENT_MS = WITH_EVENT_MS.replace(b'"eventMs":1560408533119,', b"")
AS_PRINTED = WITHOUT_EVENT_MS.replace(b"a43e-53f4", b"a43e53f4")
V1 = "033c62f40f687675f17f0f41f91a40c71c0f134c"
V2 = "6d3320c60b11101395b7fc8f9068748808a0aa1bfa064438e39d1bc2c7d74d99"

# F14: each verifies as it came, and not once it was rebuilt
WIRE_SHAPES = {
    "CRLF line ends": b'{\r\n"productId": 3,\r\n"payload": {}\r\n}',
    "trailing newline": b'{"productId":3,"payload":{}}\n',
    "blanks": b'{ "productId" : 3 , "payload" : { } }',
    "escapes": rb'{"productId":3,"payload":{"cname":"\u00e9\u4e2d\/"}}',
    "1.0": b'{"productId":3,"payload":{"sequence":1.0}}',
    "an exponent": b'{"productId":3,"payload":{"sequence":1E2}}',
    "big integers": b'{"productId":3, "payload":{"clientSeq":18446744073709551615}}',
    "odd key order": b'{"payload":{"b":1,"a":2}, "eventType":40,"productId":3}',
    "duplicate keys": b'{"productId":1,"productId":3,"payload":{}}',
    "not JSON at all": b"\xff\x00{",
    "nothing": b"",
}


def refused(claim: Claim, body: bytes, secrets: list[str]) -> str:
    with pytest.raises(Unverified) as caught:
        verify(claim, body, secrets)
    assert caught.value.status == 401
    return caught.value.reason


def unreadable(v1: str | None, v2: str | None) -> str:
    with pytest.raises(Unverified) as caught:
        read_claim(v1, v2)
    assert caught.value.status == 401
    return caught.value.reason


@pytest.mark.parametrize(
    ("body", "version", "digest"),
    [
        (WITH_EVENT_MS, 1, V1),
        (WITH_EVENT_MS, 2, V2),
        (WITHOUT_EVENT_MS, 1, "5a3bb6a6d9fad2ea9ae3fb707a14c9d7f3136df1"),
        (WITHOUT_EVENT_MS, 2, "de96da5acf03b0021ac3b4fa2225e7ae6f3533a30d50bb02c08ea4fa748bda24"),
    ],
)
def test_the_documented_vectors_are_what_we_sign_and_they_verify(body: bytes, version: int, digest: str) -> None:
    assert sign(body, SECRET, version) == digest
    assert verify(Claim(version, bytes.fromhex(digest)), body, [SECRET]) == Verdict(version, 0)


@pytest.mark.parametrize("body", [AS_PRINTED, WITHOUT_EVENT_MS])
@pytest.mark.parametrize(("v1", "v2"), [(V1, None), (None, V2), (V1, V2)])
def test_the_body_that_the_documentation_prints_does_not_verify(body: bytes, v1: str | None, v2: str | None) -> None:
    assert refused(read_claim(v1, v2), body, [SECRET]) == "wrong"


def test_v2_is_preferred_to_v1() -> None:
    assert read_claim(V1, V2) == Claim(2, bytes.fromhex(V2))


def test_a_right_v1_does_not_save_a_wrong_v2() -> None:
    headers = signed_headers(b"x", SECRET)
    assert refused(read_claim(headers[HEADER_V1], V2), b"x", [SECRET]) == "wrong"


def test_a_right_v2_stands_beside_a_wrong_v1() -> None:
    headers = signed_headers(b"x", SECRET)
    assert verify(read_claim(V1, headers[HEADER_V2]), b"x", [SECRET]) == Verdict(2, 0)


def test_v1_alone_is_enough() -> None:
    assert verify(read_claim(V1, None), WITH_EVENT_MS, [SECRET]) == Verdict(1, 0)


def test_both_headers_are_signed() -> None:
    assert signed_headers(WITH_EVENT_MS, SECRET) == {"Agora-Signature": V1, "Agora-Signature-V2": V2}


def test_hex_digits_may_be_upper_case() -> None:
    assert verify(read_claim(None, V2.upper()), WITH_EVENT_MS, [SECRET]) == Verdict(2, 0)


@pytest.mark.parametrize(
    ("position", "secrets"), [(0, ["secret", "b"]), (1, ["a", "secret"]), (2, ["a", "b", "secret"])]
)
def test_every_secret_is_tried_and_the_verdict_says_which_fitted(position: int, secrets: list[str]) -> None:
    assert verify(read_claim(V1, V2), WITH_EVENT_MS, secrets) == Verdict(2, position)


def test_of_two_equal_secrets_the_first_is_named() -> None:
    assert verify(read_claim(V1, V2), WITH_EVENT_MS, [SECRET, SECRET]).secret_index == 0


def test_a_secret_may_be_any_text() -> None:
    assert verify(Claim(2, bytes.fromhex(sign(b"x", "gehéim ☂"))), b"x", ["gehéim ☂"]) == Verdict(2, 0)


@pytest.mark.parametrize("secrets", [["Secret"], ["secret "], [""], ["a", "b"]])
def test_no_other_secret_fits(secrets: list[str]) -> None:
    assert refused(read_claim(V1, V2), WITH_EVENT_MS, secrets) == "wrong"


def test_without_a_secret_nothing_verifies() -> None:
    assert refused(read_claim(V1, V2), WITH_EVENT_MS, []) == "no_secret"


def test_a_refusal_never_tells_a_secret_or_the_right_digest() -> None:
    with pytest.raises(Unverified) as caught:
        verify(Claim(2, bytes(32)), WITH_EVENT_MS, [SECRET, "other"])
    assert "2 configured secrets" in str(caught.value)
    assert V2 not in str(caught.value)
    assert "other" not in str(caught.value)


def test_a_missing_signature_is_refused() -> None:
    assert unreadable(None, None) == "missing"


@pytest.mark.parametrize(
    ("v1", "v2"),
    [
        ("", None),
        (None, ""),
        (V1[:-1], None),
        (V1 + "0", None),
        (None, V2[:-1]),
        (None, V1),
        (V2, None),
        (None, "sha256=" + V2),
        ("sha1=" + V1, None),
        (None, SECRET),
        (None, V2[:-1] + "g"),
        (None, f" {V2}"),
        (None, f"{V2}\n"),
        (None, V2[:-1] + "é"),
        (None, V2[:-1] + "\N{FULLWIDTH DIGIT ONE}"),
        (None, "0x" + V2[2:]),
        (V1, ""),
        (V1, "nonsense"),
    ],
)
def test_what_is_not_hex_of_its_length_is_malformed_even_beside_a_right_v1(v1: str | None, v2: str | None) -> None:
    assert unreadable(v1, v2) == "malformed"


def test_the_secret_itself_is_no_signature_even_where_it_looks_like_one() -> None:
    looks_like_a_digest = "ab" * 32
    assert refused(read_claim(None, looks_like_a_digest), b"x", [looks_like_a_digest]) == "wrong"


@pytest.mark.parametrize("body", WIRE_SHAPES.values(), ids=WIRE_SHAPES)
def test_the_raw_bytes_verify_whatever_their_shape(body: bytes) -> None:
    headers = signed_headers(body, SECRET)
    assert verify(read_claim(None, headers[HEADER_V2]), body, [SECRET]) == Verdict(2, 0)
    assert verify(read_claim(headers[HEADER_V1], None), body, [SECRET]) == Verdict(1, 0)


@pytest.mark.parametrize("shape", [shape for shape in WIRE_SHAPES if shape not in ("not JSON at all", "nothing")])
def test_a_body_that_was_serialised_again_does_not_verify(shape: str) -> None:
    claim = read_claim(None, sign(WIRE_SHAPES[shape], SECRET))
    parsed = json.loads(
        WIRE_SHAPES[shape], parse_float=lambda digits: int(float(digits))
    )  # 1.0 becomes 1, as elsewhere
    rebuilt = json.dumps(parsed, separators=(",", ":")).encode()
    assert refused(claim, rebuilt, [SECRET]) == "wrong"


@pytest.mark.parametrize("change", [b"\n", b"\r\n", b" ", b"\x00"])
def test_one_byte_more_breaks_the_signature(change: bytes) -> None:
    assert refused(read_claim(V1, V2), WITH_EVENT_MS + change, [SECRET]) == "wrong"
