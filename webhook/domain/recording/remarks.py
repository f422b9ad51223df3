"""What facts change where the latest word is all that is kept: web pages, transcoding, publishing and the like."""

from __future__ import annotations

from typing import Any

from webhook.domain.facts import Fact
from webhook.domain.merging import greatest, newest
from webhook.domain.recording.events import Remarked
from webhook.domain.recording.state import MOST_REMARKS, Recording, RemarkMark
from webhook.domain.recording.uploads import files_stored

Change = dict[str, Any]


def remarked(recording: Recording, fact: Fact, event: Remarked) -> Change:
    """The latest word on what `event` is about, and the files that it brings."""
    return {**remark(recording, fact, event), **files_stored(recording, event.files)}


def remark(recording: Recording, fact: Fact, event: Remarked) -> Change:
    """The latest word on what `event` is about; of too many things of one topic those last spoken of are kept."""
    topic = event.topic.value
    known = recording.remarks.get(topic, {})
    mark = RemarkMark(fact.order.at_ms, fact.order.sequence, fact.order.rank, event.value, event.items)
    marks = {**known, event.about: greatest(known.get(event.about), mark)}
    return {"remarks": {**recording.remarks, topic: newest(marks, MOST_REMARKS, _last_spoken_of)}}


def _last_spoken_of(item: tuple[str, RemarkMark]) -> tuple[RemarkMark, str]:
    return item[1], item[0]
