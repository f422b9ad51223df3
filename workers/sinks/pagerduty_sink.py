"""PagerDuty: an event for each telling, over its Events API v2 by its own client."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

from httpx2 import HTTPError, Response
from pagerduty import Error, EventsApiV2Client

from webhook.domain.alerting.delivery import Batch
from webhook.domain.alerting.messages import LONGEST_SENTENCE, headline, link, plain
from webhook.domain.alerting.telling import Telling, Transition
from webhook.domain.errors import DeliveryError
from webhook.views.times import rfc3339
from workers.sinks.answers import refusal
from workers.sinks.facts import facts_of
from workers.sinks.sink import SECONDS

ENDPOINT = "https://events.pagerduty.com"
KEY_CHARACTERS = 32
SUMMARY_CHARACTERS = 1024
ACTIONS = {  # a trigger with a known key is added to the incident that is there
    Transition.FIRING: "trigger",
    Transition.REPEAT: "trigger",
    Transition.RISE: "trigger",
    Transition.FLAPPING: "trigger",
    Transition.ACKNOWLEDGED: "acknowledge",
    Transition.RESOLVED: "resolve",
}


class PagerDutySink:
    """Sends the events of a batch in its order. An attempt that breaks off is repeated from the first: the alert's id
    is the key by which PagerDuty knows an incident again.
    """

    most = 25  # events, each a request of its own: an attempt has to fit them all

    def __init__(self, name: str, routing_key: str, url: str | None, public_url: str | None) -> None:
        self.name = name
        self._routing_key, self._endpoint, self._public_url = routing_key, (url or ENDPOINT).rstrip("/"), public_url

    def send(self, batch: Batch, seconds: float = SECONDS) -> None:
        """Return once every event was accepted. Events that PagerDuty refuses for good hold up no other.

        Raises DeliveryError: a temporary one at once, a permanent one when all were tried.
        """
        ends = time.monotonic() + seconds
        refused: list[DeliveryError] = []
        with _OneAttempt(self._routing_key, self._endpoint) as client, client.closed_after(seconds):
            for telling in batch.tellings:
                try:
                    client.tell(event_of(telling, self._public_url), ends - time.monotonic())
                except DeliveryError as error:
                    if not error.permanent:
                        raise
                    refused.append(error)
        if refused:
            raise DeliveryError(f"{len(refused)} of {len(batch.tellings)} events: {refused[0]}", permanent=True)


class _OneAttempt(EventsApiV2Client):
    """The official client without its patience: it would wait and try again by itself, on 429 for ever."""

    max_network_attempts = 0

    def __init__(self, routing_key: str, endpoint: str) -> None:
        super().__init__(routing_key)
        self._endpoint = endpoint

    @contextmanager
    def closed_after(self, seconds: float) -> Iterator[None]:
        """Takes the connection away when `seconds` have passed: its own timeouts begin anew with each byte."""
        timer = Timer(seconds, self.close)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def tell(self, event: dict[str, Any], seconds: float) -> None:
        """Return once the event was accepted. Raises DeliveryError."""
        if seconds <= 0:
            raise DeliveryError("the time was over before all events were sent")
        setattr(self, "timeout", seconds / 2)  # to connect and to read, each; the client types it as whole seconds
        try:
            self.send_event(event["event_action"], **{k: v for k, v in event.items() if k != "event_action"})
        except (Error, HTTPError, RuntimeError) as error:  # the last where it was closed before it began
            raise DeliveryError(_trouble(error)) from None  # it shows a part of the key

    def normalize_url(self, url: str) -> str:
        """The address of an endpoint; the client's own takes none but https, and tests have none."""
        return f"{self._endpoint}{url}"

    def postprocess(self, response: Response) -> None:
        """Whatever is not accepted ends the attempt. Raises DeliveryError."""
        if response.status_code == 400 and "routing" in response.text[:1000].lower():
            raise DeliveryError("HTTP 400: PagerDuty does not know the routing key; mend the sink's settings")
        if not response.is_success:
            raise refusal(response.status_code, response.headers.get("Retry-After"))


def event_of(telling: Telling, public_url: str | None) -> dict[str, Any]:
    """The event but for its routing key, which the client adds."""
    event = {"event_action": ACTIONS[telling.transition], "dedup_key": telling.alert_id}
    if event["event_action"] != "trigger":
        return event
    links = [{"href": link(public_url, telling), "text": "The alert in Vigil"}] if public_url else []
    return {**event, "client": "Vigil", "payload": _payload(telling, public_url), "links": links}


def key_problem(routing_key: str | None) -> str | None:
    """Why it is no routing key, None where it may be one. The key is not shown."""
    key = routing_key or ""
    if len(key) == KEY_CHARACTERS and key.isascii() and key.isalnum():
        return None
    return f"the routing_key has to be the {KEY_CHARACTERS} letters and digits of an Events API v2 integration"


def _payload(telling: Telling, public_url: str | None) -> dict[str, Any]:
    channel, session = (telling.labels.get(name, "") for name in ("channel", "session"))
    return {
        "summary": f"{headline(telling)}: {plain(telling.summary, LONGEST_SENTENCE)}"[:SUMMARY_CHARACTERS],
        "source": plain("/".join(name for name in (session, channel) if name) or telling.group, 200),
        "severity": telling.severity.value,
        "timestamp": rfc3339(telling.started_ms),
        "component": plain(telling.labels.get("product") or "vigil"),
        "group": plain(channel or telling.group),
        "class": telling.rule,
        "custom_details": _made_plain(facts_of(telling, public_url) | {"url": None}),
    }


def _made_plain(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts without empty ones, and with words that act nowhere: people read them."""
    told = {name: _made_plain(fact) if isinstance(fact, dict) else fact for name, fact in facts.items() if fact}
    return {name: plain(fact, LONGEST_SENTENCE) if isinstance(fact, str) else fact for name, fact in told.items()}


def _trouble(error: Exception) -> str:
    if isinstance(error, Error) and error.response is not None:
        return "PagerDuty's answer is not one of its API; is the url right?"
    cause = type(error.__cause__ or error).__name__
    return "PagerDuty did not answer in time" if "Timeout" in cause else f"PagerDuty cannot be reached ({cause})"
