"""How sure Redis has to be of an append before it is acknowledged (VIGIL_ACK), and whether it was."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import Struct
from redis import Redis

from webhook.domain.errors import Unconfirmed, Unsupported
from webhook.store.connection import store_errors

AOF_WAIT_MS, REPLICA_WAIT_MS = 900, 500  # a server that writes its file each second needs up to one


class Level(StrEnum):
    """Who has the append when Redis counts as having kept it."""

    REDIS = "redis"  # the server, as it persists
    AOF = "aof"  # its append-only file, synced
    REPLICA = "replica"  # one replica's memory too


class Acknowledgement(Struct, frozen=True):
    """A level in force, and what asks the server for it, on the connection of the append and after it."""

    level: Level

    @property
    def question(self) -> tuple[str | int, ...] | None:
        """The command that waits for the level; None where the append's own answer says enough."""
        questions: dict[Level, tuple[str | int, ...]] = {
            Level.AOF: ("WAITAOF", 1, 0, AOF_WAIT_MS),
            Level.REPLICA: ("WAIT", 1, REPLICA_WAIT_MS),
        }
        return questions.get(self.level)

    @property
    def wait_s(self) -> float:
        """How long the server may take for its answer, in seconds."""
        return (AOF_WAIT_MS if self.level is Level.AOF else REPLICA_WAIT_MS) / 1000

    def check(self, answer: Any) -> None:
        """Raises Unconfirmed where the answer to the question names too few."""
        confirmed = answer[0] if self.level is Level.AOF else answer
        if int(confirmed) < 1:
            who = "its append-only file" if self.level is Level.AOF else "any replica"
            raise Unconfirmed(f"VIGIL_ACK={self.level}: Redis has it, but not {who} after {self.wait_s:g} s")


def resolve(redis: Redis, wanted: str, *, embedded: bool) -> Acknowledgement:
    """The level in force for VIGIL_ACK=`wanted`; `auto` is the surest that one server alone can give.

    Raises Unsupported where the server cannot do what is wanted, StoreError where it cannot be asked.
    """
    if wanted == "replica":
        return Acknowledgement(Level.REPLICA)
    if wanted == "redis" or (wanted == "auto" and embedded):
        return Acknowledgement(Level.REDIS)
    reason = _why_no_aof(redis)
    if reason is None:
        return Acknowledgement(Level.AOF)
    if wanted == "auto":
        return Acknowledgement(Level.REDIS)
    raise Unsupported(f"VIGIL_ACK=aof, but {reason}; set VIGIL_ACK=redis or auto")


def has_replica(redis: Redis) -> bool:
    """Whether the server has one. Raises StoreError."""
    with store_errors("asking Redis for its replicas"):
        found: Any = redis.info("replication")
    return bool(found.get("connected_slaves"))


def _why_no_aof(client: Any) -> str | None:
    with store_errors("asking Redis how it persists"):
        persistence = client.info("persistence")
        known = client.execute_command("COMMAND", "INFO", "WAITAOF")
    if not persistence.get("aof_enabled"):
        return "this Redis keeps no append-only file (appendonly no)"
    # an unknown command is answered with nothing in its place
    return None if any(known if isinstance(known, list) else known.values()) else "this Redis knows no WAITAOF"
