import copy
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.domain.start_request import Expectation, Violation, check, redact, summary_of

PLANTED = "pLaNtEd/0123456789+abcdefghijklmnop"
ABSENT = object()
CLIENT = "clientRequest"
RECORDING, STORAGE, SNAPSHOT = f"{CLIENT}.recordingConfig", f"{CLIENT}.storageConfig", f"{CLIENT}.snapshotConfig"


def fitting() -> dict[str, Any]:
    return {
        "cname": "Testing2",
        "uid": "527841",
        "clientRequest": {
            "token": PLANTED,
            "recordingConfig": {
                "channelType": 1,
                "streamTypes": 2,
                "maxIdleTime": 300,
                "subscribeVideoUids": ["123"],
                "subscribeUidGroup": 0,
            },
            "snapshotConfig": {"captureInterval": 10, "fileType": ["jpg"]},
            "storageConfig": {
                "vendor": 1,
                "region": 2,
                "bucket": "screenshots",
                "accessKey": PLANTED,
                "secretKey": PLANTED,
                "fileNamePrefix": ["directory1", "2"],
            },
        },
    }


def changed(*changes: tuple[str, Any]) -> dict[str, Any]:
    request = fitting()
    for place, value in changes:
        *way, last = place.split(".")
        parent: dict[str, Any] = request
        for name in way:
            parent = parent.setdefault(name, {})
        parent[last] = value
        if value is ABSENT:
            del parent[last]
    return request


def flattened(request: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = request.pop("clientRequest")
    return request | content


def found(violations: list[Violation]) -> list[tuple[str, str, str]]:
    return [(violation.severity, violation.rule, violation.path) for violation in violations]


def test_a_fitting_request_has_no_violation() -> None:
    assert check(fitting(), "individual") == []


def test_a_recording_without_snapshots_has_no_violation_in_any_mode() -> None:
    request = changed((SNAPSHOT, ABSENT), (f"{RECORDING}.streamTypes", 0), (f"{CLIENT}.recordingFileConfig", {}))
    assert [check(request, mode) for mode in ("individual", "mix", "web")] == [[], [], []]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("cname", "a b:c@d"),
        ("uid", "18446744073709551615"),
        ("uid", "0"),
        (f"{CLIENT}.token", ABSENT),
        (f"{CLIENT}.token", None),
        (RECORDING, ABSENT),
        (RECORDING, None),
        (f"{RECORDING}.streamTypes", ABSENT),
        (f"{RECORDING}.streamTypes", 1),
        (f"{RECORDING}.subscribeAudioUids", ["123"]),
        (f"{RECORDING}.subscribeAudioUid", ["123"]),
        (f"{RECORDING}.subscribeAudioUids", []),
        (f"{RECORDING}.maxIdleTime", ABSENT),
        (f"{RECORDING}.maxIdleTime", 30),
        (f"{SNAPSHOT}.captureInterval", ABSENT),
        (f"{SNAPSHOT}.captureInterval", 5),
        (f"{SNAPSHOT}.captureInterval", 3600),
        (f"{CLIENT}.recordingFileConfig", None),
        *((f"{STORAGE}.vendor", vendor) for vendor in (1, 2, 3, 5, 6, 7, 8)),
        (f"{STORAGE}.fileNamePrefix", ABSENT),
        (f"{STORAGE}.fileNamePrefix", []),
        (f"{STORAGE}.fileNamePrefix", ["aZ09"]),
        (f"{CLIENT}.somethingNew", {"a": [1]}),
    ],
)
def test_what_fits_is_let_be(place: str, value: Any) -> None:
    assert check(changed((place, value)), "individual") == []


