"""Recordings that make files: individual, composite, and what happens to the files afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from webhook.samples import post_processing as later
from webhook.samples import recording as tell
from webhook.samples.post_processing import Transcoded
from webhook.samples.recording import MIXED, Payload, Speaker
from webhook.simulation import names
from webhook.simulation.recording import course
from webhook.simulation.recording.course import happens
from webhook.simulation.recording.model import (
    STAGGER_MS,
    TAIL_MS,
    Happening,
    Outcome,
    Publisher,
    Recording,
    publisher,
    publishers,
)

SCENE = "mix_record"
REPEATED_UPLOAD = 31  # warnCode of the uploader
RUNNING = 5  # status of the service


def individual(rng: Random) -> Recording:
    """Every user's tracks in files of their own; now and then a slice is lost or an upload repeated."""
    return _recording(rng, publishers(rng, lasts_ms := rng.randrange(80_000, 180_000)), lasts_ms, None)


def composite(rng: Random) -> Recording:
    """All users mixed into one file; the mixed stream is told of under uid 0."""
    lasts_ms = rng.randrange(80_000, 180_000)
    crowd = (*publishers(rng, lasts_ms, 3), publisher(rng, lasts_ms, MIXED))
    return _recording(rng, crowd, lasts_ms, SCENE)


def _recording(rng: Random, crowd: tuple[Publisher, ...], lasts_ms: int, scene: str | None) -> Recording:
    recorded = [each for each in crowd if scene is None or each.uid == MIXED]
    lost = [(each.uid, rng.randrange(30_000, 60_000), rng.randint(400, 9_000)) for each in recorded[:1]]
    losses = lost if rng.random() < 0.5 else []
    warned = rng.random() < 0.4
    return Recording(
        seed=rng.getrandbits(64),
        place=rng.getrandbits(64),
        channel=rng.choice(names.CHANNELS),
        publishers=crowd,
        begins_ms=rng.randrange(STAGGER_MS),
        leaves_ms=lasts_ms,
        happenings=(
            *course.begins(),
            *_recorded(rng, recorded),
            *(course.slices(at_ms, uid, "video", lost_ms) for uid, at_ms, lost_ms in losses),
            *([happens(40_000, 2, tell.warning, REPEATED_UPLOAD)] if warned else []),
            *course.ends(rng, lasts_ms, recorded),
            *_afterwards(rng, lasts_ms + TAIL_MS, recorded),
        ),
        scene=scene,
        outcome=Outcome(
            warnings=(REPEATED_UPLOAD,) if warned else (),
            losses=tuple((uid, at_ms - lost_ms, at_ms) for uid, at_ms, lost_ms in losses),
        ),
    )


def _recorded(rng: Random, recorded: Sequence[Publisher]) -> Iterator[Happening]:
    """What is told while files are written; the first M3U8 comes twice (section 1)."""
    yield happens(100, 30, tell.uploader_started)
    for each in recorded:
        yield course.slices(each.video[0] + 300, each.uid, "video")
        if each.audio:
            yield course.slices(each.audio[0] + 300, each.uid, "audio")
    for at_ms in (9_000, 12_000):
        yield Happening(at_ms, 4, _first_file)
    if rng.random() < 0.5:
        yield happens(200, 13, tell.high_availability_registered)
    if rng.random() < 0.3:
        yield Happening(20_000, 3, _running)


def _first_file(by: Speaker, at_ms: int) -> Payload:
    return tell.file_infos(by, tell.playlist_name(by))


def _running(by: Speaker, at_ms: int) -> Payload:
    return tell.status_updated(by, RUNNING, tell.playlist_name(by))


def _afterwards(rng: Random, at_ms: int, recorded: Sequence[Publisher]) -> list[Happening]:
    """What became of the files: handed to a video-on-demand service, transcoded, or nothing more."""
    uids = [each.uid for each in recorded]
    return rng.choice((_no_more, _on_demand, _transcoded, _postponed))(at_ms, uids)


def _no_more(at_ms: int, uids: list[str]) -> list[Happening]:
    return []


def _on_demand(at_ms: int, uids: list[str]) -> list[Happening]:
    return [happens(at_ms - 15_000, 60, later.vod_started, f"video-{uids[0]}"), happens(at_ms, 61, later.vod_triggered)]


def _transcoded(at_ms: int, uids: list[str]) -> list[Happening]:
    done = [Transcoded(uid, "success", f"{uid}_0.mp4") for uid in uids]
    completed = happens(at_ms + 4_000, 81, later.transcoder_completed, "all_success", done)
    return [happens(at_ms, 80, later.transcoder_started), completed]


def _postponed(at_ms: int, uids: list[str]) -> list[Happening]:
    """Some files cannot be fetched at first, so that the last word on transcoding comes later."""
    names_lost = [f"{uid}.m3u8" for uid in uids]
    done = [Transcoded(uid, "fail", f"{uid}_0.mp4") for uid in uids]
    return [
        happens(at_ms, 80, later.transcoder_started),
        happens(at_ms + 2_000, 90, later.download_failed, names_lost),
        happens(at_ms + 3_000, 81, later.transcoder_completed, "partial_success", done),
        happens(at_ms + 9_000, 1001, later.transcoding_finished, "total_success", [f"{uid}_0.mp4" for uid in uids]),
    ]
