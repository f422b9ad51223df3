"""What happens to a converter, player, ingest stream, transcoder, agent or task, and what it comes to (section 8).

Times are ms since it began or since the simulation did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from msgspec import Struct

from webhook.samples.wire import Payload
from webhook.simulation import names

STAGGER_MS = 60_000
SENT_AFTER_MS = (30, 400)


class Place(Struct, frozen=True):
    """The names that an entity has in one run, and since when it exists, in ms since 1970."""

    id: str
    channel: str
    begun_ms: int


Build = Callable[[Place, int], Payload]  # of whom, and when it happened, ms since 1970


class Step(Struct, frozen=True):
    """One thing that is told, as of `at_ms`."""

    at_ms: int
    event_type: int
    build: Build


class End(Struct, frozen=True):
    """What an entity comes to. `reason` is in the wire's words; codes of errors are a set, ascending."""

    state: str = "live"
    exit_status: str | None = None
    reason: str | None = None
    errors: tuple[int, ...] = ()


class Entity(Struct, frozen=True):
    """All that happens to one entity of `product` from `begins_ms` of the simulation on."""

    seed: int
    place: int
    channel: str
    product: str
    product_id: int
    begins_ms: int
    steps: tuple[Step, ...]
    end: End

    @property
    def ends_ms(self) -> int:
        """When nothing more is said of it, in ms since the simulation began."""
        return self.begins_ms + max(step.at_ms for step in self.steps) + SENT_AFTER_MS[1]


def entity(rng: Random, product: str, product_id: int, steps: Sequence[Step], end: End) -> Entity:
    """An entity in a channel of its own, to which that happens."""
    seed, place, channel = rng.getrandbits(64), rng.getrandbits(64), rng.choice(names.CHANNELS)
    return Entity(seed, place, channel, product, product_id, rng.randrange(STAGGER_MS), tuple(steps), end)


def moments(rng: Random, count: int) -> list[int]:
    """So many moments, ascending, 3 to 20 s apart: clocks of some products tick in seconds."""
    found = [0]
    for _ in range(count - 1):
        found.append(found[-1] + rng.randrange(3_000, 20_000))
    return found
