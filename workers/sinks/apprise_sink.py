"""Whatever Apprise knows: Slack, Teams, Discord, Telegram, e-mail, ntfy and others, by one URL each.

This is the only module that imports Apprise. The URL is a secret as a whole.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, NotifyType, OverflowMode

from webhook.domain.alerting.alerts import Severity
from webhook.domain.alerting.delivery import MOST_TELLINGS, Batch
from webhook.domain.alerting.messages import MOST_CHARACTERS, body, plain, title
from webhook.domain.alerting.telling import Telling, Transition
from webhook.domain.errors import DeliveryError
from workers.sinks.answers import refusal
from workers.sinks.sink import SECONDS

HIDDEN = "(hidden)"
LEAST_CHARACTERS = 50  # of a body, however little a service takes
LONGEST_REASON = 300
_STATUS = re.compile(r"\berror=(\d{3})\b")
_SECRETS = re.compile(r"[^\s/?&=@:,]{3,}")
_TYPES = {Severity.CRITICAL: NotifyType.FAILURE, Severity.WARNING: NotifyType.WARNING, Severity.INFO: NotifyType.INFO}

log = logging.getLogger("apprise")
log.propagate = False  # what it says is told by DeliveryError, without what the URL holds
log.setLevel(logging.WARNING)


class AppriseSink:
    """Sends each batch as one message, on this thread, and never twice by itself."""

    most = MOST_TELLINGS

    def __init__(self, name: str, url: str, public_url: str | None) -> None:
        self.name = name
        self._url, self._public_url = url, public_url
        self._secrets = secrets_of(url)

    def send(self, batch: Batch, seconds: float = SECONDS) -> None:
        """Return once the service took the message. Raises DeliveryError."""
        service = service_of(self._url)
        if service is None:
            raise DeliveryError("Apprise does not know such a URL; mend the sink's settings")
        waits = _hurried(service, seconds)
        room = int(service.body_maxlen) - len(title(batch.tellings)) - 2  # some put the title into the body
        result = Apprise(service, asset=service.asset).notify(
            title=title(batch.tellings),
            body=body(batch.tellings, self._public_url, max(LEAST_CHARACTERS, min(MOST_CHARACTERS, room))),
            notify_type=_type(batch.tellings),
            body_format=NotifyFormat.TEXT,
        )
        if not result:
            raise self._failure([entry.message for entry in result.logs()], waits)

    def _failure(self, said: list[str], waits: list[float]) -> DeliveryError:
        if waits:
            return DeliveryError("the service asks to wait", retry_after=waits[-1])
        statuses = [int(found[1]) for each in said if (found := _STATUS.search(each))]
        if statuses:
            return refusal(statuses[-1])
        reason = plain(hidden(" ".join(dict.fromkeys(said)), self._secrets), LONGEST_REASON)
        return DeliveryError(reason or "the service did not take it, and Apprise does not say why")


def service_of(url: str) -> NotifyBase | None:
    """What Apprise makes of the URL, None where it knows no such thing. Nothing of it is kept on disk."""
    asset = AppriseAsset(
        app_id="Vigil",
        app_desc="Vigil",
        app_url="",
        async_mode=False,
        http_redirects=False,
        service_timeout=0,  # with one it would send on a thread that may outlive the attempt
        storage_mode="memory",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of what its plugins import, which nobody here can mend
        return Apprise.instantiate(url, asset=asset)


def url_problem(url: str | None) -> str | None:
    """Why nothing can be sent there, None where it can. The URL is not shown."""
    if url and service_of(url) is not None:
        return None
    return "Apprise does not know such a url; its wiki lists the form of each service (mailto://, slack://, ...)"


def secrets_of(url: str) -> frozenset[str]:
    """Every word of the URL but its scheme, for each may be a token or a password."""
    rest = url.partition("://")[2]
    return frozenset(word for text in (rest, unquote(rest)) for word in _SECRETS.findall(text))


def hidden(text: str, secrets: Iterable[str]) -> str:
    """`text` without any of the `secrets`."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _hurried(service: NotifyBase, seconds: float) -> list[float]:
    """Makes the service answer or fail in time. The list will hold how long, s, it would have waited to go on."""
    service.retry, service.optional = 0, False
    if service.overflow_mode == OverflowMode.UPSTREAM:  # a service that refuses what is too long would never hear of it
        service.overflow_mode = OverflowMode.TRUNCATE
    service.socket_connect_timeout = min(service.socket_connect_timeout, seconds * 0.45)
    service.socket_read_timeout = min(service.socket_read_timeout, seconds * 0.45)
    waits: list[float] = []
    throttle: Callable[..., None] = service.throttle

    def impatient(last_io: Any = None, wait: float | None = None) -> None:
        if wait:
            waits.append(wait)
            raise DeliveryError("the service asks to wait", retry_after=wait)
        throttle(last_io=last_io)

    setattr(service, "throttle", impatient)
    return waits


def _type(tellings: Iterable[Telling]) -> NotifyType:
    open_ones = [each.severity for each in tellings if each.transition is not Transition.RESOLVED]
    worst = next((severity for severity in _TYPES if severity in open_ones), None)
    return _TYPES[worst] if worst else NotifyType.SUCCESS
