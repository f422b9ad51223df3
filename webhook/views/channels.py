"""What the API shows of a channel beside what all sessions have (contract.md, section 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from webhook.domain.products.rtc_terms import client_type_word, leave_reason_term, platform_word
from webhook.domain.rtc.events import Role
from webhook.domain.rtc.lives import lives
from webhook.domain.rtc.presence import Member, joined_ms, members, minutes_complete, reconnects, seconds_by_role
from webhook.domain.rtc.state import Channel, Code, MarkKind
from webhook.views.times import rfc3339, rfc3339_or_none

View = dict[str, Any]
SECONDS_A_MINUTE = 60


def channel_view(channel: Channel) -> View:
    """The fields of a session that a channel fills.

    `lives` are in the order of time, the newest last. All else is of the newest life. `users` leaves out who left more
    than 60 s ago; `minutes` and `reconnects` count them too. `usersComplete` is false once there were more users than
    are kept, those with the newest words; what is counted, is counted over those. `minutesComplete` is false there too,
    and where there were more leaves than are kept.
    """
    everybody = members(channel)
    detail = {
        "lives": [{"from": rfc3339(life.from_ms), "until": rfc3339_or_none(life.until_ms)} for life in lives(channel)],
        "users": [_user(member) for member in everybody if not member.gone],
        "usersComplete": channel.floor is None,
        "present": _present(everybody),
        "minutes": _minutes(everybody),
        "minutesComplete": minutes_complete(channel),
        "reconnects": sum(map(reconnects, everybody)),
    }
    return {"detail": detail}


def present_view(channel: Channel) -> View:
    """How many are there, as `detail.present`: people by role and services apart, together the total."""
    return _present(members(channel))


def _user(member: Member) -> View:
    user = member.user
    stayed = seconds_by_role(member)
    return {
        "uid": member.uid,
        "account": user.account[2] if user.account else None,
        "role": member.role.value,
        "platform": platform_word(_code(user.platform)),
        "clientType": client_type_word(_code(user.client_type)),
        "service": member.service,
        "present": member.present,
        "joinedAt": rfc3339_or_none(joined_ms(member.marks)),
        **_leave(member),
        "minutes": stayed.total() / SECONDS_A_MINUTE,
        "minutesByRole": _by_role(stayed, [role for role in Role if role in stayed]),
    }


def _leave(member: Member) -> View:
    last = member.user.marks[-1]
    if last.kind is not MarkKind.LEFT:
        return {"leftAt": None, "reason": None, "reasonCode": None, "reasonMeaning": None}
    reason = leave_reason_term(last.reason)
    return {
        "leftAt": rfc3339(last.at_ms),
        "reason": reason.name,
        "reasonCode": last.reason,
        "reasonMeaning": reason.meaning,
    }


def _present(everybody: Iterable[Member]) -> View:
    roles = Counter("services" if member.service else member.role.value for member in everybody if member.present)
    return {
        "total": roles.total(),
        "broadcasters": roles[Role.BROADCASTER.value],
        "audience": roles[Role.AUDIENCE.value],
        "communication": roles[Role.COMMUNICATION.value],
        "services": roles["services"],
    }


def _minutes(everybody: Iterable[Member]) -> View:
    stayed: Counter[Role] = Counter()
    for member in everybody:
        stayed.update(seconds_by_role(member))
    return _by_role(stayed, Role)


def _by_role(stayed: Mapping[Role, int], roles: Iterable[Role]) -> View:
    return {role.value: stayed[role] / SECONDS_A_MINUTE for role in roles}


def _code(told: Code | None) -> int | None:
    return told[2] if told else None
