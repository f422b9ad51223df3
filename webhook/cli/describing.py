"""Sessions of the status API in lines for a terminal: only those that the session has something to say on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]
MOST_USERS = 50  # lines


def line(session: Json) -> str:
    """One session of a list."""
    streams = session["streams"]
    stopped = sum(stream["video"] == "stopped" for stream in streams)
    words = [counted(len(streams), "stream")] if streams else []
    words += [f"{stopped} stopped"] if stopped else []
    about = f"{', '.join(words)}  " if words else ""
    channel, last = session["channel"] or "-", session["lastEventAt"] or "-"
    return f"{session['state']:9} {session['product']:17} {session['id']}  {channel}  {about}last {last}"


def rest(summary: Json, filters: Mapping[str, str], shown: int) -> str:
    """That there are more sessions than are shown, how many where the summary counts them, and how to see them."""
    total = _total(summary, filters)
    more = "more" if total is None or total <= shown else f"{total - shown} more"
    return f"… and {more}: show them with --limit, or fewer with --state, --product or --channel"


def _total(summary: Json, filters: Mapping[str, str]) -> int | None:
    counts: dict[str, dict[str, int]] = {"state": summary["sessions"], "product": summary["products"]}
    if not filters:
        return sum(counts["state"].values())
    (name, value), *others = filters.items()
    return None if others else counts.get(name, {}).get(value)


def describe(session: Json) -> str:
    """Everything about one session."""
    return "\n".join(_lines(session))


def counted(count: int, noun: str) -> str:
    """`1 stream`, `2 streams`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _lines(session: Json) -> Iterator[str]:
    where = f" in channel {session['channel']}" if session["channel"] else ""
    yield f"{session['id']}: {session['product']}{where}, {session['state']} since {session['stateSince']}"
    yield from _registered(session["registration"])
    yield from _ended(session["exit"])
    yield from _of_entity(session["detail"])
    yield from map(_recorder, session["recorders"])
    yield from [f"failovers: {session['failovers']}"] if session["failovers"] else []
    yield from _of_channel(session["detail"])
    yield from map(_stream, session["streams"])
    yield from map(_not_recorded, session["notRecorded"])
    yield from _upload(session["upload"])
    yield from (_problem("error", each) for each in session["errors"])
    yield from (_problem("warning", each) for each in session["warnings"])
    yield _heard(session["notifications"])
    yield from _holes(session["sequence"])


def _registered(registration: Json | None) -> Iterator[str]:
    if registration is not None:
        until = f", expected to end {registration['expectedEnd']}" if registration["expectedEnd"] else ""
        yield f"registered {registration['registeredAt']}, mode {registration['mode']}{until}"


def _ended(ended: Json | None) -> Iterator[str]:
    if ended is not None:
        yield f"exit: {ended['status']} at {ended['at']}" + (f", {ended['reason']}" if ended["reason"] else "")


def _of_entity(detail: Json) -> Iterator[str]:
    """The last word on the state of a converter, an agent and the like, and why it ended."""
    state, reason = detail.get("state"), detail.get("reason")
    if isinstance(state, dict):
        yield f"said: {state['word']} at {state['at']}" + _advice(state)
    if isinstance(reason, dict):
        yield f"because: {reason['text']}" + _advice(reason)


def _recorder(recorder: Json) -> str:
    until = f" until {recorder['until']}" if recorder["until"] else ""
    reasons = f", left: {', '.join(recorder['leaveReasons'])}" if recorder["leaveReasons"] else ""
    return f"recorder {recorder['uid']}: from {recorder['from']}{until}{reasons}"


def _of_channel(detail: Json) -> Iterator[str]:
    """Who is and was in an RTC channel."""
    if "users" not in detail:
        return
    present, users = detail["present"], detail["users"]
    roles = [f"{present[role]} {role}" for role in present if role != "total" and present[role]]
    yield f"present: {present['total']}" + (f" ({', '.join(roles)})" if roles else "")
    for user in users[:MOST_USERS]:
        yield _user(user)
    if len(users) > MOST_USERS:
        yield f"… and {len(users) - MOST_USERS} more users"


def _user(user: Json) -> str:
    name = f" ({user['account']})" if user["account"] else ""
    kind = f"{user['role']}, a service" if user["service"] else user["role"]
    if user["present"]:
        return f"user {user['uid']}{name}: {kind}, there since {user['joinedAt'] or 'before anything was told'}"
    left = f"left {user['leftAt']}" if user["leftAt"] else "gone"
    return f"user {user['uid']}{name}: {kind}, {left}" + (f", {user['reasonMeaning']}" if user["reasonMeaning"] else "")


def _stream(stream: Json) -> str:
    shots = stream["snapshots"]
    taken = counted(shots["count"], "snapshot")
    every = f", one every {shots['interval']:g} s" if shots["interval"] else ""
    last = f", the last {shots['lastAt']}{every}" if shots["lastAt"] else ""
    return f"stream {stream['uid']}: {_track(stream, 'video')}, {_track(stream, 'audio')}, {taken}{last}"


def _track(stream: Json, track: str) -> str:
    since = stream[f"{track}Since"]
    return f"{track} {stream[track]}" + (f" since {since}" if since else "")


def _not_recorded(lost: Json) -> str:
    what = " ".join(filter(None, (lost["uid"], lost["track"])))
    return f"not recorded: {what} from {lost['from']} until {lost['until']}"


def _upload(upload: Json) -> Iterator[str]:
    if upload["state"] != "none":
        files = f", {counted(upload['filesCount'], 'file')}" if upload["filesCount"] else ""
        yield f"upload: {upload['state']}, {upload['progress']:.0%}{files}"


def _problem(kind: str, told: Json) -> str:
    code = "" if told["code"] is None else f" {told['code']}"
    message = f" ({told['message']})" if told["message"] else ""
    return f"{kind} at {told['at']}: {told['module'] or 'unknown module'}{code}{message}{_advice(told)}"


def _advice(told: Json) -> str:
    """What it means, and what to do about it."""
    meaning = f": {told['meaning']}" if told.get("meaning") else ""
    return meaning + (f"; {told['action']}" if told.get("action") else "")


def _heard(counts: Json) -> str:
    extra = [f"{counts[name]} {name}" for name in ("duplicates", "stale") if counts[name]]
    return f"notifications: {counts['received']}" + (f", of them {', '.join(extra)}" if extra else "")


def _holes(sequence: Mapping[str, Json]) -> Iterator[str]:
    for uid, numbers in sequence.items():
        spans = [str(low) if low == high else f"{low} to {high}" for low, high in numbers["missing"]]
        if spans:
            yield f"missing from recorder {uid}: numbers {', '.join(spans)}"
