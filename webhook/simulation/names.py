"""What things are called in one run. A seed played twice against one server makes new sessions, so the moment at
which the simulation begins is part of every name.
"""

from __future__ import annotations

import hashlib
import string
from random import Random
from uuid import UUID

DEFAULT_PROJECT = "default"
PLAIN = frozenset(string.ascii_letters + string.digits + "_-")
CHANNELS = ("Testing2", "town_hall", "a__uid_s_7__b", "room.4[beta]", "Q&A: <live>", "class 3b", "x+y=z!")


def of_run(seed: int, starts_ms: int) -> Random:
    """The chance that names what has that seed in a simulation that starts at `starts_ms`."""
    return Random(f"{seed}:{starts_ms}")


def channel_of_run(base: str, place: int, starts_ms: int) -> str:
    """The channel's name. Those with one `base` and `place` are in one channel."""
    return f"{base}{of_run(place, starts_ms).randrange(10**9)}"


def channel_sid(channel: str, project: str = DEFAULT_PROJECT) -> str:
    """The id of the channel's own session in a project (contract.md, section 4)."""
    spelt = "".join(chr(byte) if chr(byte) in PLAIN else f"%{byte:02X}" for byte in channel.encode())
    return f"rtc:{project}:{spelt}"


def entity_id(names: Random) -> str:
    """An id of 32 hex digits."""
    return f"{names.getrandbits(128):032x}"


def uids(rng: Random, count: int) -> list[int]:
    """So many uids, unsigned 32 bit: about half are above 2^31."""
    return rng.sample(range(1, 2**32), count)


def notice_id(teller: str, number: int) -> str:
    """The id of a teller's notification of that number, in one of the three forms that Agora uses (section 3)."""
    digest = hashlib.sha256(f"{teller}:{number}".encode())
    found = int.from_bytes(digest.digest()[:12], "big")
    forms = (digest.hexdigest()[:32], str(UUID(digest.hexdigest()[:32])), f"{found}:{number}:107")
    return forms[found % 3]
