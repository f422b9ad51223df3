"""Agora's signatures over the raw body bytes (agora-notifications.md, section 2)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence

from msgspec import Struct

from webhook.domain.errors import Unverified

HEADER_V1 = "Agora-Signature"
HEADER_V2 = "Agora-Signature-V2"
_SHAPES = {1: re.compile(r"[0-9a-fA-F]{40}"), 2: re.compile(r"[0-9a-fA-F]{64}")}
_DIGESTS = {1: hashlib.sha1, 2: hashlib.sha256}
_HEADERS = {1: HEADER_V1, 2: HEADER_V2}


class Claim(Struct, frozen=True):
    """A signature as the sender states it, well-formed but not yet verified. `version` is 1 (SHA-1) or 2 (SHA-256)."""

    version: int
    digest: bytes


class Verdict(Struct, frozen=True):
    """A verified claim: which version held, and which of the secrets, counted from 0."""

    version: int
    secret_index: int


def sign(body: bytes, secret: str, version: int = 2) -> str:
    """The hex digest that Agora puts in the header of `version` for these very bytes."""
    return hmac.new(secret.encode(), body, _DIGESTS[version]).hexdigest()


def signed_headers(body: bytes, secret: str) -> dict[str, str]:
    """Both signature headers, as Agora sends them."""
    return {HEADER_V1: sign(body, secret, 1), HEADER_V2: sign(body, secret, 2)}


def read_claim(v1: str | None, v2: str | None) -> Claim:
    """The claim to verify: V2 when its header is present, else V1.

    Needs no body, so that a sender without a signature costs nothing. Raises Unverified when both are missing or
    the preferred one is not plain hex of its length.
    """
    if v1 is None and v2 is None:
        raise Unverified("missing", f"Neither {HEADER_V2} nor {HEADER_V1} is present; Agora signs every notification.")
    version, text = (2, v2) if v2 is not None else (1, v1)
    if text is None or not _SHAPES[version].fullmatch(text):
        raise Unverified("malformed", f"{_HEADERS[version]} is not {_DIGESTS[version]().digest_size * 2} hex digits.")
    return Claim(version, bytes.fromhex(text))


def verify(claim: Claim, body: bytes, secrets: Sequence[str]) -> Verdict:
    """The verdict on `claim` over the raw `body`. Raises Unverified when no secret fits, or none is configured.

    Every secret is tried whether or not an earlier one fitted, so the time taken tells nothing about them.
    """
    if not secrets:
        raise Unverified("no_secret", "No secret is configured for this source; set AGORA_NOTIFICATION_SECRET.")
    digest = _DIGESTS[claim.version]
    fitting = [
        index
        for index, secret in enumerate(secrets)
        if hmac.compare_digest(hmac.new(secret.encode(), body, digest).digest(), claim.digest)
    ]
    if not fitting:
        raise Unverified(
            "wrong",
            f"{_HEADERS[claim.version]} does not fit this body under any of the {len(secrets)} configured secrets; "
            "compare with the secret that Agora's Console shows for this product of this project.",
        )
    return Verdict(claim.version, fitting[0])
