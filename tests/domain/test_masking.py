"""Credentials never leave the inbox: not in bodies, entries, facts, sessions or answers."""

import json
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook.domain import masking
from webhook.domain.arrivals import Arrival, Reading, read
from webhook.domain.decoding import Origin, decode, routing_key
from webhook.domain.envelope import identity, masked_body, parse
from webhook.domain.masking import TOO_DEEP, mask, mask_payload, mask_text, mask_urls, may_hold_secrets
from webhook.domain.transitions import apply, open_session
from webhook.samples import SAMPLES, envelope
from webhook.views.sessions import session_view

Payload = dict[str, Any]

AT_MS = 1_764_000_000_000
RECEIVED_MS = AT_MS + 60_000
ORIGIN = Origin("default", "default", RECEIVED_MS)
PLANTED = "Planted-cr3dential"

every_sample = pytest.mark.parametrize(("product_id", "event_type"), list(SAMPLES))

NAMES = (
    *("token", "rtcToken", "access_token", "stsToken", "Token", "secret", "clientSecret", "password", "passwd"),
    *("passphrase", "salt", "credential", "credentials", "authorization", "streamKey", "stream_key"),
    *(
        "accessKey",
        "access-key",
        "secretKey",
        "secretkey",
        "encryptionKey",
        "apiKey",
        "api_key",
        "privateKey",
        "auth_key",
    ),
    *("streamKeys", "tokens", "Passwords", "pwd", "rtmpKey", "pushKey", "push_keys", "streamName", "accessKeyId"),
    *("tokenValue", "auth", "oauth", "signature", "jwt", "sessionCookie", "srtKey", "stream key"),
)
COUNTED_NAMES = ("tokens", "total_tokens", "apiKeys")
HARMLESS_NAMES = (
    "keyframe",
    "key",
    "streamId",
    "rtmpUrl",
    "secretary",
    "passed",
    "idleTimeout",
)
URLS = (
    f"rtmp://cdn.example.com/live/{PLANTED}",
    f"rtmps://cdn.example.com:443/live/{PLANTED}?auth={PLANTED}",
    f"RTMP://cdn.example.com/live/a/{PLANTED}/b",
    f"rtmp://cdn.example.com/live/{PLANTED}/",
    f"rtmp://cdn.example.com/{PLANTED}",
    f"rtmp://cdn.example.com/{PLANTED}/",
    f"rtmp://user:{PLANTED}@cdn.example.com/live/x",
    f"rtmp://user:a/{PLANTED}@cdn.example.com/live/x",
    f"rtmp://user/{PLANTED}@cdn.example.com/live/x",
    f"rtmp://us?er:{PLANTED}@cdn.example.com/live/x",
    f"rtmp://cdn.example.com/live/a@{PLANTED}",
    f"srt://srt.example.com:9000?streamid=publish:{PLANTED}&passphrase={PLANTED}",
    f"srt://srt.example.com:9000?{PLANTED}",
    f"srt://srt.example.com:9000?streamid=#!::r=live/x,m=publish,p={PLANTED}",
    f"srt://srt.example.com:9000#{PLANTED}",
    f"rist://rist.example.com:5000?secret={PLANTED}",
    f"https://user:{PLANTED}@cdn.example.com/live/x.flv",
    f"https://user:a/{PLANTED}@cdn.example.com/live/x.flv",
    f"https://cdn.example.com/live/x.flv?auth_key={PLANTED}&t=1",
    f"https://cdn.example.com/live/x.flv?a=1;b={PLANTED}",
    f"https://cdn.example.com/live/x.flv#token={PLANTED}",
    f"https://proxy.example.com/rtmp://cdn.example.com/live/{PLANTED}",
    f"rtsp://admin:{PLANTED}@camera.example.com/1",
    f"wss://cdn.example.com/x?sign={PLANTED}",
    f"webrtc://cdn.example.com/live/{PLANTED}",
    f"rtsp://cdn.example.com/live/{PLANTED}",
    f"https://cdn.example.com/live/x;key={PLANTED}",
)
HIDDEN_URLS = (
    f"rtmp%3A%2F%2Fcdn.example.com%2Flive%2F{PLANTED}",
    f"https://proxy.example.com/rtmp%3a%2f%2fcdn.example.com%2flive%2f{PLANTED}",
    f'{{"rtmpUrl":"rtmp:\\/\\/cdn.example.com\\/live\\/{PLANTED}"}}',
    f'{{"outer":"{{\\"url\\":\\"rtmp:\\\\/\\\\/cdn.example.com\\\\/live\\\\/{PLANTED}\\"}}"}}',
)
BARE_URLS = (
    *(f"cdn.example.com/live/{PLANTED}", f"//cdn.example.com/live/{PLANTED}", f"cdn.example.com:1935/{PLANTED}"),
    *(f"user:{PLANTED}@cdn.example.com/live/x", f"rtmp:/cdn.example.com/live/{PLANTED}"),
)
TEXTS = (
    f"token={PLANTED}",
    f"the token: {PLANTED} is refused",
    f"rtcToken = '{PLANTED}', uid = 7",
    f'{{"token":"{PLANTED}","uid":7}}',
    f'{{"outer":"{{\\"secretKey\\":\\"{PLANTED}\\"}}"}}',
    f"401: Authorization: Bearer {PLANTED}",
    f"401: authorization: basic {PLANTED}",
    f"Bearer {PLANTED} is refused",
    f"401 for Basic {PLANTED.replace('-', '')}",
    f"token\uff1d{PLANTED}\uff0cuid\uff1d7",
    f"pwd={PLANTED}",
    f"signature: {PLANTED}",
    f"Incorrect API key provided: {PLANTED}.",
    f"stream key is: {PLANTED}",
    f"password={PLANTED}&x=1",
    f"cannot publish to rtmp://cdn.example.com/live/{PLANTED}: refused",
    f"GET https://api.example.com/v1?key={PLANTED} failed",
    f"<rtmp://cdn.example.com/live/{PLANTED}> and 'rtmp://cdn.example.com/live/{PLANTED}'",
)
PLAIN = (
    *("", "running", "Idle for too long", "Token is about to expire", "illegal key", "no data 10 s", "token", "a:b"),
    *(
        "https://example.com/@user/story",
        "http://example.com:8080/a/b.jpg",
        "rtmp://cdn.example.com/",
        "key frame: 2 s",
    ),
    *("the basic plan", "Basic authentication is required", "100%", "50%3"),
)


