import json

import pytest

from webhook.samples import SAMPLES, UnknownSample, envelope, known, sample
from webhook.samples.recording import Shot, channel_in_names, snapshot_name

NAMES = {
    1: "cloud_recording_error",
    2: "cloud_recording_warning",
    3: "cloud_recording_status_update",
    4: "cloud_recording_file_infos",
    11: "session_exit",
    12: "session_failover",
    13: "high_availability_registered",
    30: "uploader_started",
    31: "uploaded",
    32: "backuped",
    33: "uploading_progress",
    40: "recorder_started",
    41: "recorder_leave",
    42: "recorder_slice_start",
    43: "recorder_audio_stream_state_changed",
    44: "recorder_video_stream_state_changed",
    45: "recorder_snapshot_file",
    60: "vod_started",
    61: "vod_triggered",
    70: "web_recorder_started",
    71: "web_recorder_stopped",
    72: "web_recorder_capability_limit",
    73: "web_recorder_reload",
    80: "transcoder_started",
    81: "transcoder_completed",
    90: "download_failed",
    100: "rtmp_publish_status",
    1001: "postpone_transcode_final_result",
}
AT_MS = 1_764_000_123_456


def test_there_is_a_sample_of_every_recording_event_of_the_table() -> None:
    assert {event_type for product_id, event_type in SAMPLES if product_id == 3} == set(NAMES)


@pytest.mark.parametrize("event_type", NAMES)
def test_a_sample_has_the_envelope_and_the_common_fields_of_its_event(event_type: int) -> None:
    body = sample("recording", event_type, AT_MS)
    payload = body["payload"]
    assert (body["productId"], body["eventType"], body["notifyMs"]) == (3, event_type, AT_MS)
    assert body["sid"] == payload["sid"]
    assert payload["details"]["msgName"] == NAMES[event_type]
    assert payload.keys() == {"cname", "uid", "sid", "sequence", "sendts", "serviceType", "details"}
    assert isinstance(payload["uid"], str)
    json.dumps(body)


@pytest.mark.parametrize("product", ["recording", "cloud_recording", "3", 3])
def test_a_product_may_be_given_by_name_or_by_number(product: str | int) -> None:
    assert sample(product, 44, AT_MS) == sample("recording", 44, AT_MS)


@pytest.mark.parametrize(("product", "event_type"), [("recording", 999), ("nonsense", 44), ("7", 44), ("²", 44)])
def test_an_unknown_sample_lists_the_known_ones(product: str, event_type: int) -> None:
    with pytest.raises(UnknownSample, match=r"--product cloud_recording or recording or 3: --type 1, 2, 3, 4, 11"):
        sample(product, event_type)
    assert "44, 45" in known()


def test_samples_sent_at_different_moments_are_different_notifications() -> None:
    first, second = sample("recording", 44, AT_MS), sample("recording", 44, AT_MS + 1)
    assert first["noticeId"] != second["noticeId"]
    assert first["payload"] != second["payload"]


def test_samples_of_different_types_number_themselves_like_one_session() -> None:
    bodies = [sample("recording", event_type, AT_MS) for event_type in NAMES]
    assert len({body["sid"] for body in bodies}) == 1
    assert sorted(body["payload"]["sequence"] for body in bodies) == list(range(len(NAMES)))


def test_an_envelope_without_a_sid_in_its_payload_has_none_at_the_top() -> None:
    assert envelope(1, 103, {"uid": 7}, "n", AT_MS) == {
        "noticeId": "n",
        "productId": 1,
        "eventType": 103,
        "notifyMs": AT_MS,
        "payload": {"uid": 7},
    }


@pytest.mark.parametrize("character", list("!@#$%^&*()+_.=[]{}~|,;:?<>"))
def test_in_names_these_characters_of_a_channel_are_dashes(character: str) -> None:
    assert channel_in_names(f"a{character}b") == "a-b"


@pytest.mark.parametrize("channel", ["Ab9", "a-b", "a b", "a/b", "é"])
def test_in_names_all_else_of_a_channel_stays(channel: str) -> None:
    assert channel_in_names(channel) == channel


@pytest.mark.parametrize(
    ("shot", "name"),
    [
        (
            Shot("sid", "channel1", "123", 1_560_237_966_073, 1),
            "bak0_sid_channel1__uid_s_123__uid_e_video_20190611072606073.jpg",
        ),
        (
            Shot("sid", "channel1", "123", 1_560_237_966_073),
            "sid_channel1__uid_s_123__uid_e_video_20190611072606073.jpg",
        ),
        (Shot("sid", "a_b.c[d]<e>", "1", 0), "sid_a-b-c-d--e-__uid_s_1__uid_e_video_19700101000000000.jpg"),
        (Shot("sid", "two words-x", "1", 999), "sid_two words-x__uid_s_1__uid_e_video_19700101000000999.jpg"),
    ],
)
def test_a_snapshot_is_named_by_the_convention(shot: Shot, name: str) -> None:
    assert snapshot_name(shot) == name
