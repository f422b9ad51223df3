"""Vigil's own health: what it sees of itself in one look, and what is wrong with it. Pure: the look is an argument."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from msgspec import Struct

from webhook.domain.alerting.alerts import Clear, Condition, Finding, Key, Severity
from webhook.domain.alerting.policies import Policies, threshold

ABOUT = "vigil"  # of every condition: however the figures move, it is the same that is wrong until it is well
LONGEST_ERROR = 200  # characters of what a sink said


class SinkPulse(Struct, frozen=True):
    """How one sink fares: how many attempts in a row failed, since when (ms), and why the latest did."""

    name: str
    failures: int = 0
    failing_since_ms: int | None = None
    error: str = ""


class Pulse(Struct, frozen=True, kw_only=True):
    """How Vigil itself fares at `now_ms`, by the server's clock; times and ages are ms.

    Ages are those of the oldest entry, None where there is none or nobody knows. `dead_letters` counts quarantined
    bodies too, `signature_failures` the posts of the last 5 min that were refused for a wrong signature or because no
    secret is set, not those of strangers without a signature.
    """

    now_ms: int
    inbox_depth: int = 0
    inbox_max: int
    inbox_oldest_ms: int | None = None
    spool_depth: int = 0
    spool_oldest_ms: int | None = None
    spool_damaged: int = 0
    dead_letters: int = 0
    signature_failures: int = 0
    sinks: tuple[SinkPulse, ...] = ()


Look = Callable[[Pulse, Policies], Condition | None]


def find(pulse: Pulse, policies: Policies) -> Iterator[Finding]:
    """What is wrong, or well, with Vigil itself."""
    for rule, look in LOOKS.items():
        yield look(pulse, policies) or Clear(Key(rule), pulse.now_ms)
    for sink in pulse.sinks:
        yield sink_failing(sink, pulse, policies) or Clear(_of_sink(sink), pulse.now_ms)


def ingest_lag(pulse: Pulse, policies: Policies) -> Condition | None:
    """What was received waits too long to be applied."""
    age_ms, above_ms = pulse.inbox_oldest_ms or 0, threshold(policies, "ingest_lag", "above")
    if age_ms <= above_ms:
        return None
    return Condition(
        key=Key("ingest_lag"),
        about=ABOUT,
        since_ms=pulse.now_ms - age_ms + above_ms,
        severity=Severity.CRITICAL if age_ms > threshold(policies, "ingest_lag", "critical_above") else None,
        summary=f"the oldest of {_many(pulse.inbox_depth, 'notification')} in the inbox waits for {_time(age_ms)}",
        meaning="Sessions are shown, and alerts fire, as late as that.",
        action="Look whether the workers of queue fold are alive, and what they log; set VIGIL_FOLD_WORKERS higher if "
        "they are busy all the time.",
    )


def inbox_backlog(pulse: Pulse, policies: Policies) -> Condition | None:
    """More waits in the inbox than is worked off soon, or half of what it may hold."""
    half_full = pulse.inbox_depth * 2 >= pulse.inbox_max
    if pulse.inbox_depth <= threshold(policies, "inbox_backlog", "above") and not half_full:
        return None
    share = pulse.inbox_depth / pulse.inbox_max
    return Condition(
        key=Key("inbox_backlog"),
        about=ABOUT,
        since_ms=pulse.now_ms,
        summary=f"{_many(pulse.inbox_depth, 'notification')} in the inbox, {share:.0%} of what it may hold",
        meaning="More is received than is worked off. A full inbox goes on in the spool, and then posts are refused.",
        action="Look whether the workers of queue fold are alive; set VIGIL_FOLD_WORKERS higher, or VIGIL_INBOX_MAX "
        "where Redis has room.",
    )


def spool_in_use(pulse: Pulse, policies: Policies) -> Condition | None:
    """Notifications lie on a disk instead of in Redis, or cannot be read from there any more."""
    waiting = pulse.spool_depth > threshold(policies, "spool_in_use", "above")
    if not waiting and not pulse.spool_damaged:
        return None
    age_ms = (pulse.spool_oldest_ms or 0) if waiting else 0
    oldest = f", the oldest for {_time(age_ms)}" if age_ms else ""
    damaged = f"; {_many(pulse.spool_damaged, 'file')} of it cannot be read" if pulse.spool_damaged else ""
    return Condition(
        key=Key("spool_in_use"),
        about=ABOUT,
        since_ms=pulse.now_ms - age_ms,
        severity=Severity.CRITICAL if pulse.spool_damaged else None,
        summary=f"{_many(pulse.spool_depth, 'notification')} in the spool{oldest}{damaged}",
        meaning="Redis did not take them. They are kept on this disk and were acknowledged, but are not applied yet."
        + (" What is in a damaged file may be lost." if pulse.spool_damaged else ""),
        action="Look at /readyz, which says what is wrong with Redis; the spool empties by itself once it answers."
        + (" Keep the damaged files of VIGIL_SPOOL_DIR, and look at the disk." if pulse.spool_damaged else ""),
    )


def dead_letters(pulse: Pulse, policies: Policies) -> Condition | None:
    """Notifications were set aside, because they could not be read or applied."""
    if pulse.dead_letters <= threshold(policies, "dead_letters", "above"):
        return None
    return Condition(
        key=Key("dead_letters"),
        about=ABOUT,
        since_ms=pulse.now_ms,
        summary=f"{_many(pulse.dead_letters, 'dead letter')} set aside",
        meaning="Notifications that Agora signed could not be read or applied; what they tell is missing in sessions.",
        action="Look at them with `vigil dead-letters`; replay them after an upgrade, or discard them with a reason.",
    )


def signature_failures(pulse: Pulse, policies: Policies) -> Condition | None:
    """Posts are refused that look as if Agora had signed them: with a wrong secret everything is lost."""
    if pulse.signature_failures < threshold(policies, "signature_failures", "count"):
        return None
    return Condition(
        key=Key("signature_failures"),
        about=ABOUT,
        since_ms=pulse.now_ms,
        summary=f"{_many(pulse.signature_failures, 'post')} of the last 5 min refused: the signature fits no secret",
        meaning="The secret is most likely missing or another than Agora signs with; whatever is refused is lost.",
        action="Compare AGORA_NOTIFICATION_SECRET and the secrets in vigil.toml with those in Agora's Console, where "
        "each product of each project has its own; `vigil verify` says why a signature does not fit.",
    )


LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "ingest_lag": ingest_lag,
        "inbox_backlog": inbox_backlog,
        "spool_in_use": spool_in_use,
        "dead_letters": dead_letters,
        "signature_failures": signature_failures,
    }
)


def sink_failing(sink: SinkPulse, pulse: Pulse, policies: Policies) -> Condition | None:
    """A sink takes nothing: whoever relies on it hears of no alert."""
    if sink.failures < threshold(policies, "sink_failing", "count"):
        return None
    since_ms = pulse.now_ms if sink.failing_since_ms is None else min(sink.failing_since_ms, pulse.now_ms)
    return Condition(
        key=_of_sink(sink),
        about=ABOUT,
        since_ms=since_ms,
        summary=f"sink {sink.name} failed {sink.failures} times in a row, for {_time(pulse.now_ms - since_ms)}",
        meaning=f"Whoever relies on it hears of no alert. The latest error: {_said(sink.error)}",
        action=f"Look at [[sink]] {sink.name} in vigil.toml; `vigil sinks test {sink.name}` tries it.",
    )


def _of_sink(sink: SinkPulse) -> Key:
    return Key("sink_failing", sink.name)


def _said(error: str) -> str:
    return " ".join(error.split())[:LONGEST_ERROR] or "none told"


def _many(count: int, what: str) -> str:
    """`1 file`, `12 345 files`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}".replace(",", " ")


def _time(age_ms: int) -> str:
    """`14 s`, `5 min`, `3.5 h`: as exact as a glance needs."""
    if age_ms < 120_000:
        return f"{age_ms / 1000:.0f} s"
    return f"{age_ms / 60_000:.0f} min" if age_ms < 7_200_000 else f"{age_ms / 3_600_000:.1f} h"
