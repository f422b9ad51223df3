"""What must be said of a converter, player, ingest stream, transcoder, agent or task (sections 3 and 8).

Created, joined or connected is live; destroyed, left, disconnected or stopped is ended; failed or aborted is failed
(contract.md, section 4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from msgspec import Struct

from webhook.simulation.oracle.copies import distinct
from webhook.simulation.truth import EntityTruth, Line, Payload

PULL, PUSH, GATEWAY, AGENT, STT, TASK, TRANSCODING = 4, 5, 10, 17, 20, 98, 99  # productId as the simulator gives it
STATES = {
    "connecting": "live",
    "success": "live",
    "running": "live",
    "Transcoder success": "live",
    "stopped": "ended",
    "failed": "failed",
}
WORDS = [*STATES]  # also the order of what is said within one tick of the clock
UNWANTED = "Internal Error"  # destroyReason
ENDS = {"ended": "normal", "failed": "abnormal"}


class Word(Struct, frozen=True, kw_only=True):
    """What one notification says of its entity. `state` None says nothing; after a `final` one nothing can follow."""

    at_ms: int = 0
    order: int = 0  # within one tick of the clock
    state: str | None = None
    final: bool = False
    abnormal: bool = False
    reason: str | None = None
    errors: tuple[int, ...] = ()


class Kind(Struct, frozen=True):
    """One product: its name, where its payloads tell the entity's id and channel, and what its types say."""

    product: str
    sid: Callable[[Payload], str]
    channel: Callable[[Payload], str | None]
    words: Mapping[int, Callable[[Payload], Word]]


def fold_entity(told: Sequence[Line]) -> EntityTruth:
    """The truth after `told`, at least one."""
    kind = KINDS[told[0].product_id]
    words = sorted((_word(kind, line) for line in told), key=attrgetter("final", "at_ms", "order"))
    last = next((word for word in reversed(words) if word.state), Word(state="starting"))
    state = last.state or ""
    return EntityTruth(
        sid=kind.sid(told[0].payload),
        product=kind.product,
        channel=next(filter(None, (kind.channel(line.payload) for line in told)), None),
        state=state,
        exit_status="abnormal" if last.abnormal else ENDS.get(state),
        distinct=distinct(told),
        reason=last.reason,
        errors=tuple(sorted({code for word in words for code in word.errors})),
    )


def _word(kind: Kind, line: Line) -> Word:
    read = kind.words.get(line.event_type)
    return read(line.payload) if read else Word()


def _push_state(payload: Payload) -> Word:
    state = payload["converter"]["state"]
    return Word(at_ms=payload["lts"] * 1000, order=WORDS.index(state), state=STATES[state])


def _pull_state(payload: Payload) -> Word:
    status = payload["player"]["status"]
    return Word(at_ms=payload["lts"], order=WORDS.index(status), state=STATES[status])


def _destroyed(payload: Payload) -> Word:
    reason = payload["destroyReason"]
    return Word(state="ended", final=True, abnormal=reason == UNWANTED, reason=reason)


def _aborted(payload: Payload) -> Word:
    return Word(state="failed", final=True, abnormal=True, errors=(payload["errorCode"],))


def _transcoder_state(payload: Payload) -> Word:
    state = payload["details"]["state"]
    return Word(at_ms=payload["sendts"], order=WORDS.index(state), state=STATES[state])


def _transcoder_stopped(payload: Payload) -> Word:
    return Word(state="ended", final=True, reason=payload["details"]["stopReason"])


def _agent_left(payload: Payload) -> Word:
    failed = payload["status"] == "FAILED"
    state = "failed" if failed else "ended"
    return Word(state=state, final=True, abnormal=failed, reason=payload["message"])


def _agent_failed(payload: Payload) -> Word:
    return Word(errors=tuple(error["code"] for error in payload["errors"]))


def _task_goes_on(payload: Payload) -> Word:
    return Word(at_ms=payload["sendts"] * 1000, state="live")


def _task_started(payload: Payload) -> Word:
    status = payload["details"]["status"]
    at_ms = payload["sendts"] * 1000
    return Word(at_ms=at_ms, state="failed", errors=(status,)) if status else Word(at_ms=at_ms, state="live")


def _live(payload: Payload) -> Word:
    return Word(state="live")


def _ended(payload: Payload) -> Word:
    return Word(state="ended", final=True)


def _pushed_channel(payload: Payload) -> str | None:
    converter: dict[str, Any] = payload["converter"]
    options = converter.get("transcodeOptions") or converter.get("rawOptions") or {}
    return options.get("rtcChannel")


def _transcoded_channel(payload: Payload) -> str | None:
    inputs = payload["details"].get("transcoder", {}).get("inputs", [])
    return inputs[0]["rtcChannel"] if inputs else None


KINDS: Mapping[int, Kind] = {
    PUSH: Kind(
        "media_push",
        lambda payload: payload["converter"]["id"],
        _pushed_channel,
        {1: _push_state, 2: _push_state, 3: _push_state, 4: _destroyed},
    ),
    PULL: Kind(
        "media_pull",
        lambda payload: payload["player"]["id"],
        lambda payload: payload["player"]["channelName"],
        {1: _pull_state, 4: _pull_state, 3: _destroyed},
    ),
    GATEWAY: Kind(
        "media_gateway",
        lambda payload: payload["sid"],
        lambda payload: payload["rtcInfo"]["channel"],
        {1: _live, 2: _ended, 3: _aborted},
    ),
    TRANSCODING: Kind(
        "cloud_transcoding",
        lambda payload: payload["taskId"],
        _transcoded_channel,
        {110: _transcoder_state, 112: _transcoder_state, 113: _transcoder_state, 111: _transcoder_stopped},
    ),
    AGENT: Kind(
        "conversational_ai",
        lambda payload: payload["agent_id"],
        lambda payload: payload["channel"],
        {101: _live, 102: _agent_left, 110: _agent_failed},
    ),
    STT: Kind(
        "speech_to_text",
        lambda payload: payload["agent_id"],
        lambda payload: payload["channel"],
        {101: _live, 102: _agent_left},
    ),
    TASK: Kind(
        "speech_to_text",
        lambda payload: payload["taskId"],
        lambda payload: payload["cname"],
        {4: _task_goes_on, 30: _task_started, 33: _task_goes_on, 31: _ended, 32: _ended},
    ),
}
