import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.build import AT_MS, body, notification, started
from webhook.domain.envelope import LONGEST_NOTICE_ID, Envelope, fingerprint, identity, parse
from webhook.domain.errors import Unusable

MISSING = object()


def outer(**fields: Any) -> bytes:
    """A small usable body, with fields replaced or, where they are MISSING, left out."""
    plain = {"noticeId": "n", "productId": 3, "eventType": 40, "notifyMs": AT_MS, "payload": {"a": 1}} | fields
    return json.dumps({key: value for key, value in plain.items() if value is not MISSING}).encode()


def raw(product_id: str = "3", event_type: str = "40", payload: str = "{}", notice: str = '"n"') -> bytes:
    """A body whose values are spelt as given."""
    return (
        f'{{"noticeId":{notice},"productId":{product_id},"eventType":{event_type},"notifyMs":{AT_MS},"payload":{payload}}}'
    ).encode()


def test_a_usable_body_is_read_whole() -> None:
    said = notification(44, {"streamUid": "1", "state": 0}, notice_id="2000001428:4330:107")
    expected = Envelope("2000001428:4330:107", 3, 44, AT_MS + 30, said["payload"], said["sid"])
    assert parse(body(said)) == expected


@pytest.mark.parametrize(
    ("posted", "reason"),
    [
        (b"", "not JSON"),
        (b" ", "not JSON"),
        (b"null", "a JSON NoneType"),
        (b"[]", "a JSON list"),
        (b"[" + outer() + b"]", "a JSON list"),
        (b"true", "a JSON bool"),
        (b"12", "a JSON int"),
        (b'"text"', "a JSON str"),
        (b"{", "not JSON"),
        (b"{}", "payload is NoneType"),
        (outer() + b"}", "not JSON"),
        (outer() + outer(), "not JSON"),
        (outer() + b"\x00", "not JSON"),
        (b"\xef\xbb\xbf" + outer(), "not JSON"),
        (outer().decode().encode("utf-16"), "not JSON"),
        (raw(payload='{"a":"\xff"}').replace("ÿ".encode(), b"\xff"), "not JSON"),
        (raw(payload=r'{"a":"\ud800"}'), "not JSON"),
        (raw(payload='{"a":NaN}'), "not JSON"),
        (raw(payload='{"a":Infinity}'), "not JSON"),
        (raw(payload='{"a":-Infinity}'), "not JSON"),
        (raw(payload='{"a":01}'), "not JSON"),
        (raw(payload='{"a":1,}'), "not JSON"),
        (raw(payload="{'a':1}"), "not JSON"),
        (raw(payload='{"a":\t"\t"}'), "not JSON"),
        (raw(payload="{}/*c*/"), "not JSON"),
        (raw(payload='{"a":' + "[" * 10_000 + "]" * 10_000 + "}"), "not JSON"),
        (raw(payload='{"a":' * 10_000 + "1" + "}" * 10_000), "not JSON"),
        (b"[" * 10_000, "not JSON"),
        (b"[" * 10_000 + b"]" * 10_000, "not JSON"),
        (raw(payload='{"a":' + "9" * 5000 + "}"), "not JSON"),
        (outer(payload=MISSING), "payload is NoneType"),
        (outer(payload=None), "payload is NoneType"),
        (outer(payload=[]), "payload is list"),
        (outer(payload="{}"), "payload is str"),
        (outer(payload=1), "payload is int"),
        (outer(productId=MISSING), "productId is None"),
        (outer(productId=None), "productId is None"),
        (outer(productId=True), "productId is True"),
        (outer(productId=""), "productId is ''"),
        (outer(productId="three"), "productId is 'three'"),
        (outer(productId="3.0"), "productId is '3.0'"),
        (outer(productId=3.5), "productId is 3.5"),
        (outer(productId=[3]), "productId is list"),
        (outer(productId={"a": 3}), "productId is"),
        (raw(product_id="1e400"), "productId is 1E+400"),
        (raw(product_id=str(10**30)), "productId is 1000000000"),
        (raw(product_id="9" * 4000), "productId is int"),
        (raw(product_id="[" * 500 + "]" * 500), "productId is list"),
        (outer(eventType=MISSING), "eventType is None"),
        (outer(eventType=None), "eventType is None"),
        (outer(eventType=False), "eventType is False"),
        (outer(eventType="session_exit"), "eventType is 'session_exit'"),
        (outer(eventType=11.5), "eventType is 11.5"),
        (raw(event_type="1e400"), "eventType is 1E+400"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_envelope_is_unusable_and_says_why(posted: bytes, reason: str) -> None:
    with pytest.raises(Unusable) as caught:
        parse(posted)
    assert str(caught.value).startswith(reason)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("number", ["1e99999999999999999999", "1e-99999999999999999999"])
@pytest.mark.parametrize("place", ["payload", "productId"])
def test_a_number_beyond_any_decimal_never_raises_but_unusable(number: str, place: str) -> None:
    posted = raw(payload=f'{{"a":{number}}}') if place == "payload" else raw(product_id=number)
    with pytest.raises(Unusable):
        parse(posted)


@pytest.mark.parametrize("number", [2**64, 10**20 - 1, -(2**63) - 1])
@pytest.mark.parametrize("key", ["productId", "eventType"])
def test_a_number_of_product_or_type_that_no_store_can_hold_is_unusable(number: int, key: str) -> None:
    with pytest.raises(Unusable):
        parse(outer(**{key: number}))


@pytest.mark.parametrize(
    ("spelt", "expected"),
    [("3", 3), ("3.0", 3), ('"3"', 3), ("3e0", 3), ("0.3e1", 3), ("-1", -1), ("0", 0), ('"007"', 7)],
)
def test_what_is_like_an_integer_is_one(spelt: str, expected: int) -> None:
    assert parse(raw(product_id=spelt)).product_id == expected
    assert parse(raw(event_type=spelt)).event_type == expected


def test_of_a_key_that_stands_twice_the_last_counts() -> None:
    posted = (
        b'{"productId":1,"payload":{"a":1,"a":2},"productId":3,"eventType":5,"eventType":40,"payload":{"b":1,"b":2}}'
    )
    found = parse(posted)
    assert (found.product_id, found.event_type, found.payload) == (3, 40, {"b": 2})


def test_keys_may_come_in_any_order_with_any_blanks_and_unknown_ones() -> None:
    posted = b'\r\n\t{ "payload" : {"a":1}, "x" : [1,{}] ,\r\n"eventType":40,'
    posted += b'"notifyMs":1764000000000,"productId":3,"noticeId":"n" }\n'
    assert parse(posted) == parse(outer())


def test_escapes_read_as_what_they_stand_for() -> None:
    assert parse(raw(payload=r'{"cname":"\u00e9\ud83d\ude00\/"}')).payload == {"cname": "é😀/"}


def test_numbers_of_the_payload_keep_every_digit() -> None:
    found = parse(raw(payload='{"a":18446744073709551615,"b":9007199254740993,"c":1.10,"d":1e400}'))
    assert found.payload == {"a": 2**64 - 1, "b": 2**53 + 1, "c": Decimal("1.10"), "d": Decimal("1E+400")}
    assert str(found.payload["c"]) == "1.10"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("4eb720f0-8da7-11e9-a43e-53f411c2761f", "4eb720f0-8da7-11e9-a43e-53f411c2761f"),
        ("2000001428:4330:107", "2000001428:4330:107"),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("n" * LONGEST_NOTICE_ID, "n" * LONGEST_NOTICE_ID),
        (17, "17"),
        (17.0, "17"),
        (2**64 - 1, "18446744073709551615"),
    ],
)
def test_a_notice_id_is_kept_as_it_came(value: Any, expected: str) -> None:
    assert parse(outer(noticeId=value)).notice_id == expected


@pytest.mark.parametrize("value", [MISSING, None, "", "n" * (LONGEST_NOTICE_ID + 1), True, 1.5, [], {}, 10**30])
def test_without_a_usable_notice_id_the_payload_names_the_notification(value: Any) -> None:
    # printf '{"a":1}' | sha256sum
    assert parse(outer(noticeId=value)).notice_id == "sha256:015abd7f5cc57a2dd94b7590f04ad808"


def test_a_name_made_of_the_payload_does_not_depend_on_how_it_was_spelt() -> None:
    shapes = [raw(payload=payload, notice="null") for payload in ('{"a":1,"b":"é"}', r'{ "b":"\u00e9", "a": 1 }')]
    assert len({parse(posted).notice_id for posted in shapes}) == 1
    assert parse(raw(payload='{"a":1,"b":"e"}', notice="null")).notice_id != parse(shapes[0]).notice_id


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (AT_MS, AT_MS),
        (str(AT_MS), AT_MS),
        (float(AT_MS), AT_MS),
        (AT_MS // 1000, AT_MS),
        (1764000000.5, AT_MS + 500),
        (MISSING, None),
        (None, None),
        (0, None),
        (-1, None),
        (10**18, None),
        (True, None),
        ("now", None),
        ([], None),
    ],
)
def test_the_time_of_sending_is_milliseconds_or_unknown(value: Any, expected: int | None) -> None:
    assert parse(outer(notifyMs=value)).notified_ms == expected