@pytest.mark.parametrize(
    ("place", "value", "rule", "says"),
    [
        ("cname", ABSENT, "channel-missing", "cname is missing"),
        ("cname", " ", "channel-missing", "write the name of the channel"),
        ("cname", 5, "channel-missing", "a number"),
        ("uid", ABSENT, "uid-digits", "uid is missing"),
        ("uid", 527841, "uid-digits", "uid is 527841"),
        ("uid", "12a", "uid-digits", 'uid is "12a"'),
        ("uid", "٣", "uid-digits", "a string of digits"),
        ("uid", "", "uid-digits", 'uid is ""'),
        (CLIENT, ABSENT, "client-request-missing", "clientRequest is missing"),
        (CLIENT, "{}", "wrong-type", "clientRequest is a string of length 2: write an object"),
        (CLIENT, [], "wrong-type", "clientRequest is an array of length 0: write an object"),
        (f"{CLIENT}.token", {}, "wrong-type", "token is an object: write a string"),
        (RECORDING, "2", "wrong-type", "recordingConfig is a string of length 1: write an object"),
        (f"{RECORDING}.maxIdleTime", "300", "wrong-type", "write a whole number without quotes"),
        (f"{RECORDING}.maxIdleTime", True, "wrong-type", "maxIdleTime is a boolean"),
        (f"{RECORDING}.subscribeVideoUids", "123", "wrong-type", "write an array of strings"),
        (f"{RECORDING}.subscribeAudioUids", [123], "wrong-type", "write an array of strings"),
        (f"{RECORDING}.subscribeAudioUid", {}, "wrong-type", "write an array of strings"),
        (f"{CLIENT}.recordingFileConfig", 1, "wrong-type", "recordingFileConfig is a number"),
        (SNAPSHOT, "jpg", "wrong-type", "snapshotConfig is a string of length 3"),
        (STORAGE, "", "wrong-type", "storageConfig is an empty string"),
        (f"{STORAGE}.region", "2", "wrong-type", "write a whole number without quotes"),
        (f"{STORAGE}.extensionParams", [], "wrong-type", "write an object"),
        (f"{CLIENT}.extensionServiceConfig", [], "wrong-type", "write an object"),
        (f"{RECORDING}.streamTypes", 0, "stream-types", "streamTypes is 0, but snapshots need video: write 2"),
        (f"{RECORDING}.streamTypes", 3, "stream-types", "streamTypes is 3"),
        (f"{RECORDING}.streamTypes", "2", "stream-types", 'streamTypes is "2"'),
        (f"{RECORDING}.streamTypes", True, "stream-types", "streamTypes is true"),
        (f"{SNAPSHOT}.fileType", ABSENT, "snapshot-file-type", 'fileType is missing: write ["jpg"]'),
        (f"{SNAPSHOT}.fileType", ["png"], "snapshot-file-type", 'fileType is ["png"]'),
        (f"{SNAPSHOT}.fileType", "jpg", "snapshot-file-type", 'fileType is "jpg"'),
        (f"{SNAPSHOT}.fileType", ["jpg", "jpg"], "snapshot-file-type", 'fileType is ["jpg", "jpg"]'),
        (
            f"{SNAPSHOT}.fileType",
            [None, {}, [], False],
            "snapshot-file-type",
            "[null, an object, an array of length 0, false]",
        ),
        (f"{SNAPSHOT}.fileType", [1] * 5, "snapshot-file-type", "fileType is an array of length 5"),
        (f"{SNAPSHOT}.captureInterval", 0, "capture-interval", "captureInterval is 0: write a whole number of seconds"),
        (f"{SNAPSHOT}.captureInterval", 3601, "capture-interval", "captureInterval is 3601"),
        (f"{SNAPSHOT}.captureInterval", "10", "capture-interval", 'captureInterval is "10"'),
        (f"{SNAPSHOT}.captureInterval", 10.5, "capture-interval", "captureInterval is 10.5"),
        (f"{SNAPSHOT}.captureInterval", Decimal("1e9999"), "capture-interval", "captureInterval is a number"),
        pytest.param(f"{SNAPSHOT}.captureInterval", 10**5000, "capture-interval", "is a number", id="5000 digits"),
        (STORAGE, ABSENT, "storage-missing", "storageConfig is missing"),
        (f"{STORAGE}.vendor", ABSENT, "storage-vendor", "vendor is missing"),
        (f"{STORAGE}.vendor", 4, "storage-vendor", "vendor is 4: write 1 (Amazon S3)"),
        (f"{STORAGE}.vendor", "1", "storage-vendor", 'vendor is "1"'),
        (f"{STORAGE}.vendor", True, "storage-vendor", "vendor is true"),
        (f"{STORAGE}.bucket", ABSENT, "storage-setting", "bucket is missing"),
        (f"{STORAGE}.accessKey", "", "storage-setting", "accessKey is an empty string"),
        (f"{STORAGE}.secretKey", 5, "storage-setting", "secretKey is a number"),
        (f"{STORAGE}.fileNamePrefix", "directory1", "file-name-prefix", "write an array of alphanumeric strings"),
    ],
)
def test_each_rule_names_what_it_found_and_what_to_write_instead(place: str, value: Any, rule: str, says: str) -> None:
    violations = [violation for violation in check(changed((place, value)), "individual") if violation.rule == rule]
    assert found(violations) == [("error", rule, f"$.{place}")]
    assert says in violations[0].message


