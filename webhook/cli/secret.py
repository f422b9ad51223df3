"""The secret with which commands sign what they post in Agora's place."""

from __future__ import annotations

from webhook.development import find_secret
from webhook.domain.errors import ConfigurationError
from webhook.settings import DEFAULT_SOURCE, SECRETS_NAME, Settings, Source


def source_called(settings: Settings, name: str) -> Source:
    """The source called `name`. Raises ConfigurationError where there is none."""
    found = settings.source(name)
    if found is None and name != DEFAULT_SOURCE:
        known = ", ".join(sorted({DEFAULT_SOURCE, *(source.name for source in settings.sources)}))
        raise ConfigurationError([f"there is no source {name[:64]!r}; configured are {known}"])
    return found or Source(name=DEFAULT_SOURCE)


def signing_secret(settings: Settings, name: str = DEFAULT_SOURCE) -> str:
    """The first secret of the source called so; for the source `default` else the development secret in `var`.

    Raises ConfigurationError where there is neither.
    """
    source = source_called(settings, name)
    development = find_secret(settings.var) if name == DEFAULT_SOURCE else None
    secret = source.secrets[0] if source.secrets else development
    if secret is None:
        raise ConfigurationError([_missing(settings, name)])
    return secret


def _missing(settings: Settings, name: str) -> str:
    if name != DEFAULT_SOURCE:
        return f"the source {name!r} has no secrets: write them under its [[source]] in vigil.toml"
    return (
        f"{SECRETS_NAME} is not set, and {settings.var} holds no development secret: set {SECRETS_NAME} to the "
        "secret of the receiving side, or run this where `vigil up` runs"
    )
