"""Builders that tests share: notifications as Agora sends them, and what folding makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count as numbers
from random import Random
from typing import Any

import msgspec

from webhook.domain.arrivals import Arrival, Reading, read
from webhook.domain.envelope import Envelope, parse
from webhook.domain.folding import Folding, Known, Limits, Spot
from webhook.domain.log import LOOSE, Entry
from webhook.domain.session import Session
from webhook.views.sessions import session_view

Notification = dict[str, Any]

AT_MS = 1_764_000_000_000  # when sessions of tests begin: 2025-11-24T16:00:00.000Z
RECEIVED_MS = AT_MS + 3_600_000
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
SID = "d12fdce9024d37862a8f3a88e387c817"
CHANNEL = "Testing2"
RECORDER, SUCCESSOR = "1001", "2002"
PUBLISHER = "123"
LIMITS = Limits(log_per_session=4096, retention_ms=7 * DAY_MS)
_posts = numbers()


def notification(
    event_type: int,
    details: dict[str, Any] | None = None,
    *,
    sid: str = SID,
    channel: str = CHANNEL,
    recorder: str = RECORDER,
    sequence: Any = 1,
    at_ms: int = AT_MS,
    notice_id: str | None = None,
    notify_ms: int | None = None,
    product_id: int = 3,
) -> Notification:
    """A Cloud Recording notification sent at `at_ms`. Without `notice_id` its name follows from what it says."""
    payload = {
        "cname": channel,
        "uid": recorder,
        "sid": sid,
        "sequence": sequence,
        "sendts": at_ms,
        "serviceType": 1,
        "details": details or {},
    }
    return {
        "noticeId": notice_id or f"{sid[:8]}:{recorder}:{event_type}:{sequence}:{at_ms}",
        "productId": product_id,
        "eventType": event_type,
        "notifyMs": at_ms + 30 if notify_ms is None else notify_ms,
        "sid": sid,
        "payload": payload,
    }


def started(**envelope: Any) -> Notification:
    """40: the recorder is in the channel."""
    return notification(40, {"status": 0}, **envelope)


def left(code: int = 16, **envelope: Any) -> Notification:
    """41: the recorder left the channel."""
    return notification(41, {"leaveCode": code}, **envelope)


def exited(status: int = 0, **envelope: Any) -> Notification:
    """11: the session is over."""
    return notification(11, {"exitStatus": status}, **envelope)


def failed_over(new_uid: str = SUCCESSOR, **envelope: Any) -> Notification:
    """12: another recorder takes over."""
    return notification(12, {"newUid": new_uid}, **envelope)


def audio(state: int, uid: str = PUBLISHER, **envelope: Any) -> Notification:
    """43: `uid`'s audio is received since the sending (state 0), or no longer (1)."""
    return notification(43, {"streamUid": uid, "state": state}, **envelope)


def video(state: int, uid: str = PUBLISHER, **envelope: Any) -> Notification:
    """44: the same of the video."""
    return notification(44, {"streamUid": uid, "state": state}, **envelope)


def snapshot(uid: str = PUBLISHER, *, taken_ms: int | None = None, failovers: int = 0, **envelope: Any) -> Notification:
    """45: a snapshot of `uid` was written, by its name at `taken_ms`, else when it was sent."""
    moment_ms = envelope.get("at_ms", AT_MS) if taken_ms is None else taken_ms
    name = snapshot_name(uid, moment_ms, sid=envelope.get("sid", SID), failovers=failovers)
    return notification(45, {"fileName": f"shots/{name}"}, **envelope)


def progressed(progress: int = 4200, **envelope: Any) -> Notification:
    """33: `progress` out of 10 000 is uploaded."""
    return notification(33, {"progress": progress}, **envelope)


def uploaded(*names: str, status: int = 0, **envelope: Any) -> Notification:
    """31: the files are in the customer's storage."""
    return notification(31, {"status": status, "fileList": [{"fileName": name} for name in names]}, **envelope)


def backed_up(*names: str, status: int = 0, **envelope: Any) -> Notification:
    """32: at least one of the files is in Agora's backup."""
    return notification(32, {"status": status, "fileList": [{"fileName": name} for name in names]}, **envelope)


def snapshot_name(
    uid: str, taken_ms: int, *, sid: str = SID, channel: str = CHANNEL, failovers: int = 0, suffix: str = "jpg"
) -> str:
    """A snapshot's file name without prefix path (agora-notifications.md, section 5)."""
    backup = f"bak{failovers - 1}_" if failovers else ""
    return f"{backup}{sid}_{channel}__uid_s_{uid}__uid_e_video_{utc_digits(taken_ms)}.{suffix}"


