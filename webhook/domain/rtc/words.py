"""Which of the users' words count, and when a word of leaving is old enough for its user to go."""

from __future__ import annotations

from msgspec.structs import replace

from webhook.domain.rtc.state import TOMBSTONE_MS, Channel, Code, Floor, Mark, MarkKind, Name, User


def users_of(channel: Channel) -> dict[str, User]:
    """The users by uid, those included who are gone, with the words that count: none of them is up to the floor."""
    if channel.floor is None:
        return channel.users
    return {uid: _above(channel.floor, uid, user) for uid, user in channel.users.items()}


def user_of(channel: Channel, uid: str) -> User | None:
    """The one called so, as in `users_of`, which looks at all of them; None where nothing was told of such a user."""
    user = channel.users.get(uid)
    return user if user is None or channel.floor is None else _above(channel.floor, uid, user)


def marks_of(channel: Channel) -> list[Mark]:
    """Every word of every user that counts, as far as they are kept."""
    return [mark for user in users_of(channel).values() for mark in (*user.older, *user.marks)]


def older_signs_ms(channel: Channel) -> list[int]:
    """Since when users were there, at least, of whom earlier words than those are known."""
    signs = (user.older_sign_ms for user in users_of(channel).values())
    return [at_ms for at_ms in signs if at_ms is not None]


def is_above(floor: Floor | None, at_ms: int, uid: str) -> bool:
    """Whether what was told of `uid` at `at_ms` counts."""
    return floor is None or (at_ms, uid) > floor


def tombstone_ms(user: User) -> int | None:
    """When a user who left goes from the list, by the server's clock; None while there, and once gone."""
    last = user.marks[-1]
    if last.kind is not MarkKind.LEFT or is_gone(user):
        return None
    return last.received_ms + TOMBSTONE_MS


def is_gone(user: User) -> bool:
    """Whether the user's last word is a leave whose 60 s have passed (agora-notifications.md, section 6)."""
    last = user.marks[-1]
    return last.kind is MarkKind.LEFT and last.client_seq == user.gone


def _above(floor: Floor, uid: str, user: User) -> User:
    def counts(told: Name | Code | None) -> bool:
        return told is not None and is_above(floor, told[1], uid)

    return replace(
        user,
        older=tuple(mark for mark in user.older if is_above(floor, mark.at_ms, uid)),
        older_sign_ms=None,  # which of them would be the least that counts, nobody can tell
        marks=tuple(mark for mark in user.marks if is_above(floor, mark.at_ms, uid)),
        account=user.account if counts(user.account) else None,
        platform=user.platform if counts(user.platform) else None,
        client_type=user.client_type if counts(user.client_type) else None,
    )