def walked(value: Any) -> list[str]:
    """Every text in a payload."""
    if isinstance(value, dict):
        return [text for inner in value.values() for text in walked(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in walked(inner)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [PLANTED, [PLANTED], {"inner": [PLANTED, None, True]}])
def test_what_has_the_name_of_a_credential_is_masked(name: str, value: Any) -> None:
    shown = json.dumps(mask_payload({"a": [{name: value}]}))
    assert PLANTED not in shown
    assert "***" in shown


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("s")])
def test_a_number_under_the_name_of_a_credential_is_one(name: str) -> None:
    assert "12345678" not in json.dumps(mask_payload({"a": [{name: 12_345_678}, {name: [12_345_678]}]}))


@pytest.mark.parametrize("name", COUNTED_NAMES)
def test_a_number_under_the_name_of_several_is_their_count(name: str) -> None:
    counts = {name: 512, "metrics": {name: {"prompt": 7, "latest": [8]}}}
    assert mask_payload(counts) == counts


@pytest.mark.parametrize("member", ["name", "Key", "header", "field"])
def test_what_a_pair_says_is_a_credential_is_masked(member: str) -> None:
    masked = mask_payload({"headers": [{member: "X-Api-Key", "value": PLANTED}, {member: "Accept", "value": "json"}]})
    assert masked == {"headers": [{member: "X-Api-Key", "value": mask(PLANTED)}, {member: "Accept", "value": "json"}]}


@pytest.mark.parametrize("name", NAMES)
def test_what_could_be_masked_is_never_passed_by(name: str) -> None:
    assert may_hold_secrets(json.dumps({name: PLANTED}).encode())
    assert may_hold_secrets(json.dumps({name.upper(): PLANTED}).encode())
    hidden = "".join(f"\\u{ord(letter):04x}" for letter in name)
    assert may_hold_secrets(f'{{"{hidden}":"x"}}'.encode())


