"""Agents that talk and agents that write down what is said (agora-notifications.md, section 8)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from webhook.samples import conversational_ai as ai
from webhook.samples import speech_to_text as stt
from webhook.samples import speech_to_text_v5 as task
from webhook.samples.conversational_ai import Fault
from webhook.samples.speech_to_text_v5 import Task
from webhook.samples.wire import Payload
from webhook.simulation.entity.model import End, Entity, Place, Step, entity, moments

WENT = {"OK": ai.STOPPED, "Idle for too long": ai.STOPPED, "RTC connection error": ai.FAILED}
AGENT_WENT = WENT | {"Connecting for too long": ai.FAILED, "Task lifetime limit exceeded": ai.STOPPED}
WRITER_WENT = WENT | {"Fatal ASR error": ai.FAILED, "Fatal Translation error": ai.FAILED}
CALLS = ("START", "CALLING", "RINGING", "ANSWERED", "TRANSFERED", "HANGUP")
FAULTS = (Fault("llm", 503, "the model does not answer", 2), Fault("tts", 429, "too many requests", 3))
SAID = (("assistant", "Good evening. How can I help?"), ("user", "When do the doors open?"))
TURNS = ({"turn_id": 1, "tts_ttfb": 70}, {"turn_id": 2, "asr_ttlw": 210, "llm_ttfb": 460, "tts_ttfb": 90})
NOT_STARTED = 1  # status of an uploader


def agent(rng: Random) -> Entity:
    """An agent that joins, perhaps by telephone, meets troubles or not, and tells of the conversation as it leaves."""
    in_ms, end = rng.random() < 0.5, _gone(rng, AGENT_WENT)
    faults = FAULTS[: rng.randint(0, 2)]
    lasts_ms = rng.randrange(20_000, 120_000)
    steps = [Step(0, 101, _of_agent(in_ms, ai.joined)), *_calls(rng, in_ms)]
    if faults:
        steps.append(Step(lasts_ms // 2, 110, _of_agent(in_ms, partial(ai.failed, faults=faults))))
    if rng.random() < 0.3:
        steps.append(Step(lasts_ms // 3, 104, _of_agent(in_ms, ai.token_expiring)))
    if end.reason:
        steps += _goodbye(lasts_ms, in_ms, end.state, end.reason)
    told = End(end.state, end.exit_status, end.reason, tuple(sorted(fault.code for fault in faults)))
    return entity(rng, "conversational_ai", ai.PRODUCT_ID, steps, told)


def _gone(rng: Random, went: dict[str, str]) -> End:
    """How an agent goes: one of five stays."""
    if rng.random() < 0.2:
        return End()
    message = rng.choice(sorted(went))
    failed = went[message] == ai.FAILED
    return End("failed" if failed else "ended", "abnormal" if failed else "normal", message)


def _calls(rng: Random, in_ms: bool) -> list[Step]:
    """The telephone call of an agent that makes or takes one, from its start as far as it goes."""
    if rng.random() < 0.5:
        return []
    event_type = rng.choice((ai.INBOUND_CALL, ai.OUTBOUND_CALL))
    states = CALLS[: rng.randint(3, len(CALLS))]
    told = [_of_agent(in_ms, partial(_called, state=state)) for state in states]
    return [Step(800 * (place + 1), event_type, build) for place, build in enumerate(told)]


def _called(who: ai.Agent, at_ms: int, state: str) -> Payload:
    return ai.call_changed(who, state, at_ms)


def _goodbye(lasts_ms: int, in_ms: bool, state: str, message: str) -> list[Step]:
    status = ai.FAILED if state == "failed" else ai.STOPPED
    told: list[tuple[int, Callable[..., Payload]]] = [
        (102, partial(ai.left, status=status, message=message)),
        (103, partial(ai.history, said=SAID)),
        (111, partial(ai.measured, turns=TURNS)),
        (112, partial(ai.turns_finished, count=len(TURNS))),
    ]
    return [Step(lasts_ms, event_type, _of_agent(in_ms, build)) for event_type, build in told]


TIMELESS = (ai.joined, ai.token_expiring)  # builders to which the moment says nothing


def _of_agent(in_ms: bool, told: Callable[..., Payload]) -> Callable[[Place, int], Payload]:
    def build(place: Place, at_ms: int) -> Payload:
        who = ai.Agent(place.id, place.channel, place.begun_ms, in_ms, labels={"campaign": "spring"})
        timeless = told in TIMELESS or getattr(told, "func", None) is ai.failed
        return told(who) if timeless else told(who, at_ms)

    return build


def writer(rng: Random) -> Entity:
    """An agent of STT, of v7, or a task of v5 and v6."""
    return _writer(rng) if rng.random() < 0.4 else _task(rng)


def _writer(rng: Random) -> Entity:
    end = _gone(rng, WRITER_WENT)
    steps = [Step(0, 101, _writer_joined)]
    if end.reason:
        status = stt.FAILED if end.state == "failed" else stt.STOPPED
        left = partial(_writer_left, status=status, message=end.reason)
        steps.append(Step(rng.randrange(20_000, 120_000), 102, left))
    return entity(rng, "speech_to_text", stt.PRODUCT_ID, steps, end)


def _writer_joined(place: Place, at_ms: int) -> Payload:
    return stt.joined(stt.Agent(place.id, place.channel, place.begun_ms))


def _writer_left(place: Place, at_ms: int, status: str, message: str) -> Payload:
    return stt.left(stt.Agent(place.id, place.channel, place.begun_ms), at_ms, status, message)


def _task(rng: Random) -> Entity:
    """A task whose texts are uploaded, go to the backup, are still being uploaded, or whose uploader never starts."""
    kind = rng.random()
    if kind < 0.15:
        steps = [Step(0, 30, partial(_of_task, task.uploader_started, status=NOT_STARTED))]
        return _tasked(rng, steps, End("failed", "abnormal", None, (NOT_STARTED,)))
    at_ms = moments(rng, 6)
    steps = [Step(0, 30, partial(_of_task, task.uploader_started)), Step(at_ms[1], 4, _task_file)]
    for place, progress in zip(at_ms[2:5], (2_000, 6_000, 9_000), strict=True):
        steps.append(Step(place, 33, partial(_of_task, task.uploading, progress=progress)))
    if kind < 0.35:
        return _tasked(rng, steps, End())
    steps.append(Step(at_ms[5], 31 if kind < 0.7 else 32, partial(_task_stored, backed_up=kind >= 0.7)))
    return _tasked(rng, steps, End("ended", "normal"))


def _tasked(rng: Random, steps: list[Step], end: End) -> Entity:
    return entity(rng, "speech_to_text", task.PRODUCT_ID, steps, end)


def _of_task(told: Callable[..., Payload], place: Place, at_ms: int, **named: Any) -> Payload:
    return told(Task(place.id, place.channel), at_ms, **named)


def _task_file(place: Place, at_ms: int) -> Payload:
    return task.file_infos(Task(place.id, place.channel), at_ms, f"{place.id}.m3u8")


def _task_stored(place: Place, at_ms: int, backed_up: bool) -> Payload:
    whose = Task(place.id, place.channel)
    files = [task.text_file(whose, "en-US", place.begun_ms)]
    return task.backed_up(whose, at_ms, files) if backed_up else task.uploaded(whose, at_ms, files)
