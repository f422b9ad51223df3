"""Why a signature does not fit: each usual mistake is named, and nothing else is taken for it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.domain.diagnosis import BOM, diagnose
from webhook.domain.signature import sign

SECRET = "a secret of the tests"
BODY = '{"noticeId": "n", "productId":1,  "eventType":103,"payload":{"channelName":"é","x":1.50}}'.encode()


def of(signed: bytes, got: bytes, version: int = 2, secret: str = SECRET) -> tuple[bool, str]:
    found = diagnose(got, secret, sign(signed, SECRET, version), version)
    return found.fits, found.sentence


@pytest.mark.parametrize("version", [1, 2])
def test_what_fits_is_said_to(version: int) -> None:
    assert of(BODY, BODY, version)[0]
    assert diagnose(BODY, SECRET, f" {sign(BODY, SECRET, version).upper()}\n", version).fits


@pytest.mark.parametrize(
    ("signed", "got", "told"),
    [
        (BODY, BODY + b"\n", "without the newline"),
        (BODY, BODY + b"\r\n", "without the newline"),
        (BODY + b"\n", BODY, "with a newline"),
        (BODY, BOM + BODY, "without the byte order mark"),
        (BOM + BODY, BODY, "with a byte order mark"),
        (b'{\n"a":1}', b'{\r\n"a":1}', "plain newlines"),
        (b'{\r\n"a":1}', b'{\n"a":1}', "with CR LF"),
        (json.dumps(json.loads(BODY), separators=(",", ":")).encode(), BODY, "written otherwise"),
        (json.dumps(json.loads(BODY), ensure_ascii=False).encode(), BODY, "written otherwise"),
        (BODY, b"another body", "most likely the secret is another"),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_what_happened_to_the_body_is_named(signed: bytes, got: bytes, told: str, version: int) -> None:
    fits, sentence = of(signed, got, version)
    assert not fits
    assert told in sentence


@pytest.mark.parametrize("around", [f" {SECRET}", f"{SECRET}\n", f'"{SECRET}"', f"'{SECRET}'"])
def test_a_secret_with_something_around_it_is_named(around: str) -> None:
    assert "without the blanks or quotes" in of(BODY, BODY, secret=around)[1]


def test_another_secret_is_what_is_left() -> None:
    assert "most likely the secret is another" in of(BODY, BODY, secret="another")[1]


@pytest.mark.parametrize(("header", "value"), [(2, 1), (1, 2)])
def test_a_value_in_the_wrong_header_is_named(header: int, value: int) -> None:
    right = diagnose(BODY, SECRET, sign(BODY, SECRET, value), header)
    wrong = diagnose(BODY, "another", sign(BODY, SECRET, value), header)
    assert f"V{value} it fits" in right.sentence
    assert f"V{value} it does not fit either" in wrong.sentence
    assert [right.fits, wrong.fits] == [False, False]


@pytest.mark.parametrize("digest", ["", "sha256=abc", "zz" * 32, "ab" * 31])
def test_what_is_no_signature_at_all_is_named(digest: str) -> None:
    found = diagnose(BODY, SECRET, digest, 2)
    assert not found.fits
    assert "has to be hex" in found.sentence


@given(st.binary(), st.text(max_size=70))
def test_whatever_is_given_it_says_something_and_only_fits_what_verifies(body: bytes, digest: str) -> None:
    found = diagnose(body, SECRET, digest, 2)
    assert found.fits is (digest.strip().lower() == sign(body, SECRET))
    assert found.sentence