@pytest.mark.parametrize("name", HARMLESS_NAMES)
def test_what_only_resembles_the_name_of_a_credential_is_left_alone(name: str) -> None:
    assert mask_payload({name: "plain", "n": {name: 7}}) == {name: "plain", "n": {name: 7}}


@pytest.mark.parametrize("value", [None, True, False, ""])
def test_no_credential_is_no_secret(value: Any) -> None:
    assert mask_payload({"token": value}) == {"token": value}


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("name", ["rtmpUrl", "streamUrl", "message"])
def test_no_secret_part_of_a_url_is_left(url: str, name: str) -> None:
    masked = mask_payload({name: url})
    assert PLANTED not in masked[name]
    assert masked[name].startswith(url.partition("://")[0] + "://")
    assert mask_payload(masked) == masked
    assert may_hold_secrets(json.dumps({name: url}).encode())
    assert may_hold_secrets(json.dumps({name: url}).replace("/", "\\/").encode())


def test_a_url_under_its_name_is_masked_to_its_end_whatever_is_in_it() -> None:
    url = f"rtmp://a/live/x y '\" {PLANTED}\n"
    assert PLANTED not in json.dumps(mask_payload({"rtmpUrl": url, "rtmpUrls": [url], "push": {"pushURIs": [[url]]}}))


@pytest.mark.parametrize("url", HIDDEN_URLS)
@pytest.mark.parametrize("name", ["rtmpUrl", "message", "list"])
def test_a_url_in_another_spelling_is_masked(url: str, name: str) -> None:
    masked = mask_payload({name: [url]})
    assert PLANTED not in json.dumps(masked)
    assert mask_payload(masked) == masked
    assert may_hold_secrets(json.dumps({name: url}).encode())


@pytest.mark.parametrize("url", BARE_URLS)
@pytest.mark.parametrize("name", ["rtmpUrl", "rtmpUrls", "pushUrl", "publish_uri", "srtAddress"])
def test_an_address_that_is_pushed_to_may_lack_its_scheme(url: str, name: str) -> None:
    masked = mask_payload({name: url})
    assert PLANTED not in masked[name]
    assert mask_payload(masked) == masked
    assert may_hold_secrets(json.dumps({name: url}).encode())


def test_an_address_without_scheme_that_nothing_is_pushed_to_stays() -> None:
    plain = {"ipAddress": "10.0.0.1/8", "callbackUrl": "example.com/a/b", "rtmpUrl": "none"}
    assert mask_payload(plain) == plain


def test_urls_that_are_names_of_members_are_masked() -> None:
    masked = mask_payload({"status": {f"rtmp://a/live/{PLANTED}": "publishing"}})
    assert masked == {"status": {f"rtmp://a/live/{mask(PLANTED)}": "publishing"}}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtmp://cdn.example.com/live/key", f"rtmp://cdn.example.com/live/{mask('key')}"),
        (
            "rtmp://cdn.example.com/live/a/b?x=1&y",
            f"rtmp://cdn.example.com/live/{mask('a/b')}?x={mask('1')}&{mask('y')}",
        ),
        ("https://u:p@example.com/a/b?x=1#y", f"https://{mask('u:p')}@example.com/a/b?x={mask('1#y')}"),
        ("https://example.com/a?x=", "https://example.com/a?x="),
        ("rtmp://cdn.example.com", "rtmp://cdn.example.com"),
    ],
)
def test_the_rest_of_a_url_stays_readable(url: str, shown: str) -> None:
    assert mask_urls(url) == shown


@pytest.mark.parametrize("text", TEXTS)
def test_no_credential_in_a_text_is_left(text: str) -> None:
    assert PLANTED not in mask_text(text)
    assert PLANTED.replace("-", "") not in mask_text(text)
    assert may_hold_secrets(json.dumps({"message": text}, ensure_ascii=False).encode())
    assert mask_text(mask_text(text)) == mask_text(text)


def test_a_text_in_which_more_and_more_secrets_show_is_masked_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"token=ahttp://,https://user:{PLANTED}@host/x"
    assert mask_text(text).startswith("token=***")
    monkeypatch.setattr(masking, "_MOST_ROUNDS", 1)
    assert mask_text(text) == mask(f"token={mask('ahttp://')},https://user:{PLANTED}@host/x")


