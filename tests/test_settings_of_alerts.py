"""Rules, sinks and the heartbeat in `vigil.toml`: what comes of them, and where each mistake stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.test_settings import HIDDEN, mistakes, of
from webhook.alert_settings import Heartbeat, SinkSettings
from webhook.domain.alerting.alerts import Severity
from webhook.domain.alerting.matchers import Matcher, Op
from webhook.domain.alerting.policies import DEFAULTS, Policy, threshold
from webhook.domain.alerting.telling import Route
from webhook.settings import Settings, load

ALL = """
[rules.video_stopped]
severity = "critical"
for = "20s"
repeat = "1h"
enabled = true

[rules.snapshot_overdue]
intervals = 5

[[rules.video_stopped.where]]
labels = {tier = "exam"}
for = "5s"

[[source]]
name = "school"
labels = {tier = "exam", team = "a"}

[[source]]
name = "club"
labels = {team = "b"}

[[sink]]
name = "oncall"
kind = "pagerduty"
routing_key = "${PD_KEY}"
matchers = ["severity=critical", 'project=~"school.*"']

[[sink]]
name = "chat"
url = "slack://a/b/c"

[[sink]]
name = "hook"
kind = "webhook"
url = "https://hooks.example/x"
secret = "${HOOK_SECRET}"

[[sink]]
name = "am"
kind = "alertmanager"
url = "http://localhost:9093"

[[sink]]
name = "log"
kind = "log"