@pytest.mark.parametrize("place", [CLIENT, STORAGE])
@pytest.mark.parametrize("value", [ABSENT, "x"])
def test_what_a_missing_or_mistyped_object_lacks_is_not_listed_too(place: str, value: Any) -> None:
    assert len(check(changed((place, value)), "individual")) == 1


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("a/b", 'is "a/b": write a string of a-z, A-Z and 0-9 only'),
        ("", 'is ""'),
        ("a_b", 'is "a_b"'),
        ("ä", "is a string of length 1"),
        (PLANTED, "is a string of length 35"),
        (1, "is 1"),
        (None, "is null"),
    ],
)
def test_each_part_of_the_prefix_that_is_not_alphanumeric_is_named(part: Any, says: str) -> None:
    violations = check(changed((f"{STORAGE}.fileNamePrefix", ["fits", part])), "individual")
    assert found(violations) == [("error", "file-name-prefix", f"$.{STORAGE}.fileNamePrefix[1]")]
    assert says in violations[0].message


@pytest.mark.parametrize("mode", ["composite", "Individual", "", None, ["mix"], 3])
def test_an_unknown_mode_is_named(mode: Any) -> None:
    assert found(check(fitting(), mode)) == [("error", "unknown-mode", "mode")]


def test_the_message_on_an_unknown_mode_says_which_there_are() -> None:
    message = check(fitting(), "composite")[0].message
    assert message == 'the mode is "composite": write individual (for snapshots), mix or web in the URL'


@pytest.mark.parametrize("mode", ["mix", "web"])
def test_snapshots_in_another_mode_than_individual_are_an_error(mode: str) -> None:
    violations = check(fitting(), mode)
    assert found(violations) == [("error", "snapshots-mode", f"$.{SNAPSHOT}")]
    assert f'the mode is "{mode}"' in violations[0].message


@pytest.mark.parametrize("settings", [{}, {"avFileType": ["hls"]}])
def test_recording_and_snapshots_in_one_request_are_a_warning_that_cites_the_conflict(settings: Any) -> None:
    violations = check(changed((f"{CLIENT}.recordingFileConfig", settings)), "individual")
    assert found(violations) == [("warning", "recording-and-snapshots", f"$.{SNAPSHOT}")]
    assert "older text says that they must not both be set, the newer one allows both" in violations[0].message


@pytest.mark.parametrize("spelling", ["subscribeAudioUids", "subscribeAudioUid"])
@pytest.mark.parametrize("video", [ABSENT, [], None])
def test_audio_without_video_is_an_error_in_both_spellings(spelling: str, video: Any) -> None:
    request = changed((f"{RECORDING}.{spelling}", ["123"]), (f"{RECORDING}.subscribeVideoUids", video))
    violations = check(request, "individual")
    assert found(violations) == [("error", "audio-without-video", f"$.{RECORDING}.{spelling}")]
    assert violations[0].message.startswith(f"{spelling} is set without subscribeVideoUids")
    del request["clientRequest"]["snapshotConfig"]
    assert check(request, "individual") == []


@pytest.mark.parametrize("seconds", [1, 4])
def test_an_interval_below_5_is_a_warning_that_cites_the_conflict(seconds: int) -> None:
    violations = check(changed((f"{SNAPSHOT}.captureInterval", seconds)), "individual")
    assert found(violations) == [("warning", "capture-interval-short", f"$.{SNAPSHOT}.captureInterval")]
    assert "one place says at least 1, another at least 5" in violations[0].message


@pytest.mark.parametrize("seconds", [29, 5, 0, -1])
def test_an_idle_time_below_the_default_is_a_warning_that_advises_300(seconds: int) -> None:
    violations = check(changed((f"{RECORDING}.maxIdleTime", seconds)), "individual")
    assert found(violations) == [("warning", "idle-time-short", f"$.{RECORDING}.maxIdleTime")]
    assert f"maxIdleTime is {seconds} s" in violations[0].message
    assert "write 300" in violations[0].message


