"""The settings in force: read once at the edge from the environment and `vigil.toml`, checked, then passed down."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from webhook import quantities, redis_url, web_url
from webhook.alert_settings import Heartbeat, SinkSettings, read_heartbeat, read_sinks
from webhook.domain.alerting.guide import Guide
from webhook.domain.alerting.policies import Adjustment
from webhook.domain.errors import ConfigurationError
from webhook.rule_settings import guide, read_rules
from webhook.settings_file import FILE_NAME, NAME_PATTERN, SettingsFile, Table, nearest, read_file

DAYS = 86_400
DEFAULT_SOURCE = "default"
FEWEST_DELIVER_WORKERS, MOST_DELIVER_WORKERS = 2, 16  # where nobody says how many
READ_AS: dict[str, Callable[[Any], Any]] = {
    "retention": quantities.seconds,
    "spool_max_bytes": quantities.size,
    "spool_min_free_bytes": quantities.size,
    "max_body_bytes": quantities.size,
    "public_url": web_url.public,
}

Name = Annotated[str, Meta(pattern=NAME_PATTERN)]


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who posts to one ingest address: its secrets (several while one is rotated) and the project it speaks for."""

    name: Name
    project: Name = "default"
    secrets: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    labels: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Source(name={self.name!r}, project={self.project!r}, secrets={'set' if self.secrets else 'missing'})"


class ApiToken(Struct, frozen=True):
    """A key to the status API. `name` signs what its holder does."""

    name: Name
    role: Literal["reader", "operator"]
    token: Annotated[str, Meta(min_length=8)]

    def __repr__(self) -> str:
        return f"ApiToken(name={self.name!r}, role={self.role!r})"


class Settings(Struct, frozen=True, kw_only=True):
    """Every setting with its unit and default. The environment's name is in SETTING_NAMES; durations are seconds."""

    port: Annotated[int, Meta(ge=0, le=65535)] = 8000
    host: str = "127.0.0.1"
    redis_url: str | None = None
    var: Path = Path("var")
    allow_unsigned: bool = False
    shards: Annotated[int, Meta(ge=1, le=256)] = 8
    inbox_max: Annotated[int, Meta(ge=1)] = 1_000_000
    spool_dir: str | None = None  # None: `spool` in `var`; empty: no spool
    spool_max_bytes: Annotated[int, Meta(ge=1)] = 1 << 30
    spool_min_free_bytes: Annotated[int, Meta(ge=0)] = 256 << 20
    ack: Literal["auto", "redis", "aof", "replica"] = "auto"
    log_per_session: Annotated[int, Meta(ge=1)] = 4096
    max_body_bytes: Annotated[int, Meta(ge=1024, le=16 * 1024 * 1024)] = 1_048_576
    retention: Annotated[int, Meta(ge=60)] = 7 * DAYS
    fold_workers: Annotated[int, Meta(ge=1, le=64)] = 2
    web_workers: Annotated[int, Meta(ge=1, le=64)] = 2
    deliver_workers: Annotated[int, Meta(ge=1, le=64)] | None = None  # None: as many as there is to reach
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    public_url: str | None = None  # where people reach the dashboard, without a slash at its end
    api_tokens: tuple[ApiToken, ...] = ()
    sources: tuple[Source, ...] = ()
    sinks: tuple[SinkSettings, ...] = ()
    rules: tuple[Adjustment, ...] = ()
    heartbeat: Heartbeat | None = None

    def source(self, name: str) -> Source | None:
        """The source called `name`, or None."""
        return next((source for source in self.sources if source.name == name), None)

    @property
    def spool(self) -> Path | None:
        """The spool's directory; None for no spool."""
        return self.var / "spool" if self.spool_dir is None else Path(self.spool_dir) if self.spool_dir else None

    @property
    def guide(self) -> Guide:
        """What the operator wants of alerts."""
        labels = {source.name: source.labels for source in self.sources}
        return guide((sink.route for sink in self.sinks), self.rules, labels)

    @property
    def delivering(self) -> int:
        """How many workers deliver: where nobody says it, one for each sink and one for the heartbeat, so that none
        waits for another, but at least 2 and at most 16.
        """
        reached = len(self.sinks) + (self.heartbeat is not None)
        return self.deliver_workers or min(max(reached, FEWEST_DELIVER_WORKERS), MOST_DELIVER_WORKERS)

    def __repr__(self) -> str:
        # the URL may carry a password
        return f"Settings(port={self.port}, shards={self.shards}, sources={self.sources!r})"