[heartbeat]
url = "https://hc.example/ping/xyz"
every = "2m"
"""
KEYS = {"PD_KEY": "pd", "HOOK_SECRET": "whsec_x"}
SINK = '[[sink]]\nname = "a"\n'
SOURCE = '[[source]]\nname = "a"\nlabels = {tier = "exam", team = "x"}\n'


@pytest.fixture
def everything(tmp_path: Path) -> Settings:
    return of(tmp_path, ALL, **KEYS)


def test_sinks_are_read_with_their_matchers_and_what_variables_stand_for(everything: Settings) -> None:
    matchers = (Matcher("severity", Op.EQUAL, "critical"), Matcher("project", Op.LIKE, "school.*"))
    assert everything.sinks == (
        SinkSettings(name="oncall", kind="pagerduty", routing_key="pd", matchers=matchers),
        SinkSettings(name="chat", kind="apprise", url="slack://a/b/c"),
        SinkSettings(name="hook", kind="webhook", url="https://hooks.example/x", secret="whsec_x"),
        SinkSettings(name="am", kind="alertmanager", url="http://localhost:9093"),
        SinkSettings(name="log", kind="log"),
    )
    assert everything.guide.routes[:2] == (Route("oncall", matchers), Route("chat"))


def test_a_pagerduty_sink_may_have_an_address_of_its_own(tmp_path: Path) -> None:
    toml = '[[sink]]\nname = "a"\nkind = "pagerduty"\nrouting_key = "k"\nurl = "https://events.eu.pagerduty.com"\n'
    assert of(tmp_path, toml).sinks[0].url == "https://events.eu.pagerduty.com"


@pytest.mark.parametrize("toml", ["", "sink = []\n", "[rules]\n"])
def test_without_a_sink_alerts_show_in_the_log(tmp_path: Path, toml: str) -> None:
    assert of(tmp_path, toml).sinks == (SinkSettings(name="log", kind="log"),)


@pytest.mark.parametrize(("every", "seconds"), [("", 60), ('every = "2m"\n', 120), ("every = 5\n", 5)])
def test_a_heartbeat_is_sent_once_a_minute_unless_told_otherwise(tmp_path: Path, every: str, seconds: int) -> None:
    settings = of(tmp_path, f'[heartbeat]\nurl = "https://hc.example/x"\n{every}')
    assert settings.heartbeat == Heartbeat(url="https://hc.example/x", every=seconds)


def test_without_a_heartbeat_none_is_sent(tmp_path: Path) -> None:
    assert of(tmp_path).heartbeat is None


def test_a_rule_is_as_the_file_says_and_the_others_as_they_were(everything: Settings) -> None:
    policies = everything.guide.policies
    expected = Policy(severity=Severity.CRITICAL, for_ms=20_000, repeat_ms=3_600_000)
    assert policies["video_stopped"] == expected
    assert threshold(policies, "snapshot_overdue", "intervals") == 5
    others = {*DEFAULTS} - {"video_stopped", "snapshot_overdue"}
    assert {rule: policies[rule] for rule in others} == {rule: DEFAULTS[rule] for rule in others}


def test_a_rule_differs_for_the_sources_with_all_of_the_labels(everything: Settings) -> None:
    guide = everything.guide
    assert guide.by_source.keys() == {"school"}
    assert guide.policies_of("school")["video_stopped"].for_ms == 5_000
    assert guide.policies_of("school")["video_stopped"].severity is Severity.CRITICAL
    assert guide.policies_of("club") == guide.policies_of("default") == guide.policies_of(None) == guide.policies
    assert guide.labels == {"school": {"tier": "exam", "team": "a"}, "club": {"team": "b"}}


@pytest.mark.parametrize(
    ("labels", "for_ms"),
    [
        ([{"tier": "exam"}], 1_000),
        ([{"tier": "exam"}, {"team": "x"}], 2_000),
        ([{"team": "x"}, {"tier": "exam"}], 2_000),
        ([{"tier": "exam", "team": "x"}], 1_000),
        ([{"tier": "exam", "team": "y"}], 10_000),
        ([{"tier": "exam"}, {"team": "y"}], 1_000),
    ],
)
def test_of_places_that_fit_the_later_wins(tmp_path: Path, labels: list[dict[str, str]], for_ms: int) -> None:
    told = [", ".join(f'{name} = "{value}"' for name, value in each.items()) for each in labels]
    places = [f"[[rules.video_stopped.where]]\nlabels = {{{each}}}\nfor = {at}\n" for at, each in enumerate(told, 1)]
    guide = of(tmp_path, SOURCE + "".join(places)).guide
    assert guide.policies_of("a")["video_stopped"].for_ms == for_ms
    assert guide.policies["video_stopped"].for_ms == 10_000


def test_a_place_may_set_a_threshold_and_switch_a_rule_off(tmp_path: Path) -> None:
    rules = "[rules.failover]\nshown_for = '1m'\nexplains_for = 0\n[[rules.failover.where]]\nlabels = {tier = 'exam'}\n"
    guide = of(tmp_path, SOURCE + rules + "shown_for = 30\nenabled = false\n").guide
    for policies, shown_for_ms in ((guide.policies, 60_000), (guide.policies_of("a"), 30_000)):
        assert threshold(policies, "failover", "shown_for") == shown_for_ms
        assert threshold(policies, "failover", "explains_for") == 0
    assert (guide.policies["failover"].enabled, guide.policies_of("a")["failover"].enabled) == (True, False)


@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda value: f"{value!r:}"])
def test_no_way_of_printing_shows_where_alerts_go(tmp_path: Path, show: Any) -> None:
    url = f"https://a/{HIDDEN}"
    hook = f'{SINK}kind = "webhook"\nurl = "{url}"\nsecret = "{HIDDEN}"\n'
    pager = f'[[sink]]\nname = "b"\nkind = "pagerduty"\nrouting_key = "{HIDDEN}"\n'
    settings = of(tmp_path, f'{hook}{pager}[heartbeat]\nurl = "{url}"\n')
    for value in (settings, settings.sinks, *settings.sinks, settings.heartbeat):
        assert HIDDEN not in show(value)
    assert "SinkSettings(name='a', kind='webhook')" in show(settings.sinks)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://vigil.example.org", "https://vigil.example.org"),
        ("https://vigil.example.org/", "https://vigil.example.org"),
        ("http://10.0.0.1:8000/ops//", "http://10.0.0.1:8000/ops"),
    ],
)
def test_the_address_of_the_dashboard_ends_without_a_slash(tmp_path: Path, text: str, url: str) -> None:
    assert load({"VIGIL_PUBLIC_URL": text}, tmp_path).public_url == url
    assert of(tmp_path, f'[vigil]\npublic_url = "{text}"\n').public_url == url


@pytest.mark.parametrize(
    "text",
    ["vigil.example.org", "ftp://a/", f"https://u:{HIDDEN}@a/", f"https://a/?{HIDDEN}", "https://a/#b", "http://"],
)
def test_what_cannot_begin_a_link_is_a_mistake_that_does_not_show_it(tmp_path: Path, text: str) -> None:
    (problem,) = mistakes(tmp_path, VIGIL_PUBLIC_URL=text)
    assert problem.startswith("VIGIL_PUBLIC_URL: ")
    assert HIDDEN not in problem


@pytest.mark.parametrize(
    ("sinks", "heartbeat", "number"), [(0, False, 2), (2, False, 2), (2, True, 3), (15, True, 16), (16, True, 16)]
)
def test_there_is_a_worker_for_each_sink_and_one_for_the_heartbeat(
    tmp_path: Path, sinks: int, heartbeat: bool, number: int
) -> None:
    toml = "".join(f'[[sink]]\nname = "s{at}"\nkind = "log"\n' for at in range(sinks))
    toml += '[heartbeat]\nurl = "https://a/"\n' if heartbeat else ""
    assert of(tmp_path, toml).delivering == number
    assert of(tmp_path, toml, VIGIL_DELIVER_WORKERS="1").delivering == 1


@pytest.mark.parametrize("text", ["0", "65", "many"])
def test_a_number_of_workers_that_cannot_be_is_a_mistake(tmp_path: Path, text: str) -> None:
    (problem,) = mistakes(tmp_path, VIGIL_DELIVER_WORKERS=text)
    assert problem.startswith(f"VIGIL_DELIVER_WORKERS={text!r}: ")
