"""Sinks as the settings ask for them. Libraries that only one kind needs are loaded where there is such a sink."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from webhook.alert_settings import SinkSettings
from webhook.domain.errors import ConfigurationError
from workers.sinks.alertmanager import AlertmanagerSink
from workers.sinks.log_sink import LogSink
from workers.sinks.posting import address_problem
from workers.sinks.sink import Sink
from workers.sinks.webhook_sink import WebhookSink, secret_problem


def check_sinks(settings: Iterable[SinkSettings]) -> None:
    """Returns when a sink can be made of each. Raises ConfigurationError with a sentence for each that cannot."""
    problems = [problem for sink in settings if (problem := problem_of(sink)) is not None]
    if problems:
        raise ConfigurationError(problems)


def make_sink(settings: SinkSettings, public_url: str | None) -> Sink:
    """The sink that `settings` describe; messages link to `public_url`. Raises ConfigurationError with a sentence."""
    problem = problem_of(settings)
    if problem is not None:
        raise ConfigurationError([problem])
    name, url = settings.name, settings.url or ""
    match settings.kind:
        case "apprise":
            from workers.sinks.apprise_sink import AppriseSink  # noqa: PLC0415 - takes a fifth of a second to load

            return AppriseSink(name, url, public_url)
        case "pagerduty":
            from workers.sinks.pagerduty_sink import PagerDutySink  # noqa: PLC0415 - takes a tenth of a second to load

            return PagerDutySink(name, settings.routing_key or "", settings.url, public_url)
        case "alertmanager":
            return AlertmanagerSink(name, url, public_url)
        case "webhook":
            return WebhookSink(name, url, settings.secret or "", public_url)
        case "log":
            return LogSink(name)
        case _:
            assert_never(settings.kind)


def problem_of(settings: SinkSettings) -> str | None:
    """Why there can be no such sink, in a sentence that names it and no secret; None where there can."""
    problem = _problem(settings)
    return f"sink {settings.name!r} ({settings.kind}): {problem}" if problem is not None else None


def _problem(settings: SinkSettings) -> str | None:
    match settings.kind:
        case "apprise":
            from workers.sinks.apprise_sink import url_problem  # noqa: PLC0415 - as above

            return url_problem(settings.url)
        case "pagerduty":
            from workers.sinks.pagerduty_sink import key_problem  # noqa: PLC0415 - as above

            return key_problem(settings.routing_key) or (address_problem(settings.url) if settings.url else None)
        case "alertmanager":
            return address_problem(settings.url)
        case "webhook":
            return address_problem(settings.url) or secret_problem(settings.secret)
        case "log":
            return None
        case _:
            assert_never(settings.kind)