SETTING_NAMES = {
    "port": "PORT",
    "host": "VIGIL_HOST",
    "redis_url": "REDIS_URL",
    "var": "VIGIL_VAR",
    "allow_unsigned": "VIGIL_ALLOW_UNSIGNED",
    "shards": "VIGIL_SHARDS",
    "inbox_max": "VIGIL_INBOX_MAX",
    "spool_dir": "VIGIL_SPOOL_DIR",
    "spool_max_bytes": "VIGIL_SPOOL_MAX_BYTES",
    "spool_min_free_bytes": "VIGIL_SPOOL_MIN_FREE_BYTES",
    "ack": "VIGIL_ACK",
    "log_per_session": "VIGIL_LOG_PER_SESSION",
    "max_body_bytes": "VIGIL_MAX_BODY_BYTES",
    "retention": "VIGIL_RETENTION",
    "fold_workers": "VIGIL_FOLD_WORKERS",
    "web_workers": "VIGIL_WEB_WORKERS",
    "deliver_workers": "VIGIL_DELIVER_WORKERS",
    "public_url": "VIGIL_PUBLIC_URL",
    "log_level": "VIGIL_LOG_LEVEL",
}
SECRETS_NAME = "AGORA_NOTIFICATION_SECRET"
TOKENS_NAME = "VIGIL_API_TOKENS"
COMMAND_TOKEN_NAME = "VIGIL_TOKEN"  # noqa: S105  which commands that use the API read
PREFIX = "VIGIL_"
MAY_BE_EMPTY = frozenset({"VIGIL_SPOOL_DIR"})  # where the empty value says something
SECRET_NAMES = frozenset({"REDIS_URL", "VIGIL_PUBLIC_URL"})  # whose values no message shows
TABLES = ("vigil", "source", "sink", "rules", "heartbeat")
SECTION_KEYS = frozenset(
    name.lower().removeprefix("vigil_") for name in (*SETTING_NAMES.values(), SECRETS_NAME, TOKENS_NAME)
)


def load(environment: Mapping[str, str], directory: Path = Path()) -> Settings:
    """The settings of `environment` over those of `vigil.toml` in `directory`.

    Raises ConfigurationError with every mistake at once, each naming the setting, its value and what is allowed.
    """
    problems: list[str] = []
    file = read_file(environment, directory, problems)
    section = _table(file.tables, "vigil", problems)
    values = {
        field: value
        for field in SETTING_NAMES
        if (value := _setting(field, environment, section, problems)) is not UNSET
    }
    values["api_tokens"] = _tokens(_text(TOKENS_NAME, environment, section, problems), problems)
    values["sources"] = _sources(_text(SECRETS_NAME, environment, section, problems), file, problems)
    values |= _alerting(Table(file, (), file.tables, problems))
    _refuse_unknown("[vigil] in vigil.toml", section, SECTION_KEYS, problems)
    settings = Settings(**values)
    if settings.allow_unsigned and settings.host not in ("127.0.0.1", "localhost", "::1"):
        problems.append(
            f"VIGIL_ALLOW_UNSIGNED=1 with VIGIL_HOST={settings.host}: unsigned posts are accepted on loopback only; "
            "set VIGIL_HOST=127.0.0.1 or remove VIGIL_ALLOW_UNSIGNED"
        )
    if problems:
        raise ConfigurationError(problems)
    return settings


def _alerting(file: Table) -> dict[str, Any]:
    file.refuse_unknown(TABLES)
    return {"sinks": read_sinks(file), "rules": read_rules(file), "heartbeat": read_heartbeat(file)}