@pytest.mark.parametrize(("value", "expected"), [("abc", "abc"), (MISSING, None), (None, None), ([], None), ({}, None)])
def test_the_sid_beside_the_payload_is_read_where_it_is_text(value: Any, expected: str | None) -> None:
    assert parse(outer(sid=value)).sid == expected


def same(posted: bytes, other: bytes, project: str = "p", other_project: str = "p") -> bool:
    return identity(project, parse(posted)) == identity(other_project, parse(other))


def test_an_identity_is_32_hex_digits_that_never_change_between_releases() -> None:
    # printf 'p\x1f3\x1f40\x1f{"a":1}' | sha256sum
    assert identity("p", parse(outer())) == "36d292ec68aa517052ebe61f8e1773f9"


@pytest.mark.parametrize(
    "copy",
    [
        outer(noticeId="another"),
        outer(noticeId=MISSING),
        outer(notifyMs=AT_MS + 1),
        outer(notifyMs="garbage"),
        outer(sid="s"),
        outer(productId="3"),
        outer(eventType=40.0),
        b'{"payload" : {"a" : 1},\n"eventType":40, "productId":3}',
    ],
)
def test_a_copy_has_the_same_identity_whatever_else_differs(copy: bytes) -> None:
    assert same(outer(), copy)


def test_the_order_of_keys_does_not_enter_the_identity_at_any_depth() -> None:
    assert same(
        raw(payload='{"a":{"x":1,"y":[{"k":1,"l":2}]},"b":2}'), raw(payload='{"b":2,"a":{"y":[{"l":2,"k":1}],"x":1}}')
    )


