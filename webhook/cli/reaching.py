"""How commands reach a Vigil: its address, the token to read with, and what they say where nothing answers."""

from __future__ import annotations

from urllib.parse import urlsplit

from webhook.settings import Settings
from webhook.simulation.agora import site_address

UNREACHABLE = 2  # exit status
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def address_of(settings: Settings, url: str | None) -> str:
    """The address that was given, else that of this machine at PORT."""
    address = url or f"http://127.0.0.1:{settings.port}"
    return address if "://" in address else f"http://{address}"


def token_for(settings: Settings, address: str, given: str | None, role: str) -> str | None:
    """The token that was given, else, on this machine only, one of VIGIL_API_TOKENS that may do what `role` may.

    A token that nobody named goes nowhere else: whoever answers at another address would get to know it.
    """
    if given or urlsplit(address).hostname not in LOOPBACK:
        return given or None
    fitting = [token for token in settings.api_tokens if token.role in (role, "operator")]
    return min(fitting, key=lambda token: token.role != role).token if fitting else None


def nothing_answers(address: str) -> str:
    """The sentence for an address at which nothing speaks HTTP."""
    return f"Nothing answers at {site_address(address)}; start Vigil with `vigil up`, or give --url."
