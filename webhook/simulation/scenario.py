"""The scenarios by name: what the sessions of a simulation go through, decided before a word of it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random

from webhook.simulation.channel.model import Call, rtc_reconnects
from webhook.simulation.entity.agents import agent, writer
from webhook.simulation.entity.model import Entity
from webhook.simulation.entity.streams import gateway, pull, push, transcoder
from webhook.simulation.mixtures import two_sessions
from webhook.simulation.recording.files import composite, individual
from webhook.simulation.recording.model import Recording
from webhook.simulation.recording.snapshots import failover, screenshots, storm
from webhook.simulation.recording.trouble import abnormal_exit, upload_trouble
from webhook.simulation.recording.web import web_page

Actor = Recording | Call | Entity  # a session as it happens
Scene = Callable[[Random], tuple[Actor, ...]]


def _alone(scene: Callable[[Random], Actor]) -> Scene:
    return lambda rng: (scene(rng),)


SINGLE: Mapping[str, Scene] = {
    "screenshots": _alone(screenshots),
    "individual": _alone(individual),
    "composite": _alone(composite),
    "web-page": _alone(web_page),
    "failover": _alone(failover),
    "upload-trouble": _alone(upload_trouble),
    "abnormal-exit": _alone(abnormal_exit),
    "rtc-reconnects": _alone(rtc_reconnects),
    "push": _alone(push),
    "pull": _alone(pull),
    "gateway": _alone(gateway),
    "agent": _alone(agent),
    "stt": _alone(writer),
    "transcoding": _alone(transcoder),
    "storm": _alone(storm),
    "two-sessions-one-channel": two_sessions,
}
ALL = "all"
SCENARIOS = (*SINGLE, ALL)


def cast(scenario: str, count: int, rng: Random) -> list[Actor]:
    """At least `count` sessions of that scenario, more only where one scene of it has several.

    Raises KeyError for a name that is not in SCENARIOS.
    """
    actors: list[Actor] = []
    scenes = _scenes(scenario, rng)
    while len(actors) < count:
        actors += next(scenes)(rng)
    return actors


def _scenes(scenario: str, rng: Random) -> Iterator[Scene]:
    """The scene of that name again and again; of `all`, every one before any comes a second time."""
    scenes = [*SINGLE.values()] if scenario == ALL else [SINGLE[scenario]]
    while True:
        yield from rng.sample(scenes, len(scenes))