@pytest.mark.parametrize("params", [ABSENT, {}, {"endpoint": ""}, {"endpoint": 1}])
def test_an_s3_compatible_storage_needs_its_endpoint(params: Any) -> None:
    request = changed((f"{STORAGE}.vendor", 11), (f"{STORAGE}.extensionParams", params))
    violations = check(request, "individual")
    assert found(violations) == [("error", "storage-endpoint", f"$.{STORAGE}.extensionParams.endpoint")]
    request["clientRequest"]["storageConfig"]["extensionParams"] = {"endpoint": "storage.example.com"}
    assert check(request, "individual") == []


def test_no_storage_beside_an_extension_service_is_a_warning() -> None:
    request = changed((STORAGE, ABSENT), (f"{CLIENT}.extensionServiceConfig", {}))
    assert found(check(request, "individual")) == [("warning", "storage-missing", f"$.{STORAGE}")]


def test_the_content_of_the_client_request_may_stand_at_the_top_level() -> None:
    assert check(flattened(fitting()), "individual") == []
    request = flattened(changed((f"{RECORDING}.streamTypes", 0), ("uid", 1), (f"{STORAGE}.fileNamePrefix", ["/"])))
    assert [violation.path for violation in check(request, "individual")] == [
        "$.uid",
        "$.recordingConfig.streamTypes",
        "$.storageConfig.fileNamePrefix[0]",
    ]


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "x", [], [{}]])
def test_what_is_no_object_is_said_to_be_none(value: Any) -> None:
    assert found(check(value, "individual")) == [("error", "wrong-type", "$")]
    assert redact(value) == {}
    assert summary_of(value, "individual") == Expectation(max_idle_time=30)


def test_any_mapping_will_do() -> None:
    assert check(MappingProxyType(fitting()), "individual") == []


def test_violations_come_in_the_same_order_whatever_the_order_of_the_keys() -> None:
    request = {"clientRequest": {"storageConfig": {"vendor": 4}, "snapshotConfig": {}}}
    backwards = {"clientRequest": {"snapshotConfig": {}, "storageConfig": {"vendor": 4}}}
    assert check(request, "mix") == check(backwards, "mix")


# Redaction


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "accessKey",
        "secretKey",
        "stsToken",
        "secret",
        "salt",
        "TOKEN",
        "access_key",
        "Sts-Token",
        "appSecret",
        "password",
        "dbPassword",
        "pwd",
        "privateKey",
        "appCertificate",
        "Authorization",
        "streamKey",
        "sasToken",
        "passphrase",
        "url",
        "rtmpUrl",
        "streamUrl",
        "credentials",
    ],
)
@pytest.mark.parametrize("value", [PLANTED, 5, {"a": PLANTED}, [PLANTED]])
def test_a_member_named_like_a_credential_is_dropped_wherever_it_is(name: str, value: Any) -> None:
    member = {name: value}
    request = {"a": [member, [member]], "b": {"extensionParams": {"keep": 1} | member}} | member
    assert redact(request) == {"a": [{}, [{}]], "b": {"extensionParams": {"keep": 1}}}


@pytest.mark.parametrize(
    "text",
    [
        f"https://user:{PLANTED}@example.com/",
        f"https://example.com/page?t={PLANTED}",
        f"https://example.com/{PLANTED}",
        f"rtmp://live.example.com/app/{PLANTED}",
        f"RTMPS://live.example.com/app/{PLANTED}",
        f"https%3A%2F%2Fexample.com%2F{PLANTED}",
        f"//user:{PLANTED}@example.com",
        f"user:{PLANTED}@example.com",
        f"page?room={PLANTED}",
        f'{{"token": "{PLANTED}"}}',
        f' ["{PLANTED}"]',
        f"accessKey={PLANTED}",
        f'secret": "{PLANTED}',
        f"Bearer {PLANTED}",
        f"Basic {PLANTED}",
        PLANTED * 8,
    ],
)
def test_a_string_that_holds_a_credential_or_an_address_is_dropped_wherever_it_is(text: str) -> None:
    request = {"a": text, "b": [text, "kept"], "c": {"d": text}, text: 1}
    assert redact(request) == {"b": ["kept"], "c": {}}