@pytest.mark.parametrize("text", PLAIN)
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert mask_payload({"message": text, "reason": [text]}) == {"message": text, "reason": [text]}


def test_a_credential_is_masked_wherever_it_is_told_once_more() -> None:
    masked = mask_payload(
        {
            "streamKey": PLANTED,
            "reason": f"key {PLANTED} conflicts",
            "rtmpUrl": "rtmp://a/live/other-secret",
            "details": {
                "errorMsg": f"({PLANTED}) other-secret",
                "list": [f"x/{PLANTED}"],
                "flvUrl": f"http://a/{PLANTED}.flv",
            },
        }
    )
    shown = mask(PLANTED)
    assert masked["reason"] == f"key {shown} conflicts"
    assert masked["details"]["errorMsg"] == f"({shown}) {mask('other-secret')}"
    assert (masked["details"]["list"], masked["details"]["flvUrl"]) == ([f"x/{shown}"], f"http://a/{shown}.flv")
    assert mask_payload(masked) == masked


def test_the_longer_of_two_credentials_is_looked_for_first() -> None:
    masked = mask_payload({"token": "abcdef", "streamKey": "abcdef-ghi", "message": "abcdef-ghi abcdef"})
    assert masked["message"] == f"{mask('abcdef-ghi')} {mask('abcdef')}"


def test_a_short_credential_or_part_of_a_word_is_not_looked_for_elsewhere() -> None:
    assert mask_payload({"token": "abc", "message": "abc"})["message"] == "abc"
    player = {"id": "2a784467d647bb87", "token": "2a784467d6"}
    assert mask_payload(player)["id"] == player["id"]


@pytest.mark.parametrize("name", ["sid", "noticeId", "cname", "channel", "channelName", "rtcChannel"])
@pytest.mark.parametrize("value", ["token=abc", "rtmp://a/b/c", PLANTED])
def test_the_names_that_things_are_found_by_stay_as_they_are(name: str, value: str) -> None:
    assert mask_payload({"token": PLANTED, name: value})[name] == value


def test_equal_credentials_have_equal_masks_and_a_mask_is_its_own() -> None:
    assert mask(PLANTED) == mask(PLANTED) != mask("other")
    assert mask(mask(PLANTED)) == mask(PLANTED)
    assert len(mask(PLANTED)) == 7
    assert mask("***not-one") != "***not-one"
    assert mask("\ud800").startswith("***")


@pytest.mark.parametrize("nest", [lambda inner: {"a": inner}, lambda inner: [inner], lambda inner: {"token": inner}])
def test_what_is_nested_too_deep_is_masked_whole(nest: Callable[[Any], Any]) -> None:
    payload: Any = PLANTED
    for _ in range(900):
        payload = nest(payload)
    masked = mask_payload({"token": "x", "deep": payload})
    assert PLANTED not in json.dumps(masked)
    assert TOO_DEEP in json.dumps(masked)
    assert mask_payload(masked) == masked


def test_a_long_text_takes_linear_time() -> None:
    began = time.process_time()
    for text in (
        "a" * 300_000 + "://",
        "a://" * 60_000,
        "bearer" + " " * 300_000,
        "token" * 60_000,
        '"token' + "\\" * 300_000,
    ):
        mask_payload({"message": text, "rtmpUrl": text})
    assert time.process_time() - began < 10


pieces = st.sampled_from(
    [
        *(
            "://",
            "rtmp",
            "http",
            "srt",
            "@",
            "?",
            "&",
            "=",
            "#",
            "/",
            ":",
            "token",
            "key",
            "bearer ",
            '"',
            "'",
            "\\",
            " ",
            ",",
        ),
        *("***", "***0a1b", "abc", "secretKey", "live", ";", "{", "}", "\n", "."),
        *("%3A%2F%2F", "%2F", "basic ", "pwd", "streamName", "rtmp://h/live/abcdefg", "abcdefg", "\uff1d", "signature"),
    ]
)
texts = st.lists(pieces, max_size=14).map("".join) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.sampled_from(
    [
        *("token", "streamKey", "rtmpUrl", "url", "message", "sid", "cname", "details", "a", "uid", "rtmpUrls", "name"),
        *("value", "tokens", "rtmp://h/live/abcdefg", "key", "pwd"),
    ]
)
anything = st.recursive(
    texts | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(names, anything, max_size=6))
