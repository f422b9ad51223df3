"""The cookie of a browser that signed in: which token with, and when, signed with that token itself.

No state is kept and no other secret is needed: a token that is changed or removed signs its holders out everywhere,
and nobody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

from webhook.settings import ApiToken

COOKIE = "vigil_signed_in"
LASTS = 12 * 3600  # seconds; a shift


def sign(token: ApiToken) -> str:
    """The cookie's value, for whoever showed `token`."""
    return str(_signer(token).dumps(token.name))


def holder(tokens: Sequence[ApiToken], cookie: str) -> ApiToken | None:
    """The token with which its browser signed in; None where it did not, too long ago, or with one that has changed."""
    name = _claimed(cookie)
    token = next((token for token in tokens if token.name == name), None)
    return token if token is not None and _is_signed(token, cookie) else None


def _claimed(cookie: str) -> Any:
    """The name in it, which proves nothing yet."""
    try:
        return URLSafeTimedSerializer("").loads_unsafe(cookie)[1]
    except BadData:
        return None


def _is_signed(token: ApiToken, cookie: str) -> bool:
    try:
        return bool(_signer(token).loads(cookie, max_age=LASTS) == token.name)
    except BadData:
        return False


def _signer(token: ApiToken) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(token.token, salt="vigil signed in")
