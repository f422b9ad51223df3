"""Recordings as Agora tells them, and what folding makes of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import msgspec

from webhook.domain.arrivals import Arrival, read
from webhook.domain.decoding import Origin, decode
from webhook.domain.envelope import parse
from webhook.domain.facts import Event, Fact
from webhook.domain.folding import Folding, Known, Limits
from webhook.domain.session import Session
from webhook.views.sessions import session_view

Notification = dict[str, Any]
Details = dict[str, Any]

AT_MS = 1_764_000_000_000  # 2025-11-24T16:00:00.000Z
RECEIVED_MS = AT_MS + 3_600_000
SID = "d12fdce9024d37862a8f3a88e387c817"
OLD, NEW = "1001", "2002"
LIMITS = Limits(log_per_session=4096, retention_ms=7 * 86_400_000)


def told(event_type: int, details: Any = None, second: float = 0, **payload: Any) -> Notification:
    """A notification sent `second` seconds after the start; `payload` replaces fields, `...` leaves one out."""
    at_ms = AT_MS + int(second * 1000)
    fields = {"cname": "Testing2", "uid": OLD, "sid": SID, "sequence": int(second) + 1, "sendts": at_ms}
    fields |= {"serviceType": 1, "details": {} if details is None else details} | payload
    kept = {name: value for name, value in fields.items() if value is not ...}
    notice_id = f"{event_type}:{fields['uid']}:{second}:{json.dumps(details, default=str)[:80]}"
    return {"noticeId": notice_id, "productId": 3, "eventType": event_type, "notifyMs": at_ms + 30, "payload": kept}


def body(said: Notification) -> bytes:
    """The bytes that are posted."""
    return json.dumps(said).encode()


def fact_of(said: Notification) -> Fact:
    """The fact that the notification states."""
    fact = decode(parse(body(said)), Origin("default", "default", RECEIVED_MS))
    assert fact is not None
    return fact


def event_of(event_type: int, details: Any = None) -> Event:
    """What such details say."""
    return fact_of(told(event_type, details)).event


def fold(*said: Notification) -> Session:
    """The session that the notifications make in this order, by the way that they take in operation."""
    folding = Folding(Known(), LIMITS)
    for each in said:
        folding.take(read(Arrival("", "default", "default", 2, body(each)), RECEIVED_MS))
    for session_id in folding.moved:
        folding.refold(session_id, {})
    return folding.sessions[SID]


def view_of(*said: Notification) -> dict[str, Any]:
    """The session as the API answers it."""
    return session_view(fold(*said))


def shown(said: Iterable[Notification]) -> bytes:
    """The same as bytes, without what by nature depends on arrival."""
    view = view_of(*said)
    del view["notifications"], view["revision"]
    return msgspec.json.encode(view)


def digits(second: float) -> str:
    """An instant within the first minute as file names spell it."""
    return f"20251124160{int(second) // 60:01}{int(second) % 60:02}000"


def snapshot(second: float, uid: str = "123", prefix: str = "", **payload: Any) -> Notification:
    """45: a snapshot of `uid` was taken and told of at that second."""
    name = f"shots/{prefix}{SID}_Testing2__uid_s_{uid}__uid_e_video_{digits(second)}.jpg"
    return told(45, {"fileName": name}, second, **payload)


def session(random: Random) -> list[Notification]:
    """A whole recording in the order of sending, of any mode, with every type. Equal chance gives an equal session."""
    return _Writer(random).session()


def with_copies(said: list[Notification], random: Random) -> list[Notification]:
    """`said`, and for some of them one or two copies: resent, or told under another noticeId."""
    return [*said, *(_copy(each, random) for each in said for _ in range(2) if random.random() < 0.3)]


def _copy(said: Notification, random: Random) -> Notification:
    name = random.choice((said["noticeId"], f"{said['noticeId']}:{random.randint(0, 3)}"))
    return said | {"noticeId": name, "notifyMs": said["notifyMs"] + random.choice((-20, 0, 900, 60_000))}


Maker = Callable[[Random], Details]
FILE_LISTS: tuple[Any, ...] = (
    "a.m3u8",
    ["b.m3u8", "c.mp4"],
    [{"fileName": "a.m3u8", "trackType": "audio", "uid": "123", "isPlayable": True, "sliceStartTime": AT_MS}],
    [{"filename": "www.m3u8", "sliceStartTime": AT_MS}, {"filename": "a.m3u8"}],
    [],
    None,
)
MAKERS: dict[int, Maker] = {
    1: lambda random: {
        "module": random.choice((0, 1, 1, 2, 6, 9)),
        "errorLevel": random.choice((1, 2, 3, 4, 5, "5", 7)),
        "errorCode": random.choice((32, 47, 50, 51, 52, 110, 1)),
        "errorMsg": random.choice(("", "no")),
        "stat": 0,
    },
    2: lambda random: {"module": 1, "warnCode": random.choice((31, 32, 99))},
    3: lambda random: {"status": random.choice((0, 4, 5, 6, 20)), "recordingMode": 1, "fileList": "x"},
    4: lambda random: {"fileList": random.choice(FILE_LISTS)},
    13: lambda random: {},
    30: lambda random: {"status": random.choice((0, 0, 1))},
    33: lambda random: {"progress": random.choice((0, 2500, 10_000, "5000"))},
    34: lambda random: {"odd": random.randint(0, 1)},
    40: lambda random: {"status": 0},
    42: lambda random: {
        "startUtcMs": AT_MS + random.choice((0, 400, 9000)),
        "discontinueUtcMs": AT_MS + random.choice((0, 100, 400)),
        "streamUid": random.choice(("123", "0")),
        "trackType": random.choice(("audio", "video")),
    },
    43: lambda random: (
        {"streamUid": random.choice(("123", "0")), "state": random.choice((0, 1))}
        | random.choice(({}, {"UtcMs": AT_MS + random.randint(0, 2)}, {"utcMs": AT_MS + 400}))
    ),
    44: lambda random: {"streamUid": random.choice(("123", 456)), "state": random.choice((0, 1, "1"))},
    45: lambda random: {
        "fileName": f"{random.choice(('', 'bak0_', 'bak1_', 'p/'))}{SID}_c__uid_s_{random.choice(('123', '456'))}"
        f"__uid_e_video_{digits(random.randint(0, 30))}.jpg{random.choice(('', '', '.part'))}"
    },
    46: lambda random: {},
    47: lambda random: {},
    60: lambda random: {"aliVodInfo": random.choice(({"videoId": "v1"}, {"videoId": "v2"}, None))},
    61: lambda random: {},
    70: lambda random: random.choice(({}, {"recorderStartTime": AT_MS + 5})),
    72: lambda random: {"limitType": random.choice(("resolution", "WebGL", "bandwidth", "odd"))},
    73: lambda random: {"reason": random.choice(("audio_silence", "page_load_timeout"))},
    80: lambda random: {},
    81: lambda random: {"result": random.choice(("all_success", "partial_success", "fail")), "uids": ["1", "2"]},
    90: lambda random: {"vendor": 1, "region": 2, "bucket": "b", "fileName": random.choice(("a;b", "c"))},
    100: lambda random: {
        "rtmpUrl": f"rtmp://live.example/app/{random.choice('pq')}",
        "status": random.choice(("connecting", "publishing", "onhold", "disconnected")),
    },
    999: lambda random: {},
    1001: lambda random: {"result": "total_success", "fileList": random.choice(FILE_LISTS)},
}
ENDINGS: dict[int, Maker] = {
    41: lambda random: {"leaveCode": random.choice((0, 2, 4, 16, 24, 64))},
    71: lambda random: {
        "code": random.choice((0, 0, 1, 3)),
        "message": "m",
        "details": "d",
        "fileList": random.choice(FILE_LISTS),
    },
    11: lambda random: {"exitStatus": random.choice((0, 0, 1))},
    31: lambda random: {"status": random.choice((0, 0, 1)), "fileList": random.choice(FILE_LISTS)},
    32: lambda random: {"status": 0, "fileList": random.choice(FILE_LISTS)},
}


class _Writer:
    """Writes one session. Steps of time are few and often 0, so that events tie."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.second = 0.0
        self.recorders = [OLD]
        self.sequences = {OLD: random.choice((0, 1)), NEW: random.choice((0, 1))}
        # what lacks its own time moves with its copies, which the log folds anew, and the log holds no dead letters
        self.timeless = random.random() < 0.3
        self.lines: list[Notification] = []

    def session(self) -> list[Notification]:
        self.tell(40, {"status": 0})
        self.some(MAKERS, 12)
        if self.random.random() < 0.4:
            self.tell(12, {"newUid": NEW})
            self.recorders.append(NEW)
            self.some(MAKERS, 8)
        self.some(ENDINGS, 5)
        self.some(MAKERS, 3)  # 43 and 44 come after 41, and after 11
        return self.lines

    def some(self, makers: dict[int, Maker], most: int) -> None:
        for _ in range(self.random.randint(0, most)):
            event_type = self.random.choice(list(makers))
            self.tell(event_type, makers[event_type](self.random))
        if not self.timeless and self.random.random() < 0.2:
            self.tell(self.random.choice((1, 2, 3, 12, 42, 44, 45, 71, 81, 100)), {"lacks": "what it needs"})

    def tell(self, event_type: int, details: Details) -> None:
        self.second += self.random.choice((0, 0.001, 0.4, 7))
        speaker = self.random.choice(self.recorders)
        sequence = self.sequences[speaker]
        self.sequences[speaker] += self.random.choice((0, 1, 1, 1, 3))
        own: dict[str, Any] = self.random.choice(({}, {}, {"sequence": ...}, {"uid": ...}))
        clock = {"sendts": ...} if self.timeless and self.random.random() < 0.3 else {}
        said = {"uid": speaker, "sequence": sequence} | own | clock
        self.lines.append(told(event_type, details, self.second, **said))