def test_masking_what_is_masked_changes_nothing(payload: Payload) -> None:
    masked = mask_payload(payload)
    assert mask_payload(masked) == masked


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(names | texts, anything, max_size=4))
def test_what_could_not_hold_a_secret_is_left_alone_by_masking(payload: Payload) -> None:
    for body in (json.dumps(payload), json.dumps(payload, ensure_ascii=False)):
        assert may_hold_secrets(body.encode()) or mask_payload(payload) == payload


words = st.text(st.characters(categories=["L", "Nd", "P", "Zs"]), max_size=8)
lookalikes = st.sampled_from(
    ["K", "\u212aey", "to\u212aen", "pa\u017f\u017fword", "pass", "to-ken", "s_alt", "Bearer\u00a0abcdef"]
)


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(words | lookalikes, words | lookalikes | st.lists(words), max_size=4))
def test_letters_that_only_look_like_those_of_a_credential_deceive_nobody(payload: Payload) -> None:
    body = json.dumps(payload, ensure_ascii=False).encode()
    assert may_hold_secrets(body) or mask_payload(payload) == payload


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(list(SAMPLES)), st.dictionaries(names, anything, max_size=4), st.sampled_from(["", "details"]))
def test_a_masked_body_decodes_as_the_raw_one(number: tuple[int, int], more: Payload, place: str) -> None:
    payload = SAMPLES[number](AT_MS)
    if place:
        payload[place] = {**payload.get(place, {}), **more}
    else:
        payload |= {name: value for name, value in more.items() if name not in payload}
    raw = body_of(*number, payload)
    masked = masked_body(raw, parse(raw))
    assert facts(masked) == facts(raw)
    assert masked_body(masked, parse(masked)) == masked


def body_of(product_id: int, event_type: int, payload: Payload) -> bytes:
    return json.dumps(envelope(product_id, event_type, payload, "notice", AT_MS)).encode()


def facts(body: bytes) -> tuple[str, Any]:
    said = parse(body)
    return identity("default", said), decode(said, ORIGIN)


def planted(payload: Payload) -> Payload:
    """A payload with credentials where any product has them, and where none should."""
    owner = {"token": PLANTED, "streamUrl": URLS[0], "rtmpUrl": URLS[1], "flvUrl": URLS[-6], "name": TEXTS[0]}
    known = {name: {**payload[name], **owner} for name in ("player", "converter", "details") if name in payload}
    words = dict.fromkeys(("reason", "message", "destroyReason"), TEXTS[2])
    labels = {"labels": {"token": PLANTED, "note": TEXTS[5]}}
    faults = {"errors": [{"module": "llm", "code": 401, "message": TEXTS[5]}, {"message": f"{PLANTED} is refused"}]}
    return payload | words | known | labels | faults | {"streamKey": PLANTED, "secretKey": PLANTED, "note": list(TEXTS)}


def reading(product_id: int, event_type: int, payload: Payload) -> Reading:
    return read(Arrival("", "default", "default", 2, body_of(product_id, event_type, payload)), RECEIVED_MS)


@every_sample
def test_no_planted_credential_is_in_anything_that_is_kept_or_shown(product_id: int, event_type: int) -> None:
    said = reading(product_id, event_type, planted(SAMPLES[product_id, event_type](AT_MS)))
    kept: list[Any] = [said.entry.body, said.entry, said.fact]
    if said.fact is not None:
        session = apply(open_session(said.fact), said.fact)
        kept += [session, session_view(session)]
    for each in kept:
        assert PLANTED.encode() not in msgspec.json.encode(each)
        assert PLANTED not in repr(each)


@every_sample
def test_a_sample_with_planted_credentials_decodes_masked_as_it_does_raw(product_id: int, event_type: int) -> None:
    raw = body_of(product_id, event_type, planted(SAMPLES[product_id, event_type](AT_MS)))
    masked = masked_body(raw, parse(raw))
    assert facts(masked) == facts(raw)
    assert masked_body(masked, parse(masked)) == masked