def test_an_escape_and_its_character_are_one() -> None:
    assert same(raw(payload=r'{"a":"\u00e9\n"}'), raw(payload='{"a":"é\\u000a"}'))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":1}', '{"a":2}'),
        ('{"a":1}', '{"a":"1"}'),
        ('{"a":1}', '{"a":true}'),
        ('{"a":1}', '{"a":[1]}'),
        ('{"a":1}', '{"b":1}'),
        ('{"a":1}', '{"a":1,"b":null}'),
        ('{"a":null}', "{}"),
        ('{"a":0}', '{"a":false}'),
        ('{"a":""}', '{"a":null}'),
        ('{"a":[1,2]}', '{"a":[2,1]}'),
        ('{"a":{"b":1}}', '{"a":{"b":2}}'),
        ('{"a":9007199254740992}', '{"a":9007199254740993}'),
        ('{"a":18446744073709551615}', '{"a":18446744073709551614}'),
        ('{"a":1000000000000000000000000000000}', '{"a":1000000000000000000000000000001}'),
        ('{"a":0.1}', '{"a":0.10000000000000001}'),
        ('{"a":1.0000000000000000000000001}', '{"a":1.0000000000000000000000002}'),
        ('{"a":1e400}', '{"a":2e400}'),
    ],
)
def test_any_other_value_in_the_payload_is_another_fact(one: str, other: str) -> None:
    assert not same(raw(payload=one), raw(payload=other))


def test_project_product_and_type_are_part_of_the_identity() -> None:
    identities = {
        identity(project, parse(outer(productId=product, eventType=event_type)))
        for project, product, event_type in [
            ("p", 3, 40),
            ("q", 3, 40),
            ("p", 1, 40),
            ("p", 3, 41),
            ("p", 34, 0),
            ("p", 3, 4),
        ]
    }
    assert len(identities) == 6


def test_the_sequence_tells_two_equal_events_apart() -> None:
    assert not same(body(started(sequence=1)), body(started(sequence=2)))


def test_a_fingerprint_is_the_digest_of_the_bytes() -> None:
    # printf '' | sha256sum
    assert fingerprint(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb924"


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
finite = st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | finite | words
values = st.recursive(
    leaves, lambda of: st.lists(of, max_size=3) | st.dictionaries(words, of, max_size=3), max_leaves=5
)
payloads = st.dictionaries(words, values, max_size=4)


@given(payloads, st.randoms(use_true_random=False))
def test_spelling_never_changes_an_identity(payload: dict[str, Any], random: Any) -> None:
    keys = list(payload)
    random.shuffle(keys)
    shuffled = {key: payload[key] for key in keys}
    plain = json.dumps({"productId": 3, "eventType": 40, "payload": payload}).encode()
    odd = json.dumps({"payload": shuffled, "eventType": 40, "productId": 3}, ensure_ascii=False, indent=1).encode()
    assert same(plain, odd)


@given(payloads, payloads)
def test_two_payloads_share_an_identity_only_if_they_are_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    spelt = [json.dumps(payload, sort_keys=True) for payload in (one, other)]
    assert same(raw(payload=spelt[0]), raw(payload=spelt[1])) == (spelt[0] == spelt[1])


@given(st.binary(max_size=64) | st.text(max_size=64).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_raise_anything_but_unusable(posted: bytes) -> None:
    with pytest.raises(Unusable):
        parse(posted)
