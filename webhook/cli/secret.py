"""The secret with which commands sign what they post in Agora's place."""

from __future__ import annotations

from webhook.development import find_secret
from webhook.domain.errors import ConfigurationError
from webhook.settings import DEFAULT_SOURCE, SECRETS_NAME, Settings


def signing_secret(settings: Settings) -> str:
    """The first secret of the source `default`, else the development secret in `var`.

    Raises ConfigurationError where there is neither.
    """
    source = settings.source(DEFAULT_SOURCE)
    secret = source.secrets[0] if source and source.secrets else find_secret(settings.var)
    if secret is None:
        problem = (
            f"{SECRETS_NAME} is not set, and {settings.var} holds no development secret: set {SECRETS_NAME} to the "
            "secret of the receiving side, or run this where `vigil up` runs"
        )
        raise ConfigurationError([problem])
    return secret