def _setting(field: str, environment: Mapping[str, str], section: Mapping[str, Any], problems: list[str]) -> Any:
    name = SETTING_NAMES[field]
    given = environment.get(name)
    raw = given if given or (given == "" and name in MAY_BE_EMPTY) else section.get(_key(name), UNSET)
    if isinstance(raw, UnsetType):
        return UNSET
    try:
        kind = _field_type(field)
        _check_known(raw, kind)
        read = READ_AS[field](raw) if field in READ_AS else raw
        value = msgspec.convert(read, kind, strict=False, dec_hook=_path)
        return redis_url.check(value) if field == "redis_url" else value
    except (msgspec.ValidationError, ValueError) as mistake:
        shown = "" if name in SECRET_NAMES else f"={raw!r}"
        problems.append(f"{name}{shown}: {mistake}")
        return UNSET


def _field_type(field: str) -> Any:
    return next(info.type for info in msgspec.structs.fields(Settings) if info.name == field)


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise ValueError(f"a path is needed, not {type(value).__name__}")


def _text(name: str, environment: Mapping[str, str], section: Mapping[str, Any], problems: list[str]) -> str:
    """A setting that may hold secrets, as text. A value of another kind is reported, never shown."""
    value = environment.get(name) or section.get(_key(name), "")
    if isinstance(value, str):
        return value
    problems.append(f"{name} is of type {type(value).__name__} in vigil.toml; write one string, parts comma-separated")
    return ""


def _key(name: str) -> str:
    return name.lower().removeprefix("vigil_")


def _check_known(raw: Any, kind: Any) -> None:
    known = get_args(kind) if get_origin(kind) is Literal else ()
    if known and raw not in known:
        raise ValueError(f"known are {', '.join(known)}")


def _table(file: Mapping[str, Any], name: str, problems: list[str]) -> dict[str, Any]:
    table = file.get(name, {})
    if isinstance(table, dict):
        return table
    problems.append(f"{name} in vigil.toml is of type {type(table).__name__}; write a table, [{name}]")
    return {}


def _refuse_unknown(where: str, table: Mapping[str, Any], known: Collection[str], problems: list[str]) -> None:
    unknown = sorted(set(table) - set(known))
    problems += [f"{where}: {key} is unknown; known are {', '.join(sorted(known))}" for key in unknown]


def _tokens(raw: str, problems: list[str]) -> tuple[ApiToken, ...]:
    tokens = []
    for position, part in enumerate(filter(None, (part.strip() for part in raw.split(","))), start=1):
        name, _, rest = part.partition(":")
        role, _, token = rest.partition(":")
        try:
            tokens.append(msgspec.convert({"name": name, "role": role, "token": token}, ApiToken))
        except msgspec.ValidationError:
            problems.append(
                f"{TOKENS_NAME}, entry {position}: write name:reader:token or name:operator:token, "
                "the name of letters, digits, - and _, the token of at least 8 characters"
            )
    return tuple(tokens)


def _sources(secrets: str, file: SettingsFile, problems: list[str]) -> tuple[Source, ...]:
    try:
        sources = list(msgspec.convert(file.tables.get("source", []), list[Source]))
    except msgspec.ValidationError as mistake:
        problems.append(f"[[source]] in vigil.toml: {mistake}")
        sources = []
    names = [source.name for source in sources]
    problems += [
        f"[[source]] name {name!r} stands twice in vigil.toml; each source needs a name of its own"
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    given = tuple(filter(None, (secret.strip() for secret in secrets.split(","))))
    default = next((source for source in sources if source.name == DEFAULT_SOURCE), Source(name=DEFAULT_SOURCE))
    if given and default.secrets:
        problems.append(f"{SECRETS_NAME} and [[source]] {DEFAULT_SOURCE!r} both say the default secrets; remove one")
    others = tuple(source for source in sources if source.name != DEFAULT_SOURCE)
    return (*others, replace(default, secrets=default.secrets or given))


def from_environment() -> Settings:
    """The settings of this process. Raises ConfigurationError."""
    return load(os.environ)


def unknown_names(environment: Mapping[str, str] = os.environ) -> list[str]:
    """A sentence for each variable that looks like a setting and is none: platforms add some, people misspell some."""
    known = (*SETTING_NAMES.values(), TOKENS_NAME, FILE_NAME, COMMAND_TOKEN_NAME)
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    return [f"{name} is no setting of Vigil{nearest(name, known)}" for name in unknown]