def utc_digits(at_ms: int) -> str:
    """An instant as file names spell it, `YYYYMMDDhhmmssmmm`."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    digits = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    return "{:04}{:02}{:02}{:02}{:02}{:02}".format(*digits) + f"{moment.microsecond // 1000:03}"


def body(said: Notification) -> bytes:
    """The bytes that are posted."""
    return json.dumps(said, separators=(",", ":")).encode()


def envelope(said: Notification) -> Envelope:
    """The notification parsed."""
    return parse(body(said))


def arrival(posted: bytes, *, source: str = "default", project: str = "default", receipt: str = "") -> Arrival:
    """One verified POST of these bytes, another one at each call unless `receipt` says which."""
    return Arrival(receipt or f"r{next(_posts)}", source, project, 2, posted)


def reading(said: Notification | bytes, received_ms: int = RECEIVED_MS, **origin: str) -> Reading:
    """What is read from a notification, or from raw bytes."""
    return read(arrival(said if isinstance(said, bytes) else body(said), **origin), received_ms)


class Kept:
    """What batches left behind, so that each next one knows it; `fold` and `take` are one batch each."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self.sessions: dict[str, Session] = {}
        self.entries: dict[tuple[str, str], Entry] = {}
        self.spots: dict[tuple[str, str], Spot] = {}
        self.effects: dict[tuple[str, str], str] = {}

    def fold(self, *said: Notification | bytes, received_ms: int = RECEIVED_MS) -> Folding:
        """Folds notifications that were received together."""
        return self.take([reading(each, received_ms) for each in said])

    def take(
        self,
        readings: Iterable[Reading],
        *,
        now_ms: int | None = None,
        due: Sequence[str] = (),
        deaf: bool = False,
    ) -> Folding:
        """Folds readings, counts silence up to `now_ms` where one is given, trims what is too much, and keeps all."""
        loose = sum(log == LOOSE for log, _ in self.entries)
        known = Known(dict(self.sessions), dict(self.entries), dict(self.effects), loose=loose)
        folding = Folding(known, self.limits)
        for each in readings:
            folding.take(each)
        for session_id in folding.moved:
            folding.refold(session_id, self.entries)
        if now_ms is not None:
            folding.settle(due, now_ms, deaf=deaf)
        self._trim(folding)
        self._keep(folding)
        return folding

    def session(self, sid: str = SID) -> Session:
        """The session called so."""
        return self.sessions[sid]

    def log(self, name: str) -> dict[str, Entry]:
        """The entries of one log, by field."""
        return {field: entry for (log, field), entry in self.entries.items() if log == name}

    def _trim(self, folding: Folding) -> None:
        for log, count in folding.overflow().items():
            stored = sorted(spot for (of, _), spot in self.spots.items() if of == log)[:count]
            for spot in folding.trim(log, count, stored):
                self.spots.pop((log, spot.field), None)
                gone = self.entries.pop((log, spot.field), None)
                effect = (log, (gone and gone.effect) or "")
                if (self.effects | folding.effects).get(effect, "") <= spot.floor:  # no later entry tells of it
                    self.effects.pop(effect, None)

    def _keep(self, folding: Folding) -> None:
        self.sessions.update({key: folding.sessions[key] for key in folding.touched})
        self.entries.update(folding.entries)
        self.spots.update(folding.spots)
        self.effects.update(folding.effects)
        for session in folding.forgotten:
            del self.sessions[session.id]


def fold(*said: Notification | bytes, sid: str = SID, limits: Limits = LIMITS) -> Session:
    """The session that one batch of notifications makes."""
    kept = Kept(limits)
    kept.fold(*said)
    return kept.session(sid)


def fold_batches(batches: Iterable[Iterable[Notification | bytes]], *, sid: str = SID) -> Session:
    """The session that batches of notifications make, one batch after the other."""
    kept = Kept()
    for batch in batches:
        kept.fold(*batch)
    return kept.session(sid)


def shown(session: Session) -> bytes:
    """The session as the API answers it, without what by nature depends on arrival."""
    view = session_view(session)
    del view["notifications"], view["revision"]
    return msgspec.json.encode(view)


def recording(random: Random, *, sid: str = SID, channel: str = CHANNEL) -> list[Notification]:
    """A whole recording session in the order of sending: streams that stop and resume, snapshots, heartbeats, perhaps
    a failover in which both recorders speak, what comes after the end, types that nobody knows and bodies that lack
    what their type needs. Equal chance gives an equal session.
    """
    return _Writer(random, sid, channel).session()


def with_copies(said: Sequence[Notification], random: Random, share: float = 0.4) -> list[Notification]:
    """`said`, and for a share of them copies that say the same: resent, or told under another noticeId."""
    return [*said, *(_copy(each, random) for each in said for _ in range(2) if random.random() < share / 2)]


def with_snapshots_told_again(said: Sequence[Notification], random: Random) -> list[Notification]:
    """`said`, and half of its 45 a second time: of the same file, but with another time of sending and sequence."""
    return [*said, *(_told_again(each, random) for each in said if each["eventType"] == 45 and random.random() < 0.5)]