@every_sample
def test_masking_takes_no_session_or_channel_away(product_id: int, event_type: int) -> None:
    plain = reading(product_id, event_type, SAMPLES[product_id, event_type](AT_MS)).fact
    rich = reading(product_id, event_type, planted(SAMPLES[product_id, event_type](AT_MS))).fact
    assert plain is not None
    assert rich is not None
    assert (rich.session_id, rich.channel, rich.order) == (plain.session_id, plain.channel, plain.order)


def leaves(value: Any) -> set[str]:
    """Every text and number in a payload, as text, that is long enough to be looked for elsewhere."""
    if isinstance(value, dict | list):
        return {leaf for inner in (value.values() if isinstance(value, dict) else value) for leaf in leaves(inner)}
    return {str(value)} if len(str(value)) >= 6 and not isinstance(value, bool) else set()


@every_sample
def test_what_things_are_told_apart_by_may_also_be_a_stream_key_or_a_token(product_id: int, event_type: int) -> None:
    payload = SAMPLES[product_id, event_type](AT_MS)
    plain, way = (
        reading(product_id, event_type, payload).fact,
        routing_key("p", parse(body_of(product_id, event_type, payload))),
    )
    assert plain is not None
    for leaf in sorted(leaves(payload)):
        more = {"pushedTo": f"rtmp://cdn.example.com/live/{leaf}", "streamKeys": [leaf], "stsToken": leaf}
        body = body_of(product_id, event_type, payload | more)
        echoed = decode(parse(body), ORIGIN)
        assert echoed is not None
        assert (echoed.session_id, echoed.teller, echoed.channel) == (plain.session_id, plain.teller, plain.channel)
        assert (echoed.order, echoed.effect, routing_key("p", parse(body))) == (plain.order, plain.effect, way)
        for name in ("uid", "new_uid", "who", "phase", "last_uid", "reception", "file"):
            assert getattr(echoed.event, name, None) == getattr(plain.event, name, None)


def test_sessions_stay_whole_whose_id_or_uid_is_somebodys_stream_key() -> None:
    said = [
        (5, 1, {"lts": AT_MS, "converter": {"id": "room-4711-main", "rtmpUrl": "rtmp://a/live/room-4711-main"}}),
        (5, 4, {"lts": AT_MS, "converter": {"id": "room-4711-main"}, "destroyReason": "Delete Request"}),
        (4, 1, {"lts": AT_MS, "player": {"id": "room-4711-main", "token": "room-4711-main"}}),
        (17, 101, {"agent_id": "room-4711-main", "channel": "c", "labels": {"token": "room-4711-main"}}),
    ]
    facts_told = [reading(*each).fact for each in said]
    assert {fact and fact.session_id for fact in facts_told} == {"room-4711-main"}
    details = {"rtmpUrl": "rtmp://a/live/527841", "status": "publishing"}
    told = reading(3, 100, {"sid": "s", "cname": "c", "uid": "527841", "sendts": AT_MS, "details": details}).fact
    assert told is not None
    assert told.teller == "527841"


def test_a_body_without_credentials_is_kept_as_it_came() -> None:
    raw = b'{"noticeId":"n",  "productId":1,"eventType":103,"payload":{"channelName":"c","uid":1.0}}'
    assert not may_hold_secrets(raw)
    assert masked_body(raw, parse(raw)) is raw


@pytest.mark.parametrize("name", ["rtmpUrl", "rtmpUrls", "pushUrl", "publishAddress"])
@pytest.mark.parametrize("path", ["live/{0}", "whip/{0}", "live/{0}.flv"])
def test_what_is_pushed_to_ends_in_a_key_whatever_its_scheme(name: str, path: str) -> None:
    address = f"https://cdn.example.com/{path.format(PLANTED)}"
    assert PLANTED not in json.dumps(mask_payload({name: address}))
    assert mask_payload({"imageUrl": address}) == {"imageUrl": address}


def test_a_long_word_after_token_is_one() -> None:
    assert mask_text(f"invalid token 006{PLANTED}").startswith("invalid token ***")
    assert mask_text("the token expired yesterday") == "the token expired yesterday"
