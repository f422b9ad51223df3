"""How Vigil itself fares, as its own rules see it: read in two pipelines, every few seconds."""

from __future__ import annotations

from webhook.domain.alerting.delivery import SinkState
from webhook.domain.alerting.rules.vigil import Pulse, SinkPulse
from webhook.settings import Settings
from webhook.store.connection import Redis
from webhook.store.sinks import read_heads
from webhook.store.summary import Summary

OF_A_SECRET = ("wrong", "no_secret")  # reasons of refusals that a stranger without a signature does not cause


def read_pulse(redis: Redis, settings: Settings) -> Pulse:
    """What there is to say of inboxes, spools, dead letters, refused posts and sinks now. Raises StoreError."""
    figures = Summary(redis, settings.shards).read()
    heads = read_heads(redis, [sink.name for sink in settings.sinks], settings.shards)
    spooled = figures.spooled
    return Pulse(
        now_ms=figures.now_ms,
        inbox_depth=figures.inbox_depth,
        inbox_max=settings.inbox_max,
        inbox_oldest_ms=figures.inbox_oldest_ms,
        spool_depth=spooled.depth,
        spool_oldest_ms=None if spooled.oldest_ms is None else max(0, figures.now_ms - spooled.oldest_ms),
        spool_damaged=spooled.damaged,
        dead_letters=figures.dead_letters,
        signature_failures=sum(figures.recent.rejected[reason] for reason in OF_A_SECRET),
        sinks=tuple(_sink_pulse(name, of.state) for name, of in heads.items()),
    )


def _sink_pulse(name: str, state: SinkState) -> SinkPulse:
    return SinkPulse(name, state.failures, state.failing_since_ms, state.last_error or "")
