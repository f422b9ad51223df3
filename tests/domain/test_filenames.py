from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.build import snapshot_name
from webhook.domain.filenames import LONGEST_NAME, SnapshotName, channel_in_names, parse_snapshot

DOCUMENTED = "bak0_sid_channel1__uid_s_123__uid_e_video_20190611073246073.jpg"
TAKEN_MS = 1_560_238_366_073  # 2019-06-11 07:32:46.073
UTC_DIGITS = "20190611073246073"
FIRST_MS = int(datetime(1, 1, 1, tzinfo=UTC).timestamp()) * 1000
LAST_MS = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()) * 1000 + 999

hexadecimal = st.text("0123456789abcdef", min_size=1, max_size=32)
names_of_channels = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), max_size=64)


def named(middle: str, utc: str = UTC_DIGITS) -> str:
    return f"{middle}__uid_s_123__uid_e_video_{utc}.jpg"


def test_the_documented_name_says_what_the_documentation_says() -> None:
    assert parse_snapshot(DOCUMENTED) == SnapshotName("sid", "channel1", "123", TAKEN_MS, 0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (named("sid_channel1"), SnapshotName("sid", "channel1", "123", TAKEN_MS, None)),
        (named("bak7_sid_channel1"), SnapshotName("sid", "channel1", "123", TAKEN_MS, 7)),
        (named("bak12_sid_c"), SnapshotName("sid", "c", "123", TAKEN_MS, 12)),
        (named("a/b c/sid_channel1"), SnapshotName("sid", "channel1", "123", TAKEN_MS, None)),
        (named("/sid_channel1"), SnapshotName("sid", "channel1", "123", TAKEN_MS, None)),
        (named("a_b/bak1_sid_channel1"), SnapshotName("sid", "channel1", "123", TAKEN_MS, 1)),
        (named("x__uid_s_9__uid_e_video_1/sid_c"), SnapshotName("sid", "c", "123", TAKEN_MS, None)),
        (named("sid_Town-hall-------------1"), SnapshotName("sid", "Town-hall-------------1", "123", TAKEN_MS, None)),
        (named("sid_with_under_scores"), SnapshotName("sid", "with_under_scores", "123", TAKEN_MS, None)),
        (named("sid_bak0_c"), SnapshotName("sid", "bak0_c", "123", TAKEN_MS, None)),
        (named("sid_"), SnapshotName("sid", "", "123", TAKEN_MS, None)),
        (named("sid_ß 中"), SnapshotName("sid", "ß 中", "123", TAKEN_MS, None)),
        ("sid_c__uid_s_a_b__uid_e_video_20190611073246073.jpg", SnapshotName("sid", "c", "a_b", TAKEN_MS, None)),
        (
            "sid_c__uid_s_42949672__uid_e_video_20190611073246073.JPG",
            SnapshotName("sid", "c", "42949672", TAKEN_MS, None),
        ),
        ("sid_c__uid_s_0__uid_e_video_20190611073246073.jpeg", SnapshotName("sid", "c", "0", TAKEN_MS, None)),
        (named("sid_c__uid_s_1"), SnapshotName("sid", "c__uid_s_1", "123", TAKEN_MS, None)),
    ],
)
def test_a_name_by_the_convention_is_read_whole(name: str, expected: SnapshotName) -> None:
    assert parse_snapshot(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        "snapshot.jpg",
        "sid_channel1.m3u8",
        "sid_channel1__uid_s_123__uid_e_audio_20190611073246073.jpg",
        "sid_channel1__uid_s_123__uid_e_video.m3u8",
        "sid_channel1__uid_s_123__uid_e_video_20190611073246073.ts",
        "sid_channel1__uid_s_123__uid_e_video_20190611073246073.jpg.part",
        "sid_channel1__uid_s_123__uid_e_video_20190611073246073.jpg\n",
        "sid_channel1__uid_s_123__uid_e_video_20190611073246.jpg",
        "sid_channel1__uid_s_123__uid_e_video_201906110732460730.jpg",
        "sid_channel1__uid_s___uid_e_video_20190611073246073.jpg",
        "sid__uid_s_123__uid_e_video_20190611073246073.jpg",
        "_channel1__uid_s_123__uid_e_video_20190611073246073.jpg",
        "channel1__uid_s_123__uid_e_video_20190611073246073.jpg",
    ],
)
def test_another_name_says_nothing(name: str) -> None:
    assert parse_snapshot(name) is None


def test_a_name_longer_than_any_name_says_nothing() -> None:
    longest = named("sid_" + "c" * (LONGEST_NAME - len(named("sid_"))))
    assert parse_snapshot(longest) is not None
    assert parse_snapshot("c" + longest) is None
    assert parse_snapshot("sid_" + "__uid_s_" * 200_000) is None


@pytest.mark.parametrize(
    "utc",
    [
        "00000611073246073",
        "20190011073246073",
        "20191311073246073",
        "20190600073246073",
        "20190631073246073",
        "20190229073246073",
        "20190611243246073",
        "20190611076046073",
        "20190611073260073",
    ],
)
def test_a_date_that_never_was_says_nothing(utc: str) -> None:
    assert parse_snapshot(named("sid_c", utc)) is None


@pytest.mark.parametrize(
    ("utc", "taken_ms"),
    [
        ("20200229000000000", 1_582_934_400_000),
        ("19700101000000001", 1),
        ("20190611073246999", TAKEN_MS + 926),
        ("00010101000000000", FIRST_MS),
        ("99991231235959999", LAST_MS),
    ],
)
def test_the_instant_is_exact_to_the_millisecond(utc: str, taken_ms: int) -> None:
    name = parse_snapshot(named("sid_c", utc))
    assert name is not None
    assert name.taken_ms == taken_ms


def test_every_character_that_agora_replaces_becomes_a_dash() -> None:
    replaced = "!@#$%^&*()+_.=[]{}~|,;:?<>"
    assert channel_in_names(f"a{replaced}b-C 9") == "a" + "-" * len(replaced) + "b-C 9"


@given(
    sid=hexadecimal,
    channel=names_of_channels,
    uid=st.integers(0, 2**32 - 1).map(str),
    taken_ms=st.integers(0, LAST_MS),
    failovers=st.integers(0, 10_000),
    path=st.sampled_from(["", "shots/", "a/b_c/", "a//b/"]),
)
def test_a_name_that_was_written_reads_back(
    sid: str, channel: str, uid: str, taken_ms: int, failovers: int, path: str
) -> None:
    spelt = channel_in_names(channel)
    name = path + snapshot_name(uid, taken_ms, sid=sid, channel=spelt, failovers=failovers)
    expected = SnapshotName(sid, spelt, uid, taken_ms, failovers - 1 if failovers else None)
    assert parse_snapshot(name) == expected


pieces = st.sampled_from(
    ["bak0_", "sid", "_", "__uid_s_", "__uid_e_video_", UTC_DIGITS, "/", ".jpg", "٣", "\n", "0" * 17]
)


@settings(max_examples=200)
@given(st.text() | st.lists(pieces | st.text(max_size=3), max_size=12).map("".join))
@example(named("sid_c", "٢" * 17))
@example(named("bak٣_sid_c"))
def test_no_name_makes_it_raise(name: str) -> None:
    found = parse_snapshot(name)
    assert found is None or (found.sid and found.uid and FIRST_MS <= found.taken_ms <= LAST_MS)
