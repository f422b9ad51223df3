"""Sinks as the settings ask for them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.workers.sinks.told import PUBLIC, ROUTING_KEY, SECRET
from webhook.alert_settings import LOG, SinkSettings
from webhook.domain.errors import ConfigurationError
from workers.sinks.alertmanager import AlertmanagerSink
from workers.sinks.apprise_sink import AppriseSink
from workers.sinks.log_sink import LogSink
from workers.sinks.making import make_sink, problem_of
from workers.sinks.pagerduty_sink import PagerDutySink
from workers.sinks.webhook_sink import WebhookSink

GOOD = [
    (SinkSettings(name="a", kind="apprise", url="json://127.0.0.1:9/secretpath"), AppriseSink),
    (SinkSettings(name="a", kind="pagerduty", routing_key=ROUTING_KEY), PagerDutySink),
    (SinkSettings(name="a", kind="pagerduty", routing_key=ROUTING_KEY, url="https://events.eu.example"), PagerDutySink),
    (SinkSettings(name="a", kind="alertmanager", url="http://127.0.0.1:9093"), AlertmanagerSink),
    (SinkSettings(name="a", kind="webhook", url="https://a.example/secretpath", secret=SECRET), WebhookSink),
    (LOG, LogSink),
]
BAD = [
    (SinkSettings(name="a", kind="apprise", url="neverheard://secretpath"), "Apprise does not know such a url"),
    (SinkSettings(name="a", kind="pagerduty", routing_key="secretpath"), "the routing_key has to be the 32 letters"),
    (SinkSettings(name="a", kind="pagerduty", routing_key=ROUTING_KEY, url="ftp://secretpath"), "https://"),
    (SinkSettings(name="a", kind="alertmanager", url="secretpath"), "https://"),
    (SinkSettings(name="a", kind="webhook", url="secretpath", secret=SECRET), "https://"),
    (SinkSettings(name="a", kind="webhook", url="https://a.example/", secret="whsec_secretpath!"), "no base64"),
]


@pytest.mark.parametrize(("settings", "kind"), GOOD)
def test_each_kind_of_settings_makes_its_sink(settings: SinkSettings, kind: type) -> None:
    sink = make_sink(settings, PUBLIC)
    assert isinstance(sink, kind)
    assert sink.name == settings.name
    assert problem_of(settings) is None
    assert "secretpath" not in repr(sink)


@pytest.mark.parametrize(("settings", "said"), BAD)
def test_settings_that_cannot_work_are_told_with_the_sink_and_without_its_secrets(
    settings: SinkSettings, said: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        make_sink(settings, PUBLIC)
    (problem,) = refused.value.problems
    assert problem == problem_of(settings)
    assert problem.startswith(f"sink 'a' ({settings.kind}): ")
    assert said in problem
    assert "secretpath" not in problem


def test_libraries_of_other_kinds_are_not_loaded() -> None:
    program = (
        "import sys; from webhook.alert_settings import LOG; from workers.sinks.making import make_sink, problem_of;"
        "make_sink(LOG, None); print(sorted({'apprise', 'pagerduty', 'requests'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"