def shuffled_batches(said: Sequence[Notification], random: Random) -> list[list[Notification]]:
    """`said` in any order, cut into batches anywhere."""
    order = list(said)
    random.shuffle(order)
    batches: list[list[Notification]] = [[]]
    for each in order:
        if random.random() < 0.15:
            batches.append([])
        batches[-1].append(each)
    return batches


def _copy(said: Notification, random: Random) -> Notification:
    name = random.choice((said["noticeId"], f"{said['noticeId']}:{random.randint(0, 3)}"))
    return said | {"noticeId": name, "notifyMs": said["notifyMs"] + random.randint(-20, 60_000)}


def _told_again(said: Notification, random: Random) -> Notification:
    payload = said["payload"]
    moved = {"sendts": payload["sendts"] + random.randint(0, 5), "sequence": payload["sequence"] + random.randint(1, 2)}
    return said | {"noticeId": f"{said['noticeId']}:again", "payload": payload | moved}


class _Writer:
    """Writes one session. Steps of time are few and often 0, so that events tie."""

    def __init__(self, random: Random, sid: str, channel: str) -> None:
        self.random = random
        self.sid, self.channel = sid, channel
        self.at_ms = AT_MS
        self.recorders = [RECORDER]
        self.sequences = {RECORDER: random.choice((0, 1)), SUCCESSOR: random.choice((0, 1))}
        self.publishers = ["123", "456", "0"][: random.randint(1, 3)]
        self.lines: list[Notification] = []

    def session(self) -> list[Notification]:
        self.tell(40, {"status": 0})
        for _ in range(max(0, self.random.randint(-4, 14))):
            self.random.choice((self.change, self.change, self.snap, self.snap, self.beat, self.oddity))()
        if self.random.random() < 0.4:
            self.fail_over()
        if self.random.random() < 0.8:
            self.end()
        return self.lines

    def tell(self, event_type: int, details: dict[str, Any], recorder: str | None = None) -> None:
        self.at_ms += self.random.choice((0, 1, 400, 10_000))
        speaker = recorder or self.recorders[-1]
        sequence = self.sequences[speaker]
        self.sequences[speaker] += self.random.choice((1, 1, 1, 1, 3))
        said = {"sid": self.sid, "channel": self.channel, "recorder": speaker, "sequence": sequence}
        self.lines.append(notification(event_type, details, at_ms=self.at_ms, **said))

    def change(self, recorder: str | None = None) -> None:
        clock = self.random.choice(({}, {"UtcMs": self.at_ms - 4}, {"utcMs": self.at_ms + 2}))
        state = {"streamUid": self.random.choice(self.publishers), "state": self.random.choice((0, 1))}
        self.tell(self.random.choice((43, 44)), state | clock, recorder)

    def snap(self) -> None:
        name = snapshot_name(self.random.choice(self.publishers), self.at_ms, sid=self.sid, failovers=self.failovers)
        self.tell(45, {"fileName": self.random.choice((name, f"a/b/{name}", f"{name}.part"))})

    def beat(self) -> None:
        self.tell(33, {"progress": self.random.choice((0, 2500, 10_000, "5000"))})

    def oddity(self) -> None:
        kinds = ((4, {"fileList": "a.m3u8"}), (46, {}), (44, {"streamUid": "123", "state": 7}), (12, {}), (42, {}))
        self.tell(*self.random.choice(kinds))

    @property
    def failovers(self) -> int:
        return len(self.recorders) - 1

    def fail_over(self) -> None:
        self.tell(12, {"newUid": SUCCESSOR}, self.random.choice((RECORDER, SUCCESSOR)))
        self.recorders.append(SUCCESSOR)
        self.tell(40, {"status": 0})
        for _ in range(self.random.randint(0, 8)):
            self.random.choice((self.change, self.change_by_either, self.snap, self.beat))()
        if self.random.random() < 0.3:
            self.tell(self.random.choice((11, 41)), {"exitStatus": 1, "leaveCode": 2}, RECORDER)

    def change_by_either(self) -> None:
        self.change(self.random.choice(self.recorders))

    def end(self) -> None:
        files = [{"fileName": f"{self.sid}_{number}.m3u8", "uid": "123"} for number in range(self.random.randint(0, 2))]
        ending = [
            (41, {"leaveCode": self.random.choice((0, 2, 4, 16, 24))}),
            (11, {"exitStatus": self.random.choice((0, 0, 1))}),
            (31, {"status": 0, "fileList": files}),
            (32, {"status": self.random.choice((0, 1)), "fileList": files}),
        ]
        for event_type, details in ending:
            if self.random.random() < 0.7:
                self.tell(event_type, details)
            if self.random.random() < 0.5:
                self.change()  # 43 and 44 come after 41, and after 11
