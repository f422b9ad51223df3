"""Who may read and who may act (contract.md, section 4)."""

from __future__ import annotations

import hmac
from typing import Literal

from flask import Request, g, request

from webhook.domain.errors import Rejected
from webhook.routes import signing_in
from webhook.settings import ApiToken, Settings

Role = Literal["reader", "operator"]
FORWARDING = ("forwarded", "x-real-ip")
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
LOOPBACK = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})


def admit(settings: Settings, needed: Role) -> None:
    """Lets the request pass or raises Rejected (401, 403); then `g.role` is its role.

    With tokens configured one of them is needed. Without any, only clients on this machine are served, as operators.
    """
    role = role_of(settings, request)
    if role is None and settings.api_tokens:
        raise Rejected(401, "Token needed", "send Authorization: Bearer with one of the tokens in VIGIL_API_TOKENS")
    if role is None:
        raise Rejected(
            403,
            "Only from this machine",
            "no VIGIL_API_TOKENS is set, so only clients on this machine are served, "
            "under the name localhost and through no proxy; set VIGIL_API_TOKENS to serve others",
        )
    if needed == "operator" and role != "operator":
        raise Rejected(403, "Operators only", "this token's role is reader; the call needs an operator's")
    g.role = role


def role_of(settings: Settings, asked: Request) -> Role | None:
    """The role of a request's sender, or None for strangers. Raises Rejected (403) for other sites' pages."""
    if settings.api_tokens:
        holder = _holder(settings, asked)
        return holder.role if holder else None
    if not _is_local(asked):
        return None
    _refuse_foreign(asked)
    return "operator"


def author(settings: Settings, asked: Request) -> str:
    """The name under which an admitted request's sender acts: its token's, or `local` where none is configured."""
    holder = _holder(settings, asked)
    return holder.name if holder else "local"


def find_token(tokens: tuple[ApiToken, ...], given: str) -> ApiToken | None:
    """The configured token that reads as `given`, or None."""
    # every token is compared, so that the time taken tells nothing
    fitting = [token for token in tokens if hmac.compare_digest(token.token.encode(), given.encode())]
    return fitting[0] if fitting else None


def _holder(settings: Settings, asked: Request) -> ApiToken | None:
    """The token that the request was sent with, in its header or by a browser that signed in with it."""
    scheme, _, given = asked.headers.get("Authorization", "").partition(" ")
    if scheme:
        return find_token(settings.api_tokens, given.strip()) if scheme.lower() == "bearer" else None
    signed_in = signing_in.holder(settings.api_tokens, asked.cookies.get(signing_in.COOKIE, ""))
    if signed_in is not None:
        _refuse_foreign(asked)
    return signed_in


def _is_local(asked: Request) -> bool:
    # a page on a name that resolves to 127.0.0.1 is told by its Host; a proxy by the header it adds
    named = asked.host.lower()
    host = named.rpartition(":")[0] if _has_port(named) else named
    names = [name.lower() for name, _ in asked.headers]
    forwarded = any(name.startswith("x-forwarded-") or name in FORWARDING for name in names)
    return asked.remote_addr in LOOPBACK and host in LOCAL_HOSTS and not forwarded


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdecimal() and not host.endswith("]")


def _refuse_foreign(asked: Request) -> None:
    origin = asked.headers.get("Origin")
    cross_site = asked.headers.get("Sec-Fetch-Site", "").lower() == "cross-site"
    if cross_site or (origin is not None and origin.lower() != f"{asked.scheme}://{asked.host}".lower()):
        raise Rejected(403, "Another site asks", f"the page that asks is of another site ({origin or 'cross-site'})")