@pytest.mark.parametrize("value", [PLANTED, [PLANTED], [{}, PLANTED], 5])
def test_what_stands_where_an_object_belongs_is_dropped(value: Any) -> None:
    request = changed((STORAGE, value), (f"{CLIENT}.EXTENSIONPARAMS", value))
    assert PLANTED not in json.dumps(redact(request))
    assert "storageConfig" not in redact(request)["clientRequest"]
    assert redact({"clientRequest": value}) == {}


def test_an_array_of_objects_stays_where_an_object_belongs() -> None:
    request = {"transcodingConfig": {"layoutConfig": [{"x_axis": 0.5}]}}
    assert redact(request) == request


@pytest.mark.parametrize("name", ["name", "Key", "header", "field"])
def test_the_value_beside_the_name_of_a_credential_is_dropped(name: str) -> None:
    redacted = redact({"headers": [{name: "X-Api-Key", "Value": PLANTED}, {"name": "Accept", "value": "text"}]})
    assert PLANTED not in json.dumps(redacted)
    assert redacted["headers"][1] == {"name": "Accept", "value": "text"}


def test_what_is_nested_deeper_than_a_start_request_can_be_is_dropped() -> None:
    deep: Any = [PLANTED]
    for level in range(100_000):
        deep = {"a": deep} if level % 2 else [deep]
    redacted = redact({"deep": deep, "kept": 1})
    assert redacted["kept"] == 1
    assert PLANTED not in json.dumps(redacted)
    assert check({"clientRequest": {"snapshotConfig": {"fileType": deep}, "token": deep}}, "individual")


@pytest.mark.parametrize("name", ["a:b@c", "what?a=b", "[x]", "{y}", "token=1"])
def test_a_channel_is_kept_whatever_characters_its_name_has(name: str) -> None:
    assert redact({"cname": name}) == {"cname": name}
    assert summary_of({"cname": name}, "mix").channel == name


@pytest.mark.parametrize("name", [f"https://u:{PLANTED}@h", PLANTED * 8, [f"u:{PLANTED}@h"]])
def test_what_can_be_no_channel_is_no_exception(name: Any) -> None:
    assert PLANTED not in json.dumps(redact({"cname": name}))


def test_a_redacted_request_is_a_deep_copy_that_has_all_the_rest() -> None:
    request = fitting()
    before = copy.deepcopy(request)
    redacted = redact(request)
    expected = changed((f"{CLIENT}.token", ABSENT), (f"{STORAGE}.accessKey", ABSENT), (f"{STORAGE}.secretKey", ABSENT))
    assert redacted == expected
    redacted["clientRequest"]["storageConfig"]["fileNamePrefix"].append("more")
    assert request == before


# What is kept


def test_the_summary_of_a_request_for_snapshots_says_what_to_expect() -> None:
    assert summary_of(fitting(), "individual") == Expectation(
        file_name_prefix=("directory1", "2"),
        capture_interval=10,
        takes_snapshots=True,
        records=False,
        channel="Testing2",
        max_idle_time=300,
    )


def test_the_summary_is_the_same_for_a_request_with_its_content_at_the_top_level() -> None:
    assert summary_of(flattened(fitting()), "individual") == summary_of(fitting(), "individual")


@pytest.mark.parametrize(
    ("place", "value", "field", "expected"),
    [
        (f"{SNAPSHOT}.captureInterval", ABSENT, "capture_interval", 10),
        (f"{SNAPSHOT}.captureInterval", 3601, "capture_interval", None),
        (f"{SNAPSHOT}.captureInterval", "5", "capture_interval", None),
        (SNAPSHOT, ABSENT, "capture_interval", None),
        (SNAPSHOT, ABSENT, "takes_snapshots", False),
        (SNAPSHOT, ABSENT, "records", True),
        (f"{CLIENT}.recordingFileConfig", {}, "records", True),
        (f"{CLIENT}.recordingFileConfig", {}, "takes_snapshots", True),
        (f"{RECORDING}.maxIdleTime", ABSENT, "max_idle_time", 30),
        (f"{RECORDING}.maxIdleTime", "300", "max_idle_time", None),
        (f"{STORAGE}.fileNamePrefix", ABSENT, "file_name_prefix", ()),
        (f"{STORAGE}.fileNamePrefix", "a", "file_name_prefix", ()),
        (f"{STORAGE}.fileNamePrefix", ["a", 1], "file_name_prefix", ("a",)),
        (f"{STORAGE}.fileNamePrefix", [f"https://{PLANTED}"], "file_name_prefix", ()),
        ("cname", ABSENT, "channel", None),
        ("cname", "", "channel", None),
        ("cname", 5, "channel", None),
    ],
)
def test_a_setting_left_out_has_agoras_default_and_a_wrong_one_is_unknown(
    place: str, value: Any, field: str, expected: Any
) -> None:
    assert getattr(summary_of(changed((place, value)), "individual"), field) == expected


