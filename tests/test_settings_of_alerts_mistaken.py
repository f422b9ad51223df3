"""Mistakes in rules, sinks and the heartbeat of `vigil.toml`: each is told with its line and key, and no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_settings import HIDDEN, mistakes, of
from webhook.domain.alerting.policies import DEFAULTS

SOURCE = '[[source]]\nname = "a"\nlabels = {tier = "exam", team = "x"}\n'
SINK = '[[sink]]\nname = "a"\n'
VIDEO, WHERE = "[rules.video_stopped]\n", "[[rules.video_stopped.where]]\n"
VIDEO_KEYS = "enabled, for, repeat, severity, together_within"
SINK_KEYS = "kind, matchers, name, routing_key, secret, url"
WHERE_KEYS = "enabled, for, labels, repeat, severity, together_within"
RULE, LABEL = "rules.video_stopped", "rules.video_stopped.where.labels"
NO_LABELS = 'is no table of labels; write such as {tier = "exam"}'
LABELS = "channel, product, project, rule, session, severity, source, track, uid"
LABELS_AND_OWN = "channel, product, project, rule, session, severity, source, team, tier, track, uid"
KINDS = "apprise, pagerduty, webhook, alertmanager, log"


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        (
            f'\n{VIDEO}\nfor = "soon"\n',
            "line 4, rules.video_stopped.for: 'soon' is no duration; write such as 30s, 5m or 4h",
        ),
        (f"{VIDEO}for = 1.5\n", "line 2, rules.video_stopped.for: 1.5 is no duration; write such as 30s, 5m or 4h"),
        (f"{VIDEO}for = true\n", "line 2, rules.video_stopped.for: True is no duration; write such as 30s, 5m or 4h"),
        (
            f'{VIDEO}for = "99999d"\n',
            "line 2, rules.video_stopped.for: '99999d' is too short or too long; write 0s to 3650d",
        ),
        (f"{VIDEO}repeat = 0\n", "line 2, rules.video_stopped.repeat: 0 is too short or too long; write 1s to 3650d"),
        (
            f'{VIDEO}severity = "bad"\n',
            "line 2, rules.video_stopped.severity: 'bad' is no severity; known are info, warning, critical",
        ),
        (
            f"{VIDEO}severity = {{}}\n",
            "line 2, rules.video_stopped.severity: {} is no severity; known are info, warning, critical",
        ),
        (f'{VIDEO}enabled = "no"\n', "line 2, rules.video_stopped.enabled: 'no' is neither true nor false"),
        (
            "[rules.snapshot_overdue]\nintervals = 0\n",
            "line 2, rules.snapshot_overdue.intervals: 0 is no count; write a whole number from 1",
        ),
        (
            "[rules.snapshot_overdue]\nintervals = true\n",
            "line 2, rules.snapshot_overdue.intervals: True is no count; write a whole number from 1",
        ),
        (
            '[rules.failover]\nshown_for = "x"\n',
            "line 2, rules.failover.shown_for: 'x' is no duration; write such as 30s, 5m or 4h",
        ),
        (
            "[rules]\nvideo_stoped = {}\n",
            "line 2, rules.video_stoped: no rule is called so; did you mean video_stopped?",
        ),
        (
            f"{VIDEO}intervals = 3\n",
            f"line 2, rules.video_stopped.intervals: it is unknown; known are {VIDEO_KEYS}, where",
        ),
        (
            f"{VIDEO}severty = 3\n",
            f"line 2, {RULE}.severty: it is unknown; did you mean severity?; known are {VIDEO_KEYS}, where",
        ),
        ("rules.video_stopped = 5\n", "line 1, rules.video_stopped: it is no table; write [rules.video_stopped]"),
        ("rules = 5\n", "line 1, rules: it is no table; write [rules]"),
        (
            "[rules.video_stopped.where]\n",
            "line 1, rules.video_stopped.where: it is no array of tables; write [[rules.video_stopped.where]]",
        ),
        (WHERE, 'line 1, rules.video_stopped.where.labels: it is missing; write such as {tier = "exam"}'),
        (
            f"{WHERE}labels = {{}}\n",
            f"line 2, {LABEL}: {{}} {NO_LABELS}",
        ),
        (
            f"{WHERE}labels = {{tier = 5}}\n",
            f"line 2, {LABEL}: {{'tier': 5}} {NO_LABELS}",
        ),
        (
            f'{WHERE}labels = {{tier = "exam"}}\n',
            "line 2, rules.video_stopped.where.labels.tier: it is a label of no [[source]]; none has any",
        ),
        (
            f'{SOURCE}{WHERE}labels = {{teir = "exam"}}\n',
            f"line 5, {LABEL}.teir: it is a label of no [[source]]; did you mean tier?; known are team, tier",
        ),
        (
            f'{SOURCE}{WHERE}labels = {{tier = "exam"}}\nmode = 1\n',
            f"line 6, {RULE}.where.mode: it is unknown; known are {WHERE_KEYS}",
        ),
        (
            f'{SOURCE}{WHERE}labels = {{tier = "exam"}}\nfor = "x"\n',
            "line 6, rules.video_stopped.where.for: 'x' is no duration; write such as 30s, 5m or 4h",
        ),
        (
            "[[rules.ingest_lag.where]]\n",
            "line 1, rules.ingest_lag.where: this rule is about Vigil itself, in which no source has a part; remove it",
        ),
        ("[sink]\n", "line 1, sink: it is no array of tables; write [[sink]]"),
        ("sink = [5]\n", "line 1, sink: it is no array of tables; write [[sink]]"),
        (
            SINK,
            f"line 1, sink.kind: it is missing; known are {KINDS}, and with a url of Apprise it is not needed",
        ),
        (f'{SINK}kind = "pager"\n', f"line 3, sink.kind: 'pager' is no kind of sink; known are {KINDS}"),
        (f"{SINK}kind = 5\n", f"line 3, sink.kind: 5 is no kind of sink; known are {KINDS}"),
        ('[[sink]]\nkind = "log"\n', "line 1, sink.name: it is missing; give each sink a name of its own"),
        (
            '[[sink]]\nkind = "log"\nname = "a b"\n',
            "line 3, sink.name: it is no name; write at most 64 letters, digits, - and _",
        ),
        (
            '[[sink]]\nkind = "log"\nname = ["a"]\n',
            "line 3, sink.name: it is no name; write at most 64 letters, digits, - and _",
        ),
        (
            f'{SINK}kind = "log"\n[[sink]]\nkind = "log"\nname = "a"\n',
            "line 6, sink.name: 'a' is that of the sink of line 2, too",
        ),
        (
            f'{SINK}kind = "log"\nurls = 1\n',
            f"line 4, sink.urls: it is unknown; did you mean url?; known are {SINK_KEYS}",
        ),
        (f'{SINK}kind = "apprise"\n', "line 1, sink.url: it is missing or empty, and a sink of kind apprise needs it"),
        (
            f'{SINK}kind = "pagerduty"\nrouting_key = ""\n',
            "line 4, sink.routing_key: it is missing or empty, and a sink of kind pagerduty needs it",
        ),
        (
            f'{SINK}kind = "webhook"\nurl = "https://a/"\n',
            "line 1, sink.secret: it is missing or empty, and a sink of kind webhook needs it",
        ),
        (
            f'{SINK}kind = "alertmanager"\n',
            "line 1, sink.url: it is missing or empty, and a sink of kind alertmanager needs it",
        ),
        (
            f'{SINK}kind = "log"\nsecret = "hidden-value"\n',
            "line 4, sink.secret: it is of no use to a sink of kind log; remove it, or write another kind",
        ),
        (f"{SINK}url = 5\n", "line 3, sink.url: it is no string"),
        (
            f'{SINK}kind = "log"\nmatchers = "a=b"\n',
            'line 4, sink.matchers: it is no array; write such as ["severity=critical"]',
        ),
        (
            f'{SINK}kind = "log"\nmatchers = [\n  "uid=b",\n  "c",\n]\n',
            "line 6, sink.matchers: 'c' is no matcher; write label=value with one of = != =~ !~",
        ),
        (
            f'{SINK}kind = "log"\nmatchers = ["a=~("]\n',
            "line 4, sink.matchers: '(' is no pattern of RE2, which knows no look-around and no back-references",
        ),
        (
            f'{SINK}kind = "log"\nmatchers = [5]\n',
            "line 4, sink.matchers: it is no string; write a matcher such as 'severity=critical'",
        ),
        (
            f'{SINK}kind = "log"\nmatchers = [\n  "uid=b",\n  "sevrity=critical",\n]\n',
            f"line 6, sink.matchers: no alert has a label 'sevrity'; known are {LABELS}",
        ),
        (
            f'{SOURCE}{SINK}kind = "log"\nmatchers = ["tier=exam", "teir=exam"]\n',
            f"line 7, sink.matchers: no alert has a label 'teir'; known are {LABELS_AND_OWN}",
        ),
        ("heartbeat = 5\n", "line 1, heartbeat: it is no table; write [heartbeat]"),
        ("[heartbeat]\n", "line 1, heartbeat.url: it is missing or empty; write the address that has to be called"),
        (
            '[heartbeat]\nurl = "https://a/"\nevery = 0\n',
            "line 3, heartbeat.every: 0 is too short or too long; write a duration of 1s to 1d",
        ),
        (
            '[heartbeat]\nurl = "https://a/"\neach = 5\n',
            "line 3, heartbeat.each: it is unknown; known are every, url",
        ),
        (
            "\nsinks = 5\n",
            "line 2, sinks: it is unknown; did you mean sink?; known are heartbeat, rules, sink, source, vigil",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_its_key(tmp_path: Path, toml: str, problem: str) -> None:
    assert mistakes(tmp_path, toml) == [f"vigil.toml, {problem}"]


BAD = "it is no http or https URL; write such as https://host/path"


@pytest.mark.parametrize(
    "url",
    [
        "hidden-value",
        "ftp://hidden-value/",
        "https://",
        "https:///hidden-value",
        "https://a:hidden-value/",
        "https://a:0/hidden-value",
        "https://a/hidden value",
        "https://[hidden-value/",
        "https://a/\\u007fhidden-value",
    ],
)
def test_what_is_no_address_of_the_web_is_a_mistake_that_does_not_show_it(tmp_path: Path, url: str) -> None:
    hook = f'{SINK}kind = "webhook"\nsecret = "s"\nurl = "{url}"\n'
    manager = f'[[sink]]\nname = "b"\nkind = "alertmanager"\nurl = "{url}"\n'
    pager = f'[[sink]]\nname = "c"\nkind = "pagerduty"\nrouting_key = "k"\nurl = "{url}"\n'
    assert mistakes(tmp_path, hook + manager + pager + f'[heartbeat]\nurl = "{url}"\n') == [
        f"vigil.toml, line 5, sink.url: {BAD}",
        f"vigil.toml, line 9, sink.url: {BAD}",
        f"vigil.toml, line 14, sink.url: {BAD}",
        f"vigil.toml, line 16, heartbeat.url: {BAD}",
    ]


def test_a_webhook_has_no_credentials_in_its_address_and_an_alertmanager_may(tmp_path: Path) -> None:
    url = f"https://user:{HIDDEN}@a/"
    (problem,) = mistakes(tmp_path, f'{SINK}kind = "webhook"\nsecret = "s"\nurl = "{url}"\n')
    assert problem.startswith("vigil.toml, line 5, sink.url: it has a user or a password in it")
    assert HIDDEN not in problem
    assert of(tmp_path, f'{SINK}kind = "alertmanager"\nurl = "{url}"\n').sinks[0].url == url


def test_all_mistakes_of_rules_sinks_and_heartbeat_are_told_at_once(tmp_path: Path) -> None:
    toml = f'{VIDEO}for = "x"\nseverity = "y"\n[rules.nonsense]\n{SINK}[heartbeat]\nurl = 1\n[vigil]\nport = "z"\n'
    problems = mistakes(tmp_path, toml)
    assert [problem.partition(": ")[0] for problem in problems] == [
        "PORT='z'",
        "vigil.toml, line 5, sink.kind",
        "vigil.toml, line 4, rules.nonsense",
        "vigil.toml, line 3, rules.video_stopped.severity",
        "vigil.toml, line 2, rules.video_stopped.for",
        "vigil.toml, line 8, heartbeat.url",
    ]


def test_an_unknown_rule_that_is_near_to_none_is_told_with_all_of_them(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "[rules.nonsense]\n")
    assert problem.endswith(f"known are {', '.join(sorted(DEFAULTS))}")


def test_a_file_elsewhere_is_called_as_it_was_named(tmp_path: Path) -> None:
    elsewhere = tmp_path / "other.toml"
    elsewhere.write_text("rules = 5\n")
    (problem,) = mistakes(tmp_path, VIGIL_CONFIG=str(elsewhere))
    assert problem == f"{elsewhere}, line 1, rules: it is no table; write [rules]"


@pytest.mark.parametrize(
    ("toml", "places"),
    [
        (f'{SINK}kind = "pagerduty"\nrouting_key = "${{GONE}}"\n', ["line 4, sink.routing_key"]),
        (f'{SINK}kind = "webhook"\nsecret = "s"\nurl = "https://${{GONE}}/"\n', ["line 5, sink.url"]),
        (f'{SINK}kind = "log"\nmatchers = ["uid=b", "${{GONE}}"]\n', ["line 4, sink.matchers"]),
        (f'{VIDEO}for = "${{GONE}}"\n', ["line 2, rules.video_stopped.for"]),
        ('[[sink]]\nkind = "log"\nname = "${GONE}"\n', ["line 3, sink.name"]),
        ('[heartbeat]\nurl = "${GONE}"\n', ["line 2, heartbeat.url"]),
    ],
)
def test_a_variable_that_is_not_set_is_one_mistake_and_no_other(tmp_path: Path, toml: str, places: list[str]) -> None:
    told = "${GONE} is named, and the environment has no GONE"
    assert mistakes(tmp_path, toml) == [f"vigil.toml, {place}: {told}" for place in places]


def test_a_variable_that_is_empty_says_nothing(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, f'{SINK}kind = "pagerduty"\nrouting_key = "${{PD_KEY}}"\n', PD_KEY="")
    assert problem.startswith("vigil.toml, line 4, sink.routing_key: it is missing or empty")


def test_a_source_that_is_a_mistake_makes_none_of_its_labels(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, f'{SOURCE}secret = 1\n{WHERE}labels = {{tier = "exam"}}\n')
    assert problem.startswith("[[source]]")


@pytest.mark.parametrize(
    "toml",
    [
        '[rules.video_stopped]\nfor = "${SECRET}"\nseverity = "${SECRET}"\nenabled = "${SECRET}"\n',
        f'{WHERE}labels = "${{SECRET}}"\n',
        f'[rules.snapshot_overdue]\nintervals = "${{SECRET}}"\n{SINK}kind = "${{SECRET}}"\n',
        f'{SINK}kind = "log"\nmatchers = ["${{SECRET}}", "${{SECRET}}=a", "uid=~(${{SECRET}}"]\n',
        '[[sink]]\nname = "${SECRET} "\nurl = 5\n',
        f'{SINK}kind = "log"\nurl = "${{SECRET}}"\nsecret = "${{SECRET}}"\nrouting_key = "${{SECRET}}"\n',
        f'{SINK}kind = "webhook"\nsecret = ["{HIDDEN}"]\nurl = ["{HIDDEN}"]\n',
        f'sink = "{HIDDEN}"\nheartbeat = "{HIDDEN}"\nrules = "{HIDDEN}"\n',
        f'[heartbeat]\nurl = "{HIDDEN}"\nevery = "${{SECRET}}"\n',
        '[[sink]]\nname = "${SECRET}"\nkind = "log"\n' * 2,
    ],
)
def test_no_mistake_shows_a_secret(tmp_path: Path, toml: str) -> None:
    problems = mistakes(tmp_path, toml, SECRET=HIDDEN)
    assert [problem for problem in problems if HIDDEN in problem] == []
