"""The words of RTC channel events: why users leave, what they run on, which of them are no people.

The codes are those of agora-notifications.md, section 6.
"""

from __future__ import annotations

from webhook.domain.products.vocabulary import Term, term

OTHER, QUIT, ABNORMAL_USER = 0, 1, 999
RECONNECTING = frozenset({4, 9, 10, 99})  # reasons after which the SDK joins again by itself
BAN_AFTER_S = 60  # seconds from the leave of an abnormal user to the advised ban

LEAVE_REASONS: dict[int, Term] = {
    OTHER: Term("other", "left for a reason that Agora does not tell"),
    QUIT: Term("quit", "left by intention"),
    2: Term(
        "timeout",
        "no packet came from the user for 10 s",
        "warning",
        "The connection broke, or the app was killed or went to the background.",
        "Ask the user to check the network; nothing has to be done where the user is back.",
    ),
    3: Term(
        "kicked",
        "was removed for lack of permission",
        "info",
        "The user was kicked, for instance by a rule of the RESTful API.",
        "Look up the banning rules where this was not meant.",
    ),
    4: Term(
        "server_rebalancing",
        "was moved to another of Agora's servers",
        "info",
        "Agora balances the load of its servers, and the SDK reconnects.",
        "Wait: the user comes back without help.",
    ),
    5: Term(
        "other_device",
        "joined from another device",
        "info",
        "The same uid joined elsewhere, which puts out the older connection.",
        "Give each device a uid of its own where both are to stay.",
    ),
    9: Term(
        "several_addresses",
        "the client has several addresses",
        "info",
        "The client's address changed, as with a VPN or from one network to another, and the SDK reconnects.",
        "Ask the user to switch the VPN off where this comes again and again.",
    ),
    10: Term(
        "network",
        "the network broke",
        "info",
        "The user's network was bad, and the SDK reconnects.",
        "Ask the user to check the network where this comes again and again.",
    ),
    12: Term(
        "token",
        "the token let the user stay no longer",
        "warning",
        "The token expired or is not valid.",
        "Renew tokens before they expire, and check how they are made.",
    ),
    99: Term(
        "unknown_network",
        "a trouble of the network that is not known",
        "info",
        "The connection broke without a known cause; usually the SDK reconnects.",
        "Ask the user to check the network where this comes again and again.",
    ),
    ABNORMAL_USER: Term(
        "abnormal_user",
        "joins and leaves abnormally often",
        "warning",
        "An app that joins and leaves in a loop, or abuse.",
        f"Ban the user {BAN_AFTER_S} s after this leave; otherwise Agora may stop notifying about the user.",
    ),
}

PLATFORMS: dict[int, Term] = {
    0: Term("other", "another platform"),
    1: Term("android", "Android"),
    2: Term("ios", "iOS"),
    5: Term("windows", "Windows"),
    6: Term("linux", "Linux"),
    7: Term("web", "Web"),
    8: Term("macos", "macOS"),
}

CLIENT_TYPES: dict[int, Term] = {
    3: Term("on_premise_recording", "On-Premise Recording"),
    8: Term("applet", "an applet"),
    10: Term("cloud_recording", "Cloud Recording"),
    28: Term("media_pull", "Media Pull"),
    30: Term("media_push", "Media Push"),
    43: Term("media_relay", "relay of media between channels"),
    47: Term("speech_to_text_bot", "a bot of Real-Time STT"),
    48: Term("speech_to_text_bot", "a bot of Real-Time STT"),
    50: Term("media_gateway", "Media Gateway"),
    60: Term("conversational_ai", "an agent of Conversational AI"),
    68: Term("speech_to_text", "Real-Time STT"),
}
APPLETS = 8  # the one client type in the table that people use
SERVICES = frozenset(CLIENT_TYPES) - {APPLETS}


def is_service(client_type: int | None) -> bool:
    """Whether a user of this client type is one of Agora's services and not a person; False where none was told."""
    return client_type in SERVICES


def leave_reason_term(code: int) -> Term:
    """A leave reason in words."""
    return term(LEAVE_REASONS, code)


def platform_word(code: int | None) -> str | None:
    """The name of a platform, None where none was told."""
    return None if code is None else term(PLATFORMS, code).name


def client_type_word(code: int | None) -> str | None:
    """The name of a client type, None where none was told, as for most apps that people use."""
    return None if code is None else term(CLIENT_TYPES, code).name
