"""Segments that a primary has got and nobody has confirmed: many small ones become a few large ones.

While no replica confirms anything, each look closes what was spooled since the last one. Without this that would be
thousands of files, and as many descriptors, an hour.
"""

from __future__ import annotations

from webhook.store.spool.framing import Gap, records
from webhook.store.spool.segment import Segment


class Collection:
    """The segments of one primary at a time, of which the last takes in those that come. Not for concurrent use."""

    def __init__(self) -> None:
        self._primary = ""
        self._into: Segment | None = None
        self._known: set[Segment] = set()  # those that stay as they are

    def lacks(self, segment: Segment, primary: str) -> bool:
        """Whether `add` has yet to decide on it."""
        self._turn_to(primary)
        return segment not in self._known

    def add(self, segment: Segment, primary: str) -> bool:
        """Notes that the primary with this id has got all of `segment`; whether another holds its records now.

        Then it is to be removed; a crash before that leaves two copies, which their receipts tell to be one. Raises
        OSError.
        """
        self._turn_to(primary)
        content, into = segment.read(), self._into
        if into is not None and into.has_room(len(content)) and not _has_gaps(content):
            into.append([content])
            return True
        if segment.sent_to != primary:
            segment.mark_sent(primary)
        self._known.add(segment)
        if not _has_gaps(content):
            self._into = segment
        return False

    def forget(self, segment: Segment) -> None:
        """It was removed or set aside."""
        self._known.discard(segment)
        if self._into is segment:
            self._into = None

    def _turn_to(self, primary: str) -> None:
        if self._primary != primary:
            self._primary, self._into, self._known = primary, None, set()


def _has_gaps(content: bytes) -> bool:
    return any(isinstance(each, Gap) for each in records(content))