@pytest.mark.parametrize("mode", ["mix", "web"])
def test_in_other_modes_no_snapshots_are_expected(mode: str) -> None:
    summary = summary_of(fitting(), mode)
    assert (summary.takes_snapshots, summary.capture_interval, summary.records) == (False, None, True)


def test_a_web_page_recording_has_no_idle_time() -> None:
    assert (summary_of(fitting(), "web").max_idle_time, summary_of(fitting(), "mix").max_idle_time) == (None, 300)


# Properties

NAMES = st.sampled_from(
    [
        "cname",
        "uid",
        "clientRequest",
        "recordingConfig",
        "recordingFileConfig",
        "snapshotConfig",
        "storageConfig",
        "extensionParams",
        "extensionServiceConfig",
        "captureInterval",
        "fileType",
        "streamTypes",
        "maxIdleTime",
        "subscribeAudioUid",
        "subscribeAudioUids",
        "subscribeVideoUids",
        "vendor",
        "region",
        "bucket",
        "endpoint",
        "fileNamePrefix",
        "name",
        "value",
    ]
)
SECRET_NAMES = ["token", "accessKey", "secretKey", "stsToken", "secret", "salt", "PassWord", "rtmp_url"]
CREDENTIALS = st.sampled_from(SECRET_NAMES)
NUMBERS = st.integers() | st.floats(allow_nan=False) | st.integers(-1, 12)
LEAVES = st.none() | st.booleans() | NUMBERS | st.text() | st.sampled_from(["jpg", "", "12"])


def trees(names: st.SearchStrategy[str], leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
        max_leaves=25,
    )


JSON = trees(NAMES | CREDENTIALS | st.text(), LEAVES)
MODES = st.sampled_from(["individual", "mix", "web"]) | JSON
ADDRESSES = st.sampled_from([f"https://u:{PLANTED}@host/p", f"rtmp://host/app/{PLANTED}", f"https://host/?k={PLANTED}"])


@st.composite
def requests(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    """A fitting request in which some members of any depth are replaced or added."""
    request = fitting()
    objects = [request, request["clientRequest"], *request["clientRequest"].values()]
    for place in [place for place in objects if isinstance(place, dict)]:
        place.update(draw(st.dictionaries(NAMES | CREDENTIALS, inner, max_size=3)))
    return request


@given(JSON | requests(JSON), MODES)
def test_no_json_value_raises(value: Any, mode: Any) -> None:
    violations = check(value, mode)
    assert all(violation.message.isprintable() and violation.path.isascii() for violation in violations)
    assert isinstance(redact(value), dict)
    assert isinstance(summary_of(value, mode), Expectation)


@given(JSON)
def test_redacting_twice_is_redacting_once(value: Any) -> None:
    assert redact(redact(value)) == redact(value)


def planted(value: Any, names: tuple[str, ...] = ()) -> Any:
    """`value` in which each string that stands under a credential's name is a planted one."""
    if isinstance(value, Mapping):
        return {name: planted(item, (*names, name)) for name, item in value.items()}
    if isinstance(value, list):
        return [planted(item, names) for item in value]
    return PLANTED if set(names) & set(SECRET_NAMES) else value


def texts(violations: list[Violation]) -> Iterator[str]:
    for violation in violations:
        yield violation.path + violation.message


@given(trees(NAMES | CREDENTIALS, LEAVES | ADDRESSES) | requests(trees(NAMES | CREDENTIALS, LEAVES | ADDRESSES)), MODES)
def test_no_planted_credential_is_in_anything_that_comes_out(value: Any, mode: Any) -> None:
    request = planted(value)
    redacted = redact(request)
    outcome = [
        str(redacted),
        repr(summary_of(request, mode)),
        *texts(check(request, mode)),
        *texts(check(redacted, mode)),
    ]
    assert PLANTED not in "\n".join(outcome)
