"""A plain fold that finds from the notifications delivered what the status API must say of their session.

Nothing here shares code with the product's own fold, nor with those who write the scripts: an oracle that did would
prove nothing. It reads contract.md, section 4, and agora-notifications.md, sections 4 to 8, once more.
"""

from __future__ import annotations

from collections.abc import Iterable

from webhook.simulation.oracle.channels import DEFAULT_PROJECT, RTC, fold_channel
from webhook.simulation.oracle.entities import fold_entity
from webhook.simulation.oracle.recordings import RECORDING, fold_recording
from webhook.simulation.truth import Line, Truth


def fold(lines: Iterable[Line], project: str = DEFAULT_PROJECT) -> Truth | None:
    """The truth after `lines` of one session of `project`, each given once, in any order; None where there are none."""
    told = list(lines)
    if not told:
        return None
    if told[0].product_id == RECORDING:
        return fold_recording(told)
    return fold_channel(told, project) if told[0].product_id == RTC else fold_entity(told)
