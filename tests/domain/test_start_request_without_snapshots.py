"""Start requests that Agora takes and from which not one snapshot comes: each is named, with what to write instead."""

from typing import Any

import pytest

from tests.domain.test_start_request import (
    ABSENT,
    CLIENT,
    RECORDING,
    SNAPSHOT,
    STORAGE,
    changed,
    fitting,
    flattened,
    found,
)
from webhook.domain.channels import channel_id, recoded_channel_id
from webhook.domain.start_request import Expectation, check, is_start_request, kind_of, summary_of


@pytest.mark.parametrize("severity", ["error", "warning"])
def test_no_snapshots_at_all_are_as_grave_as_the_caller_says(severity: Any) -> None:
    request = changed((SNAPSHOT, ABSENT))
    violations = check(request, "individual", no_snapshots=severity)
    assert found(violations) == [(severity, "no-snapshots", f"$.{SNAPSHOT}")]
    assert violations[0].message.endswith('write an object such as {"captureInterval": 10, "fileType": ["jpg"]}')
    assert check(request, "individual") == []
    assert check(fitting(), "individual", no_snapshots=severity) == []
    assert [check(request, mode, no_snapshots=severity) for mode in ("mix", "web")] == [[], []]


@pytest.mark.parametrize(
    ("place", "name", "meant"),
    [
        (CLIENT, "snapshotconfig", "snapshotConfig"),
        (CLIENT, "SnapshotConfigs", "snapshotConfig"),
        (RECORDING, "streamType", "streamTypes"),
        (RECORDING, "stream_types", "streamTypes"),
        (RECORDING, "subscribeVideoUid", "subscribeVideoUids"),
        (SNAPSHOT, "CaptureInterval", "captureInterval"),
        (STORAGE, "filenamePrefix", "fileNamePrefix"),
    ],
)
def test_a_setting_that_is_spelt_almost_right_is_named_with_its_right_spelling(
    place: str, name: str, meant: str
) -> None:
    request = changed((f"{place}.{meant}", ABSENT), (f"{place}.{name}", "x"))
    violations = [each for each in check(request, "individual") if each.rule == "misspelt"]
    assert found(violations) == [("error", "misspelt", f"$.{place}.{name}")]
    assert violations[0].message == f"{name} is no setting, so Agora ignores it: write {meant}"


def test_what_is_spelt_almost_right_beside_the_right_one_is_let_be() -> None:
    assert check(changed((f"{RECORDING}.streamType", 2), (f"{RECORDING}.streamTypes", 2)), "individual") == []
    assert check(changed((f"{RECORDING}.{'_' * 99}streamType", 2)), "individual") == []


def test_misspelt_names_are_found_at_the_top_level_too() -> None:
    request = flattened(fitting())
    request["snapshot_config"] = request.pop("snapshotConfig")
    request["Uid"] = request.pop("uid")
    violations = [each for each in check(request, "individual") if each.rule == "misspelt"]
    assert [each.path for each in violations] == ["$.Uid", "$.snapshot_config"]


def test_a_client_request_spelt_almost_right_is_named() -> None:
    request = fitting()
    request["clientrequest"] = request.pop("clientRequest")
    assert {each.rule for each in check(request, "individual")} == {"misspelt", "client-request-missing"}


def test_an_empty_list_of_videos_takes_nobodys_picture() -> None:
    request = changed((f"{RECORDING}.subscribeVideoUids", []))
    violations = check(request, "individual")
    assert found(violations) == [("error", "video-of-nobody", f"$.{RECORDING}.subscribeVideoUids")]
    assert "name the users in it, or leave it out for all of them" in violations[0].message
    del request["clientRequest"]["snapshotConfig"]
    assert check(request, "individual") == []


@pytest.mark.parametrize(
    ("users", "says"),
    [
        ([123], "element 0 of subscribeVideoUids is 123: write an array of strings"),
        (["1", None], "element 1 of subscribeVideoUids is null"),
        (["1", {}, 3], "element 1 of subscribeVideoUids is an object"),
    ],
)
def test_of_a_list_of_users_the_element_that_is_wrong_is_named(users: list[Any], says: str) -> None:
    (violation,) = check(changed((f"{RECORDING}.subscribeVideoUids", users)), "individual")
    assert (violation.rule, violation.path) == ("wrong-type", f"$.{RECORDING}.subscribeVideoUids")
    assert says in violation.message


def test_nobody_told_what_a_session_without_start_request_does() -> None:
    assert (Expectation().takes_snapshots, Expectation().records) == (None, None)
    assert summary_of(None, "individual").takes_snapshots is None
    assert summary_of({}, "mix").records is True


@pytest.mark.parametrize(
    ("value", "is_one"),
    [(fitting(), True), (flattened(fitting()), True), ({"startRequest": {}}, False), ([], False), (None, False)],
)
def test_a_start_request_is_known_by_its_names(value: Any, is_one: bool) -> None:
    assert is_start_request(value) is is_one


def test_kinds_are_words_that_give_nothing_away() -> None:
    assert [kind_of(value) for value in (None, True, "", "ab", [1], {}, 1.5)] == [
        "missing",
        "a boolean",
        "an empty string",
        "a string of length 2",
        "an array of length 1",
        "an object",
        "a number",
    ]


@pytest.mark.parametrize("channel", ["Q&A", "a b", "a/b", "a:b", "50% off"])
def test_an_id_that_lost_its_percent_signs_gets_them_back(channel: str) -> None:
    assert recoded_channel_id(f"rtc:talks:{channel}") == channel_id("talks", channel)


@pytest.mark.parametrize("text", ["", "s1", "rtc:talks", "rtc:talks:"])
def test_what_is_no_channels_id_gets_none(text: str) -> None:
    assert recoded_channel_id(text) is None
