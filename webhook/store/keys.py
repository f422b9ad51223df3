"""Every key in Redis: its type, its bound, its writer. All keys of one shard share a hash tag, hence one slot."""

from __future__ import annotations

SHARDS = "vigil:shards"  # string, the number of shards; written once by whoever starts first
SWEEP_PENDING = "vigil:sweep:pending"  # string, TTL 3 s; clock sets it, the sweep clears it
SWEPT = "vigil:swept"  # string, ms of the last sweep; sweep
PROBE = "vigil:probe"  # string, written to see whether the server takes writes; web
DEAF_UNTIL = "vigil:deaf_until"  # string, ms until which silence proves nothing; sweep
SPOOLS = "vigil:spools"  # hash spool directory -> what it holds, absent where nothing; web
WEB_SEEN = "vigil:web_seen"  # string, ms of the latest sign of life of any web process; web
AUDIT = "vigil:audit"  # list, the newest 1000 things that people did, with their names and reasons; web
REJECTIONS = "vigil:rejections"  # list, the newest 20; web
SILENCES = "vigil:silences"  # hash id -> silence, at most 1000, forgotten 7 days after their end; web
HISTORY = "vigil:history"  # stream minute -> the figures of that minute, the newest 1441; sweep
SAMPLED = "vigil:sampled"  # string, TTL 2 min: the latest minute whose figures were asked for; sweep
HEARTBEAT = "vigil:heartbeat"  # string, TTL of its interval: the latest ping was asked for; sweep
TICKS = "vigil:ticks"  # no key but a channel, on which areas are named that something was saved in; drain, deliver


def rejected(minute: int) -> str:
    """Hash reason -> count of one minute since the epoch, TTL 2 h; web."""
    return f"vigil:rejected:{minute}"


def process(name: str) -> str:
    """String, what a web process tells of itself, TTL 15 s; web."""
    return f"vigil:process:{name}"


def sign_in_failures(address: str) -> str:
    """String, how often the address failed to sign in; TTL 60 s; web."""
    return f"vigil:sign_in_failures:{address}"


class SinkKeys:
    """What is kept of one sink as a whole. What it has to send is kept beside the alerts, in each shard."""

    def __init__(self, sink: str) -> None:
        prefix = f"vigil:{{sink:{sink}}}:"
        self.lease = prefix + "lease"  # string, TTL 12 s: the token of the one deliverer
        self.pending = prefix + "pending"  # string, TTL 3 s: a wake-up is on its way; drain, sweep, deliver
        self.state = prefix + "state"  # hash: how its latest attempts went; deliver
        self.counts = prefix + "counts"  # hash result -> deliveries so far; deliver


class ShardKeys:
    """The keys of one shard. Unless another writer is named, only the holder of the lease writes them."""

    def __init__(self, shard: int) -> None:
        self.shard = shard
        self._prefix = f"vigil:{{s{shard}}}:"
        self.inbox = self._prefix + "inbox"  # stream, VIGIL_INBOX_MAX over all shards; web appends, drain trims
        self.pending = self._prefix + "pending"  # string, TTL 3 s: a wake-up is on its way; web, sweep, drain
        self.lease = self._prefix + "lease"  # string, TTL 5 s: the token of the one writer
        self.attempts = (
            self._prefix + "attempts"
        )  # hash: who began a batch since a commit, entries to take singly; drain
        self.deadlines = self._prefix + "deadlines"  # sorted set session -> ms, one member a session
        self.received = self._prefix + "received"  # sorted set -> ms received, a member each copy of an entry
        self.notices = self._prefix + "notices"  # sorted set, the same members by noticeId; at most 8 an entry
        self.channels = self._prefix + "channels"  # sorted set -> ms of last event, a member each session of a channel
        self.drift = self._prefix + "drift"  # hash product:type:field -> count of a field no table knows, 500 fields
        self.counts = self._prefix + "counts"  # hash of gauges, one field a state, product, stream state, kind of alert
        self.totals = self._prefix + "totals"  # hash of counts that only grow, one field a source, product, bucket
        self.subjects = self._prefix + "subjects"  # hash fingerprint -> session, one field a key of a dossier
        self.acks = self._prefix + "acks"  # hash alert -> acknowledgement, while the alert is kept; web, drain forgets

    def session(self, session_id: str) -> str:
        """String, the projection; forgotten VIGIL_RETENTION after a session's last word."""
        return f"{self._prefix}session:{session_id}"

    def log(self, log: str) -> str:
        """Hash identity -> entry, and effects; at most VIGIL_LOG_PER_SESSION entries."""
        return f"{self._prefix}log:{log}"

    def places(self, log: str) -> str:
        """Sorted set, the total order of a log: place -> event time in ms."""
        return f"{self._prefix}places:{log}"

    def heard(self, session_id: str) -> str:
        """Sorted set name -> ms received: dead letters that the session counts as heard, while they are kept."""
        return f"{self._prefix}heard:{session_id}"

    def dossier(self, session_id: str) -> str:
        """String, the alerts of a session: all open ones, the last 50 resolved; it goes with the session."""
        return f"{self._prefix}dossier:{session_id}"

    def alerts(self, name: str) -> str:
        """Sorted set `id, session` -> ms since when; one member an alert that the name holds for."""
        return f"{self._prefix}alerts:{name}"

    def deliveries(self, session_id: str) -> str:
        """Hash `alert|sink|transition` -> latest result; deliver writes it, it goes with the session, TTL 30 d."""
        return f"{self._prefix}deliveries:{session_id}"

    def waiting(self, sink: str) -> str:
        """Sorted set delivery key -> ms when it is due; drain adds, deliver takes."""
        return f"{self._prefix}waiting:{sink}"

    def outbox(self, sink: str) -> str:
        """Hash delivery key -> telling; the same members as `waiting`."""
        return f"{self._prefix}outbox:{sink}"

    def sealed(self, sink: str) -> str:
        """Sorted set batch -> ms of its next attempt: what goes out together, and is not changed any more; deliver."""
        return f"{self._prefix}sealed:{sink}"

    def batches(self, sink: str) -> str:
        """Hash batch -> what it holds and how its attempts went; the same members as `sealed`; deliver."""
        return f"{self._prefix}batches:{sink}"

    def busy(self, sink: str) -> str:
        """Hash alert -> the sealed batch that it is in; at most one an alert; deliver."""
        return f"{self._prefix}busy:{sink}"

    def failed(self, sink: str) -> str:
        """Sorted set batch -> ms when it was given up; the newest 1000, for 30 days; deliver, web replays."""
        return f"{self._prefix}failed:{sink}"

    def failures(self, sink: str) -> str:
        """Hash batch -> what it holds; the same members as `failed`."""
        return f"{self._prefix}failures:{sink}"

    def answer(self, ticket: str) -> str:
        """String, what became of a dead letter that a person decided on, TTL 10 min."""
        return f"{self._prefix}answer:{ticket}"

    def index(self, name: str) -> str:
        """Sorted set session -> ms of its last event; one member a session that the name holds for."""
        return f"{self._prefix}index:{name}"

    def minute(self, minute: int) -> str:
        """Hash of counts by outcome and of lags of one minute since the epoch, TTL 2 h."""
        return f"{self._prefix}minute:{minute}"
