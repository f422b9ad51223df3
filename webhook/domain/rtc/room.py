"""How many words are kept of one user, and of all of them together."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from webhook.domain.merging import greatest, least
from webhook.domain.rtc.state import MOST_MARKS, MOST_OLDER, MOST_ROLE_MARKS, Channel, Mark, MarkKind, User


def with_mark(user: User, mark: Mark) -> User:
    """The user with one more word. Of two words with one clientSeq the greater counts.

    Roles have a room of their own: however often somebody changes it, the join is still known.
    """
    marks = _merged(user.marks, mark)
    if len(marks) <= min(MOST_MARKS, MOST_ROLE_MARKS):
        return replace(user, marks=marks)
    roles = [known for known in marks if known.kind is MarkKind.ROLE]
    stays = [known for known in marks if known.kind is not MarkKind.ROLE]
    kept = (*stays[-MOST_MARKS:], *roles[-MOST_ROLE_MARKS:])
    return _with_older(replace(user, marks=tuple(sorted(kept))), (*stays[:-MOST_MARKS], *roles[:-MOST_ROLE_MARKS]))


def within_room(channel: Channel) -> Channel:
    """The channel without the oldest of the older leaves, where there is one too many."""
    if sum(len(user.older) for user in channel.users.values()) <= MOST_OLDER:
        return channel
    at_ms, oldest = min((user.older[0].at_ms, uid) for uid, user in channel.users.items() if user.older)
    user = channel.users[oldest]
    users = {**channel.users, oldest: replace(user, older=user.older[1:])}
    return replace(channel, users=users, older_ms=greatest(channel.older_ms, at_ms))


def _with_older(user: User, marks: Iterable[Mark]) -> User:
    for mark in marks:
        if mark.kind is MarkKind.LEFT:
            older = _merged(user.older, replace(mark, received_ms=0))
            user = replace(user, older=tuple(sorted(older, key=_by_time)))
        else:
            user = replace(user, older_sign_ms=least(user.older_sign_ms, mark.at_ms))
    return user


def _merged(marks: tuple[Mark, ...], mark: Mark) -> tuple[Mark, ...]:
    by_sequence = {known.client_seq: known for known in marks}
    same = by_sequence.get(mark.client_seq)
    by_sequence[mark.client_seq] = mark if same is None else _greater(same, mark)
    return tuple(sorted(by_sequence.values()))


def _greater(one: Mark, other: Mark) -> Mark:
    """The greater by what is told; received when the first leave among them was, whatever order they came in."""
    received_ms = min(filter(None, (one.received_ms, other.received_ms)), default=0)
    return max(replace(one, received_ms=received_ms), replace(other, received_ms=received_ms))


def _by_time(mark: Mark) -> tuple[int, Mark]:
    return mark.at_ms, mark
