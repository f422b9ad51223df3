"""What Media Pull and Media Push have in common: each payload tells of one object, its state and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from webhook.domain.entity.events import Happened, Properties
from webhook.domain.entity.fields import Phases, in_state, need_word, word
from webhook.domain.envelope import Envelope
from webhook.domain.products.entity_terms import ends_abnormally
from webhook.domain.states import State
from webhook.domain.wire import mapping, milliseconds, text

Payload = Mapping[str, Any]


class Streaming(Struct, frozen=True):
    """How the product called `name` tells of its entity: by the object `part`, whose member `state` has `phases`."""

    name: str
    part: str
    state: str
    phases: Phases
    properties: Callable[[Payload], Properties]  # of the object

    def of(self, payload: Payload) -> Payload:
        """The object; empty where the payload has none."""
        return mapping(payload.get(self.part))

    def session_id(self, envelope: Envelope, project: str) -> str | None:
        """The entity's id, None where it is not told."""
        return text(self.of(envelope.payload).get("id"))

    def created(self, payload: Payload) -> Happened:
        """It began; live, unless its state says more."""
        happened = self._in_state("created", payload, word(self.of(payload).get(self.state)))
        return replace(happened, phase=happened.phase or State.LIVE, begins=True)

    def configured(self, payload: Payload) -> Happened:
        """It was set otherwise, and maybe is in another state, too."""
        return self._in_state("configured", payload, word(self.of(payload).get(self.state)))

    def changed(self, payload: Payload) -> Happened:
        """It is in another state. Raises Undecodable where that is not told."""
        return self._in_state(
            f"{self.state}_changed", payload, need_word(self.of(payload), self.state, f"{self.part}.")
        )

    def destroyed(self, payload: Payload) -> Happened:
        """It is over, for the reason told."""
        reason = word(payload.get("destroyReason"))
        return Happened(
            kind="destroyed",
            phase=State.ENDED,
            began_ms=self._began_ms(payload),
            final=True,
            abnormal=ends_abnormally(self.name, reason),
            reason=reason,
            properties=self.properties(self.of(payload)),
        )

    def _in_state(self, kind: str, payload: Payload, state: str | None) -> Happened:
        happened = in_state(kind, state, self.phases, self.properties(self.of(payload)))
        return replace(happened, began_ms=self._began_ms(payload))

    def _began_ms(self, payload: Payload) -> int | None:
        return milliseconds(self.of(payload).get("createTs"))
