"""Everything that Vigil raises on purpose, in one tree: each class says who erred and whether a retry can help."""

from __future__ import annotations


class VigilError(Exception):
    """Base of all errors raised on purpose; the message names what was wrong, with which value, and what to do."""


class ConfigurationError(VigilError):
    """The operator erred: the settings cannot work. A retry cannot help; `problems` lists every mistake found."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Rejected(VigilError):
    """The caller erred: the request is answered with `status` (4xx). The same request will be refused again.

    `errors` name the path and the message of each mistake, where a request can have several.
    """

    def __init__(self, status: int, title: str, detail: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = errors


class Refused(Rejected):
    """The sender of a notification erred. `reason` is the metric's label under which it is counted."""

    def __init__(self, status: int, title: str, detail: str, *, reason: str) -> None:
        super().__init__(status, title, detail)
        self.reason = reason


class Unverified(Refused):
    """Nobody proved to be Agora: the signature is missing, malformed or wrong, or there is no secret to verify with."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(401, "Signature not verified", detail, reason=reason)


class Unusable(VigilError):
    """Agora erred: a signed body that is no envelope. It is kept in quarantine, so a retry cannot help."""


class Undecodable(VigilError):
    """Agora or our decoder erred: an envelope whose payload lacks what its type needs. It becomes a dead letter."""


class StoreError(VigilError):
    """Redis cannot be reached, refuses or answers too late. Answered 503, so that the caller tries again."""


class WrongShards(StoreError):
    """The operator erred: another number of shards was in force when Redis was first used. Nothing was written."""


class Unsupported(StoreError):
    """The operator erred: the server cannot confirm what VIGIL_ACK asks for. Nothing is acknowledged by it."""


class Unconfirmed(StoreError):
    """Redis has taken it, and its disk or its replica has not confirmed it in time: it may be lost still."""


class InboxFull(StoreError):
    """Redis is well, but a shard holds as much as it may. Draining helps."""


class SpoolError(StoreError):
    """The local disk cannot keep it. Answered 503, so that the caller tries again."""


class LeaseLost(VigilError):
    """Another worker holds the shard now. Nothing was written; whoever holds it goes on."""


class DeliveryError(VigilError):
    """A sink did not take what it was sent. `permanent` says that it would refuse the same again; `retry_after` is
    after how many seconds it asks to be tried again, None where it does not say.
    """

    def __init__(self, message: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after
