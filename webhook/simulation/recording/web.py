"""Recordings of a web page: no recorder in a channel, so neither 40 nor 41, and no streams (section 4)."""

from __future__ import annotations

from random import Random

from webhook.samples import recording as tell
from webhook.samples import web_recording as web
from webhook.samples.recording import Payload, Speaker
from webhook.simulation import names
from webhook.simulation.recording import course
from webhook.simulation.recording.course import happens
from webhook.simulation.recording.model import STAGGER_MS, Happening, Outcome, Recording

LIMITS = ("resolution", "WebGL", "bandwidth")
RELOADS = ("audio_silence", "page_load_timeout")


def web_page(rng: Random) -> Recording:
    """A page is recorded and stopped as asked; it may be pushed to a CDN, demand too much, or be loaded again."""
    lasts_ms = rng.randrange(60_000, 170_000)
    middle_ms = lasts_ms // 2
    odd = [
        happens(middle_ms, 72, web.web_capability_exceeded, rng.choice(LIMITS)),
        happens(middle_ms + 700, 73, web.web_page_reloaded, rng.choice(RELOADS)),
    ]
    oddities = [it for it in odd if rng.random() < 0.5]
    pushed = _pushed(lasts_ms) if rng.random() < 0.5 else []
    exits_ms = lasts_ms + rng.randint(500, 2_000)
    ending = (stops(lasts_ms, 0), course.exits(exits_ms), happens(exits_ms + 1_500, 31, tell.uploaded, None))
    return page(rng, lasts_ms, (*oddities, *pushed, *ending), Outcome())


def page(rng: Random, lasts_ms: int, happenings: tuple[Happening, ...], outcome: Outcome) -> Recording:
    """A recording of a page that begins as usual and then goes as told."""
    return Recording(
        seed=rng.getrandbits(64),
        place=rng.getrandbits(64),
        channel=rng.choice(names.CHANNELS),
        publishers=(),
        begins_ms=rng.randrange(STAGGER_MS),
        leaves_ms=lasts_ms,
        happenings=(Happening(600, 70, web.web_recorder_started), *happenings),
        outcome=outcome,
        scene="web_record",
    )


def stops(at_ms: int, code: int) -> Happening:
    """71: the page's recorder stops, of its own accord where `code` is not 0."""

    def build(by: Speaker, happened_ms: int) -> Payload:
        name = tell.playlist_name(by).replace(".m3u8", "_0.mp4")
        return web.web_recorder_stopped(by, code, [web.web_file(name, happened_ms - at_ms)])

    return Happening(at_ms, 71, build)


def _pushed(lasts_ms: int) -> list[Happening]:
    url = "rtmp://cdn.example.com/live/live-key-of-a-simulation"
    course_of_it = ((2_000, "connecting"), (4_000, "publishing"), (lasts_ms - 300, "disconnected"))
    return [happens(at_ms, 100, web.rtmp_published, url, status) for at_ms, status in course_of_it]
