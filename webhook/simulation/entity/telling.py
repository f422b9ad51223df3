"""How Agora tells of an entity, and the truth that must lead to."""

from __future__ import annotations

from random import Random

from webhook.simulation import names
from webhook.simulation.entity.model import SENT_AFTER_MS, Entity, Place
from webhook.simulation.truth import EntityTruth, Line, Script


def write(entity: Entity, starts_ms: int) -> Script:
    """The script of `entity` in a simulation that starts at `starts_ms`, ms since 1970."""
    called = names.of_run(entity.seed, starts_ms)
    channel = names.channel_of_run(entity.channel, entity.place, starts_ms)
    place = Place(names.entity_id(called), channel, starts_ms + entity.begins_ms)
    lines = _lines(entity, place, Random(entity.seed))
    return Script(place.id, tuple(lines), _truth(entity, place))


def _lines(entity: Entity, place: Place, chance: Random) -> list[Line]:
    lines = []
    for number, step in enumerate(entity.steps):
        at_ms = place.begun_ms + step.at_ms
        notice_id = names.notice_id(place.id, number)
        sent_ms = at_ms + chance.randint(*SENT_AFTER_MS)
        lines.append(Line(notice_id, entity.product_id, step.event_type, sent_ms, step.build(place, at_ms)))
    return sorted(lines, key=lambda line: line.sent_ms)


def _truth(entity: Entity, place: Place) -> EntityTruth:
    end = entity.end
    return EntityTruth(
        sid=place.id,
        product=entity.product,
        channel=place.channel,
        state=end.state,
        exit_status=end.exit_status,
        distinct=len(entity.steps),
        reason=end.reason,
        errors=end.errors,
    )
