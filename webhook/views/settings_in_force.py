"""The settings in force as readers may see them: of a secret whether it is set, of an address where it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from webhook.redis_url import parse_sentinels
from webhook.settings import SECRETS_NAME, SETTING_NAMES, TOKENS_NAME, Settings, Source

SET, MISSING = "set", "missing"
Row = dict[str, Any]  # name, value and whether the value is the default


def settings_view(settings: Settings) -> list[Row]:
    """Every setting by the name under which it is written."""
    return [*_plain(settings), *_secret(settings)]


def secret_of(source: Source) -> str:
    """Whether the source has a secret: without one nothing that it posts is taken."""
    return SET if source.secrets else MISSING


def place(url: str) -> str:
    """The URL of a server without anything that could be a name or a password."""
    sentinels = parse_sentinels(url)
    if sentinels is not None:
        hosts = ",".join(f"{host}:{port}" for host, port in sentinels.hosts)
        return f"{url.partition('://')[0]}://{hosts}/{sentinels.service}/{sentinels.database}"
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}"
    port = f":{parts.port}" if parts.hostname and parts.port else ""
    return f"{parts.scheme}://{_bracketed(parts.hostname or 'localhost')}{port}{parts.path}"


def _plain(settings: Settings) -> Iterator[Row]:
    unset = Settings()
    for field, name in SETTING_NAMES.items():
        value = getattr(settings, field)
        yield {"name": name, "value": _shown(field, value), "default": value == getattr(unset, field)}


def _secret(settings: Settings) -> Iterator[Row]:
    tokens = ", ".join(f"{token.name} ({token.role})" for token in settings.api_tokens)
    told = {
        SECRETS_NAME: SET if any(source.secrets for source in settings.sources) else MISSING,
        TOKENS_NAME: f"{SET}: {tokens}" if tokens else MISSING,
        "[heartbeat]": f"{SET}: every {settings.heartbeat.every} s" if settings.heartbeat else MISSING,
        "[[sink]]": ", ".join(f"{sink.name} ({sink.kind})" for sink in settings.sinks) or "none",
        "[rules]": ", ".join(dict.fromkeys(rule.rule for rule in settings.rules)) or "none",
    }
    for name, value in told.items():
        yield {"name": name, "value": value, "default": value in (MISSING, "none")}


def _shown(field: str, value: Any) -> str:
    if field == "redis_url":
        return "the embedded server" if value is None else place(value)
    if field == "public_url":
        return MISSING if value is None else place(value)
    if value is None or value == "":
        return {"spool_dir": "none" if value == "" else "spool in VIGIL_VAR", "deliver_workers": "by sinks"}[field]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
