"""`GET /channels`, `/channels/{id}` and `/streams` (contract.md, section 4): what is asked across sessions."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from redis import Redis

from tests import unserved
from tests.routes.paging import API, get, walk
from tests.store.build import (
    AT_MS,
    audio,
    created,
    exited,
    heartbeat,
    joined,
    registration,
    snapshot,
    started,
    told,
    video,
)
from tests.store.rig import Rig
from webhook import settings as configuration
from webhook.domain.channels import channel_id
from webhook.store.inbox import shard_of

LIMITS = [1, 2, 3, 50]


def names(client: FlaskClient, **query: Any) -> list[str]:
    return [item["channel"] for item in get(client, "/channels", **query)["items"]]


def page_of(client: FlaskClient, channel: str, project: str = "default") -> Any:
    return get(client, f"/channels/{quote(channel_id(project, channel), safe='')}")


def test_without_sessions_there_are_neither_channels_nor_streams(client: FlaskClient, redis: Redis) -> None:
    assert get(client, "/channels") == {"items": [], "next": None}
    assert get(client, "/streams") == {"items": [], "next": None}


def test_a_channel_is_listed_with_who_is_there_and_what_runs(client: FlaskClient, rig: Rig) -> None:
    rig.append(joined(7), joined(8, sequence=2), started(), video(0, "s2", at_ms=AT_MS + 9000), exited("s3"))
    rig.drain()
    assert get(client, "/channels") == {
        "items": [
            {
                "id": "rtc:default:lobby",
                "project": "default",
                "channel": "lobby",
                "live": True,
                "lastEventAt": "2025-11-24T16:00:09.000Z",
                "sessions": {"running": 3, "total": 4},
                "rtc": {
                    "state": "live",
                    "present": {"total": 2, "broadcasters": 2, "audience": 0, "communication": 0, "services": 0},
                },
            }
        ],
        "next": None,
    }


def test_a_channel_without_rtc_notifications_is_listed_without_presence(client: FlaskClient, rig: Rig) -> None:
    rig.append(exited())
    rig.drain()
    (item,) = get(client, "/channels")["items"]
    assert (item["rtc"], item["live"], item["sessions"]) == (None, False, {"running": 0, "total": 1})


def test_a_channel_where_something_is_only_registered_is_listed_and_not_live(client: FlaskClient, rig: Rig) -> None:
    rig.append(registration())
    rig.drain()
    (item,) = get(client, "/channels")["items"]
    assert (item["channel"], item["live"], item["sessions"]) == ("lobby", False, {"running": 0, "total": 1})


def cast(rig: Rig) -> None:
    """Three channels of one project, of which one is over, and one of them in another project too."""
    rig.append(
        started("a", at_ms=AT_MS + 1, cname="attic"),
        exited("b", at_ms=AT_MS + 2, cname="bar"),
        joined(7, "cellar", AT_MS + 3000),
    )
    rig.append(started("d", at_ms=AT_MS + 4000, cname="attic"), project="europe", source="eu")
    rig.drain()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["attic", "cellar", "bar", "attic"]),
        ({"live": "true"}, ["attic", "cellar", "attic"]),
        ({"name": "bar"}, ["bar"]),
        ({"name": "ba"}, []),
        ({"name": "attic"}, ["attic"]),
        ({"name": "attic", "project": "europe"}, ["attic"]),
        ({"project": "default"}, ["cellar", "bar", "attic"]),
        ({"project": "europe"}, ["attic"]),
        ({"project": "nobody"}, []),
        ({"project": "default", "name": "attic", "live": "true"}, ["attic"]),
        ({"name": "bar", "live": "true"}, []),
        ({"limit": "2"}, ["attic", "cellar"]),
    ],
    ids=str,
)
def test_channels_are_filtered_newest_activity_first(
    client: FlaskClient, rig: Rig, query: dict[str, str], found: list[str]
) -> None:
    cast(rig)
    assert names(client, **query) == found


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/channels", {"live": "false"}),
        ("/channels", {"state": "live"}),
        ("/channels", {"limit": "0"}),
        ("/channels", {"cursor": "no cursor"}),
        ("/streams", {"video": "paused"}),
        ("/streams", {"audio": "stopped"}),
        ("/streams", {"limit": "501"}),
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_a_400_problem(
    client: FlaskClient, redis: Redis, path: str, query: dict[str, str]
) -> None:
    answer = client.get(f"{API}{path}", query_string=query)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")


def fill(rig: Rig) -> list[str]:
    """Channels of one to three sessions each, many of them last heard at one instant; newest first, ties by name."""
    last: dict[str, int] = {}
    for number in range(60):
        channel, at_ms = f"room {number % 23:02}", AT_MS + 1000 * (number // 20)
        rig.append(video(number % 2, f"s{number}", at_ms=at_ms, cname=channel))
        last[channel] = max(at_ms, last.get(channel, 0))
    rig.append(joined(7, "room 03"), created("c1", "room 04"))
    rig.drain()
    return sorted(last, key=lambda channel: (last[channel], channel), reverse=True)


@pytest.mark.parametrize("limit", LIMITS)
def test_pages_show_each_channel_exactly_once(client: FlaskClient, rig: Rig, limit: int) -> None:
    expected = fill(rig)
    assert [item["channel"] for item in walk(client, "/channels", limit=limit)] == expected
    for query in ({"live": "true"}, {"project": "default"}):
        assert [item["channel"] for item in walk(client, "/channels", limit=limit, **query)] == expected, query


def test_a_channel_that_few_pass_reaches_them_all(
    client: FlaskClient, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.store.channels.MOST_LOOKED_AT", 3)
    fill(rig)
    rig.append(exited("needle", at_ms=AT_MS - 1, cname="haystack"))
    rig.drain()
    rig.append(exited("needle 2", at_ms=AT_MS - 2, cname="haystack"), project="europe")
    rig.drain()
    page = get(client, "/channels", project="europe", limit=2)
    assert (page["items"], page["next"] is None) == ([], False)
    assert [item["channel"] for item in walk(client, "/channels", project="europe", limit=2)] == ["haystack"]


def test_a_channel_that_is_asked_for_by_its_name_is_found_at_once(
    client: FlaskClient, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.store.channels.MOST_LOOKED_AT", 3)
    fill(rig)
    page = get(client, "/channels", name="room 00", limit=2)
    assert ([item["channel"] for item in page["items"]], page["next"]) == (["room 00"], None)


@pytest.mark.parametrize("limit", LIMITS)
def test_channels_of_more_sessions_than_a_page_looks_at_are_shown_exactly_once(
    client: FlaskClient, rig: Rig, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr("webhook.store.channels.MOST_LOOKED_AT", 2)
    expected = fill(rig)
    assert [item["channel"] for item in walk(client, "/channels", limit=limit)] == expected


@pytest.mark.parametrize("converter", ["c1", "c2", "c3", "c4"])
def test_a_channel_is_live_while_any_of_its_sessions_runs(client: FlaskClient, rig: Rig, converter: str) -> None:
    rig.append(exited(), created(converter))
    rig.drain()
    (item,) = get(client, "/channels")["items"]
    assert (item["live"], item["sessions"]) == (True, {"running": 1, "total": 2})
    assert names(client, live="true") == ["lobby"]


def test_a_channel_that_is_heard_of_between_pages_hides_no_other(client: FlaskClient, rig: Rig) -> None:
    expected = fill(rig)
    page = get(client, "/channels", limit=9)
    shown = [item["channel"] for item in page["items"]]
    rig.append(video(0, "late", at_ms=AT_MS + 9_000_000, cname=shown[3]))
    rig.drain()
    while page["next"]:
        page = get(client, "/channels", limit=9, cursor=page["next"])
        shown += [item["channel"] for item in page["items"]]
    assert shown == expected


def test_a_channels_page_shows_its_presence_and_all_its_sessions_whatever_their_shard(
    client: FlaskClient, rig: Rig
) -> None:
    of_lobby = rig.keys_of(started()).shard
    elsewhere = next(name for name in map(str, range(99)) if shard_of(name, rig.shards) != of_lobby)
    rig.append(
        joined(7),
        started("s1", at_ms=AT_MS + 1000),
        exited("s2", at_ms=AT_MS + 2000),
        created(elsewhere, at_ms=AT_MS + 3000),
        started("s3", cname="elsewhere"),
    )
    rig.drain()
    page = page_of(client, "lobby")
    assert (page["id"], page["project"], page["channel"]) == ("rtc:default:lobby", "default", "lobby")
    assert page["rtc"] == get(client, "/sessions/rtc:default:lobby")
    assert [user["uid"] for user in page["rtc"]["detail"]["users"]] == ["7"]
    assert [session["id"] for session in page["sessions"]] == [elsewhere, "s2", "s1"]
    assert page["sessions"] == [get(client, f"/sessions/{sid}") for sid in (elsewhere, "s2", "s1")]


def test_a_channel_without_rtc_notifications_has_a_page_without_presence(client: FlaskClient, rig: Rig) -> None:
    rig.append(started())
    rig.drain()
    page = page_of(client, "lobby")
    assert (page["rtc"], [session["id"] for session in page["sessions"]]) == (None, ["s1"])


@pytest.mark.parametrize(
    "name", ["rtc:default:nobody", "rtc:europe:lobby", "nobody", "rtc:default", "rtc:default:", "rtc:default:l%6Fbby"]
)
def test_a_channel_that_nobody_spoke_of_is_a_404_problem(client: FlaskClient, rig: Rig, name: str) -> None:
    rig.append(started())
    rig.drain()
    answer = client.get(f"{API}/channels/{quote(name, safe='')}")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert name in answer.json["detail"]
    assert "/api/v1/channels lists those that are known" in answer.json["detail"]


def test_a_channel_is_found_by_its_name_where_one_project_only_has_it(two_projects: FlaskClient, rig: Rig) -> None:
    rig.append(started("a", cname="attic"), started("b", cname="both"))
    rig.append(started("e", cname="eave"), started("f", cname="both"), project="europe", source="eu")
    rig.drain()
    ids = {name: get(two_projects, f"/channels/{name}")["id"] for name in ("attic", "eave")}
    assert ids == {"attic": "rtc:default:attic", "eave": "rtc:europe:eave"}
    assert get(two_projects, "/channels/both", project="europe")["id"] == "rtc:europe:both"
    assert two_projects.get(f"{API}/channels/eave?project=default").status_code == 404
    answer = two_projects.get(f"{API}/channels/both")
    assert (answer.status_code, answer.content_type) == (409, "application/problem+json")
    assert "rtc:default:both and rtc:europe:both" in answer.json["detail"]


@pytest.mark.parametrize("channel", ["Q&A", "50% off", "a/b", "a:b", "class 3b", "rtc:default:x"])
def test_an_id_copied_from_json_into_an_address_is_found_as_it_is(client: FlaskClient, rig: Rig, channel: str) -> None:
    rig.append(joined(7, channel), started(cname=channel))
    rig.drain()
    copied = channel_id("default", channel)  # whose percent signs nobody writes as %25
    assert get(client, f"/channels/{copied}")["id"] == copied
    assert get(client, f"/sessions/{copied}")["id"] == copied
    assert len(get(client, f"/sessions/{copied}/notifications")["items"]) == 1
    assert get(client, f"/sessions/{copied}/timeline")["lanes"]


def test_a_session_whose_very_id_is_asked_for_comes_before_one_whose_id_was_decoded(
    client: FlaskClient, rig: Rig
) -> None:
    rig.append(joined(7, "a b"), started("rtc:default:a b"))
    rig.drain()
    assert get(client, "/sessions/rtc:default:a b")["product"] == "cloud_recording"


@pytest.mark.parametrize("product", ["media_push", "media_pull"])
def test_a_channel_that_only_a_converter_or_a_player_is_in_is_listed(
    client: FlaskClient, rig: Rig, product: str
) -> None:
    player = {"lts": AT_MS, "player": {"id": "p1", "channelName": "lobby", "createTs": AT_MS // 1000}}
    rig.append(created("c1") if product == "media_push" else told(4, 1, player))
    rig.drain()
    (item,) = get(client, "/channels")["items"]
    assert (item["id"], item["sessions"]) == ("rtc:default:lobby", {"running": 1, "total": 1})
    assert [session["product"] for session in page_of(client, "lobby")["sessions"]] == [product]
    assert names(client, name="lobby", live="true") == ["lobby"]


@pytest.mark.parametrize(
    "channel", ["a/b", "50% off", "a:b", "\U0001f600", "<img src=x>", "a.b~c", "c\x1fd", " ", "..", "{s1}", "a?b#c"]
)
def test_any_name_of_a_channel_is_found_by_the_id_that_the_list_gives(
    client: FlaskClient, rig: Rig, channel: str
) -> None:
    rig.append(joined(7, channel), started(cname=channel))
    rig.drain()
    (item,) = get(client, "/channels")["items"]
    assert item["channel"] == channel
    assert item["rtc"]["present"]["total"] == 1
    page = get(client, f"/channels/{quote(item['id'], safe='')}")
    assert (page["channel"], page["rtc"]["id"], page["sessions"][0]["id"]) == (channel, item["id"], "s1")


@pytest.fixture
def two_projects(redis: Redis, tmp_path: Path) -> FlaskClient:
    (tmp_path / "vigil.toml").write_text('[[source]]\nname = "eu"\nproject = "europe"\nsecrets = ["eu secret"]\n')
    return unserved.create(configuration.load({"VIGIL_SHARDS": "2"}, tmp_path), redis).test_client()


def test_one_channel_name_in_two_projects_is_two_channels(two_projects: FlaskClient, rig: Rig) -> None:
    rig.append(joined(7), video(1, "s1"))
    rig.append(joined(8), joined(9), video(0, "s2"), created("c2"), source="eu", project="europe")
    rig.drain()
    client = two_projects
    listed = {item["project"]: item for item in get(client, "/channels")["items"]}
    assert {project: item["rtc"]["present"]["total"] for project, item in listed.items()} == {"default": 1, "europe": 2}
    assert {item["id"] for item in listed.values()} == {"rtc:default:lobby", "rtc:europe:lobby"}
    found = {project: page_of(client, "lobby", project) for project in ("default", "europe")}
    assert {session["id"] for session in found["default"]["sessions"]} == {"s1"}
    assert {session["id"] for session in found["europe"]["sessions"]} == {"s2", "c2"}
    users = {project: [user["uid"] for user in page["rtc"]["detail"]["users"]] for project, page in found.items()}
    assert users == {"default": ["7"], "europe": ["8", "9"]}
    in_europe = get(client, "/sessions", channel="lobby", project="europe")["items"]
    assert {session["id"] for session in in_europe} == {"rtc:europe:lobby", "s2", "c2"}
    assert {session["project"] for session in in_europe} == {"europe"}
    assert len(get(client, "/sessions", channel="lobby")["items"]) == 5


@pytest.mark.parametrize("elsewhere", [False, True], ids=["same shard", "another"])
def test_the_list_counts_the_sessions_that_the_channels_page_shows(
    client: FlaskClient, rig: Rig, elsewhere: bool
) -> None:
    of_lobby = rig.keys_of(started()).shard
    converter = next(name for name in map(str, range(99)) if (shard_of(name, rig.shards) != of_lobby) is elsewhere)
    rig.append(started(), created(converter))
    rig.drain()
    (item,) = get(client, "/channels")["items"]
    assert item["sessions"]["total"] == len(page_of(client, "lobby")["sessions"])


def test_a_stream_is_shown_with_where_it_is(client: FlaskClient, rig: Rig) -> None:
    rig.append(video(1, at_ms=AT_MS + 2000), audio(0, at_ms=AT_MS + 3000), snapshot(1))
    rig.drain()
    session = get(client, "/sessions/s1")
    where = {"session": "s1", "product": "cloud_recording", "project": "default", "channel": "lobby", "state": "live"}
    assert get(client, "/streams") == {"items": [where | session["streams"][0]], "next": None}


def on_air(rig: Rig) -> dict[str, set[tuple[str, str]]]:
    """Sessions of no stream up to seven, many heard last at one instant; the streams there are by their video."""
    found: dict[str, set[tuple[str, str]]] = {"stopped": set(), "receiving": set(), "unknown": set()}
    tell = {
        "stopped": partial(video, 1),
        "receiving": partial(video, 0),
        "unknown": partial(audio, 0),
    }
    for number in range(24):
        sid, at_ms = f"s{number:02}", AT_MS + 1000 * (number // 6)
        room = f"room {number % 5}"
        rig.append(started(sid, at_ms, cname=room))
        for stream in range(number % 8):
            state = list(found)[(number + stream) % 3]
            rig.append(tell[state](sid, at_ms, str(stream), cname=room) | {"noticeId": f"{sid} {stream}"})
            found[state].add((sid, str(stream)))
    rig.append(video(1, "over"), exited("over"), joined(7), created("c1"), heartbeat("silent"))
    rig.drain()
    return found


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("state", ["stopped", "receiving", "unknown", None])
def test_pages_show_each_stream_that_runs_exactly_once(
    client: FlaskClient, rig: Rig, state: str | None, limit: int
) -> None:
    known = on_air(rig)
    expected = set.union(*known.values()) if state is None else known[state]
    items = walk(client, "/streams", limit=limit, **({"video": state} if state else {}))
    found = [(item["session"], item["uid"]) for item in items]
    assert (len(found), set(found)) == (len(expected), expected)
    assert {item["video"] for item in items} == ({state} if state else set(known))


def test_streams_come_with_the_newest_activity_of_their_session_first(client: FlaskClient, rig: Rig) -> None:
    on_air(rig)
    for limit in (3, 50):
        sids = [item["session"] for item in walk(client, "/streams", limit=limit)]
        times = {item["id"]: item["lastEventAt"] for item in walk(client, "/sessions")}
        assert [times[sid] for sid in sids] == sorted((times[sid] for sid in sids), reverse=True)


def test_streams_of_sessions_that_are_over_or_lost_are_not_shown(client: FlaskClient, rig: Rig) -> None:
    rig.append(heartbeat("lost"), video(1, "lost"), ago_ms=600_000)
    rig.append(video(1, "ended"), exited("ended"), video(1, "failed"), exited("failed", status=1))
    rig.drain()
    assert get(client, "/sessions/lost")["state"] == "lost"
    assert get(client, "/streams")["items"] == get(client, "/streams", video="stopped")["items"] == []


def test_a_stream_that_resumes_is_no_longer_among_those_that_stopped(client: FlaskClient, rig: Rig) -> None:
    rig.append(video(1))
    rig.drain()
    assert len(get(client, "/streams", video="stopped")["items"]) == 1
    rig.append(video(0, at_ms=AT_MS + 5))
    rig.drain()
    assert get(client, "/streams", video="stopped")["items"] == []
    assert len(get(client, "/streams", video="receiving")["items"]) == 1


def test_a_session_that_ends_between_pages_hides_no_other(client: FlaskClient, rig: Rig) -> None:
    known = on_air(rig)
    page = get(client, "/streams", limit=2)
    shown = [(item["session"], item["uid"]) for item in page["items"]]
    ended = shown[-1][0]
    rig.append(exited(ended, at_ms=AT_MS + 9_000_000, cname=page["items"][-1]["channel"]))
    rig.drain()
    while page["next"]:
        page = get(client, "/streams", limit=2, cursor=page["next"])
        shown += [(item["session"], item["uid"]) for item in page["items"]]
    assert len(shown) == len(set(shown))
    assert set(shown) >= {stream for stream in set.union(*known.values()) if stream[0] != ended}


@pytest.mark.parametrize("path", ["/channels", "/channels/rtc:default:lobby", "/streams"])
def test_answers_are_304_while_their_bytes_are_the_same(client: FlaskClient, rig: Rig, path: str) -> None:
    rig.append(video(1))
    rig.drain()
    tag = client.get(f"{API}{path}").headers["ETag"]
    assert client.get(f"{API}{path}", headers={"If-None-Match": tag}).status_code == 304
    rig.append(video(0, at_ms=AT_MS + 5000))
    rig.drain()
    assert client.get(f"{API}{path}", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("path", ["/channels", "/channels/rtc:default:lobby", "/streams"])
def test_a_session_written_by_a_later_release_is_no_500(client: FlaskClient, rig: Rig, path: str) -> None:
    rig.append(video(1), joined(7))
    rig.drain()
    for sid in ("s1", "rtc:default:lobby"):
        rig.redis.set(rig.keys_of(started()).session(sid), b"[99]")
    assert client.get(f"{API}{path}").status_code in (200, 404)


@pytest.mark.parametrize("path", ["/channels", "/channels/rtc:default:lobby", "/streams"])
def test_a_reader_may_read_and_a_stranger_may_not(redis: Redis, rig: Rig, tmp_path: Path, path: str) -> None:
    rig.append(video(1))
    rig.drain()
    environment = {"VIGIL_API_TOKENS": "ann:reader:reader-token", "VIGIL_SHARDS": "2"}
    client = unserved.create(configuration.load(environment, tmp_path), redis).test_client()
    headers = {"Authorization": "Bearer reader-token"}
    assert client.get(f"{API}{path}", headers=headers).status_code == 200
    assert client.get(f"{API}{path}").status_code == 401


def test_a_channel_of_another_product_alone_is_listed_where_every_event_names_it(client: FlaskClient, rig: Rig) -> None:
    agent = {"agent_id": "a1", "channel": "lobby", "start_ts": AT_MS}
    rig.append(told(17, 101, agent))
    rig.drain()
    (item,) = get(client, "/channels")["items"]
    assert (item["channel"], item["live"], item["rtc"]) == ("lobby", True, None)
    assert [session["product"] for session in page_of(client, "lobby")["sessions"]] == ["conversational_ai"]
