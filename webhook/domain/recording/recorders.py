"""What facts change of a session's recorders: who was heard, who took over, who left and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from webhook.domain.facts import Fact
from webhook.domain.merging import greatest, least
from webhook.domain.recording import events
from webhook.domain.recording.remarks import remark
from webhook.domain.recording.state import MOST_FORMER_RECORDERS, MOST_RECORDERS, Recorder, Recording
from webhook.domain.recording.uploads import files_stored
from webhook.domain.sequences import hear

Change = dict[str, Any]


def heard_from(recording: Recording, fact: Fact) -> Change:
    """The recorder that speaks, heard once more; nothing where the notification names none."""
    if fact.teller is None:
        return {}
    at_ms, sequence, _ = fact.order
    known = _known(recording, fact.teller) or Recorder(at_ms, at_ms)
    sequences = known.sequences if sequence < 0 else hear(known.sequences, sequence)
    return _with_recorder(recording, fact.teller, replace(known, sequences=sequences, **_times(known, at_ms)))


def failed_over(recording: Recording, fact: Fact, event: events.FailedOver) -> Change:
    """The recorder that was named, as of the latest failover that names it."""
    at_ms = fact.order.at_ms
    known = _known(recording, event.new_uid) or Recorder(at_ms, at_ms)
    named = replace(known, named_ms=greatest(known.named_ms, at_ms), **_times(known, at_ms))
    return _with_recorder(recording, event.new_uid, named)


def recorder_started(recording: Recording, fact: Fact, event: events.RecorderStarted) -> Change:
    """The first time that the recorder said that it started."""
    return _of_teller(recording, fact, lambda known: {"started_ms": least(known.started_ms, fact.order.at_ms)})


def recorder_left(recording: Recording, fact: Fact, event: events.RecorderLeft) -> Change:
    """The first and the last time that the recorder left."""
    at_ms, sequence, _ = fact.order
    mark = (at_ms, sequence, int(event.reasons))
    return _of_teller(
        recording, fact, lambda known: {"left": greatest(known.left, mark), "left_ms": least(known.left_ms, at_ms)}
    )


def session_exited(recording: Recording, fact: Fact, event: events.SessionExited) -> Change:
    """The last time that the recorder's service exited."""
    mark = (fact.order.at_ms, fact.order.sequence, not event.normal)
    return _of_teller(recording, fact, lambda known: {"exited": greatest(known.exited, mark)})


def status_reported(recording: Recording, fact: Fact, event: events.StatusReported) -> Change:
    """The recorder's latest status, and the session's, which may have been told without a recorder's uid."""
    mark = (fact.order.at_ms, fact.order.sequence, event.code)
    said = events.Remarked(events.Topic.STATUS, str(event.code))
    return {
        **remark(recording, fact, said),
        **_of_teller(recording, fact, lambda known: {"status": greatest(known.status, mark)}),
    }


def web_recorder_stopped(recording: Recording, fact: Fact, event: events.WebRecorderStopped) -> Change:
    """The last time that the recorder of a web page stopped, and the files that it left."""
    mark = (fact.order.at_ms, fact.order.sequence, event.code)
    said = events.Remarked(events.Topic.WEB_RECORDER, str(event.code), "stopped", (event.message,))
    return {
        **files_stored(recording, event.files),
        **remark(recording, fact, said),
        **_of_teller(recording, fact, lambda known: {"stopped": greatest(known.stopped, mark)}),
    }


def _of_teller(recording: Recording, fact: Fact, change: Callable[[Recorder], Change]) -> Change:
    """The change of the recorder that spoke; where the notification names none, of what is told without a uid."""
    if fact.teller is None:
        unnamed = recording.unnamed or Recorder(fact.order.at_ms, fact.order.at_ms)
        return {"unnamed": replace(unnamed, **_times(unnamed, fact.order.at_ms), **change(unnamed))}
    known = _known(recording, fact.teller)
    return {} if known is None else _with_recorder(recording, fact.teller, replace(known, **change(known)))


def _known(recording: Recording, uid: str) -> Recorder | None:
    return recording.recorders.get(uid) or recording.former.get(uid)


def _times(known: Recorder, at_ms: int) -> Change:
    return {"first_ms": min(known.first_ms, at_ms), "last_ms": max(known.last_ms, at_ms)}


def _with_recorder(recording: Recording, uid: str, recorder: Recorder) -> Change:
    """The recorders with this one: those heard last, and, so that one who speaks again is known, those before them.

    What is known of one is of many kinds, of which none can be taken back. So one that was dropped must never return:
    only a uid does not change with what comes later, and Agora speaks of a few failovers where 64 find room.
    """
    recorders = {**recording.recorders, uid: recorder}
    if len(recorders) <= MOST_RECORDERS:
        return {"recorders": recorders}
    everybody = {**recording.former, **recorders}
    known = sorted(everybody)[-MOST_RECORDERS - MOST_FORMER_RECORDERS :]
    in_turn = sorted(((uid, everybody[uid]) for uid in known), key=_last_heard)
    return {"recorders": dict(in_turn[-MOST_RECORDERS:]), "former": dict(in_turn[:-MOST_RECORDERS])}


def _last_heard(item: tuple[str, Recorder]) -> tuple[int, str]:
    return item[1].last_ms, item[0]
