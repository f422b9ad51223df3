"""How rules behave, as `vigil.toml` says it under `[rules.<rule>]`, for all sources or for those with some labels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from webhook.alert_settings import labels_of_sources
from webhook.domain.alerting.alerts import Severity
from webhook.domain.alerting.guide import Guide
from webhook.domain.alerting.policies import DEFAULTS, OF_VIGIL, THRESHOLDS, Adjustment, Threshold, Unit, adjusted
from webhook.domain.alerting.telling import Route
from webhook.settings_file import Table, duration, nearest

Labels = Mapping[str, dict[str, str]]  # of sources, by their names

LONGEST = 3650 * 86_400  # seconds
MOST = 2**31
RULE_KEYS = ("enabled", "for", "repeat", "severity")


def read_rules(file: Table) -> tuple[Adjustment, ...]:
    """What differs from the defaults, for all sources first. Mistakes are told, and what has some is left out."""
    table = file.table("rules")
    if table is None:
        return ()
    labels = labels_of_sources(file)
    rules = {name: table.table(name) for name in table.values if _is_known(table, name)}
    return tuple(each for name, rule in rules.items() if rule is not None for each in _read_rule(name, rule, labels))


def guide(routes: Iterable[Route], rules: Iterable[Adjustment], labels: Labels) -> Guide:
    """What the operator wants of alerts; by source only where that differs from what holds for all."""
    rules = tuple(rules)
    policies = adjusted(rules)
    by_source = {name: adjusted(rules, of_source) for name, of_source in labels.items()}
    return Guide(
        routes=tuple(routes),
        policies=policies,
        by_source={name: differing for name, differing in by_source.items() if differing != policies},
        labels={name: of_source for name, of_source in labels.items() if of_source},
    )


def _is_known(table: Table, rule: str) -> bool:
    if rule in DEFAULTS:
        return True
    near = nearest(rule, DEFAULTS, 0.6)
    table.refuse(rule, f"no rule is called so{near or '; known are ' + ', '.join(sorted(DEFAULTS))}")
    return False


def _read_rule(rule: str, table: Table, labels: Collection[str]) -> list[Adjustment]:
    table.refuse_unknown((*RULE_KEYS, "where", *THRESHOLDS.get(rule, ())))
    if rule in OF_VIGIL and "where" in table.values:
        table.refuse("where", "this rule is about Vigil itself, in which no source has a part; remove it")
        return [_read_adjustment(rule, table, {})]
    places = [_read_where(rule, where, labels) for where in table.tables("where")]
    return [_read_adjustment(rule, table, {}), *places]


def _read_where(rule: str, table: Table, labels: Collection[str]) -> Adjustment:
    table.refuse_unknown((*RULE_KEYS, "labels", *THRESHOLDS.get(rule, ())))
    if "labels" not in table.values:
        table.refuse("labels", 'it is missing; write such as {tier = "exam"}')
    wanted = table.read("labels", _labels) or {}
    _refuse_unknown_labels(table, wanted, labels)
    return _read_adjustment(rule, table, wanted)


def _refuse_unknown_labels(table: Table, wanted: Collection[str], known: Collection[str]) -> None:
    for label in wanted:
        if label not in known:
            told = f"known are {', '.join(sorted(known))}" if known else "none has any"
            inner = Table(table.file, (*table.place, "labels"), {}, table.problems)
            inner.refuse(label, f"it is a label of no [[source]]{nearest(label, known, 0.6)}; {told}")


def _read_adjustment(rule: str, table: Table, labels: Mapping[str, str]) -> Adjustment:
    thresholds = {
        name: value
        for name, threshold in THRESHOLDS.get(rule, {}).items()
        if (value := table.read(name, _reader(threshold))) is not None
    }
    return Adjustment(
        rule=rule,
        labels=labels,
        severity=table.read("severity", _severity),
        for_ms=table.read("for", _duration_from(0)),
        repeat_ms=table.read("repeat", _duration_from(1000)),
        enabled=table.read("enabled", _enabled),
        thresholds=thresholds,
    )


def _reader(threshold: Threshold) -> Callable[[Any], int]:
    return (_duration_from if threshold.unit is Unit.DURATION else _count_from)(threshold.least)


def _duration_from(least_ms: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        """The ms of a duration."""
        seconds = duration(value)
        if not least_ms <= seconds * 1000 <= LONGEST * 1000:
            raise ValueError(f"is too short or too long; write {least_ms // 1000}s to {LONGEST // 86_400}d")
        return seconds * 1000

    return read


def _count_from(least: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if type(value) is not int or not least <= value <= MOST:
            raise ValueError(f"is no count; write a whole number from {least}")
        return value

    return read


def _severity(value: Any) -> Severity:
    try:
        return Severity(value)
    except ValueError:
        raise ValueError(f"is no severity; known are {', '.join(Severity)}") from None


def _enabled(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("is neither true nor false")  # noqa: TRY004  a mistake of the operator, told as all others are
    return value


def _labels(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not value or not all(isinstance(each, str) for each in value.values()):
        raise ValueError('is no table of labels; write such as {tier = "exam"}')
    return value
