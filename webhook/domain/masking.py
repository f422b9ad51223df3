"""Credentials in payloads, masked before anything but the inbox keeps them.

A mask tells two values apart, by four hex digits of their digest, and says no more of them. Masking what is masked
changes nothing, so what is decoded from a masked body equals what was decoded when it came. Names of channels and
sessions are what everything is found by: they are no credentials and stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from webhook.domain.addresses import mask_address, mask_urls, names_address, stream_keys
from webhook.domain.credentials import NAMES, PAIR, is_mask, mask, may_count, names_credential

# `token=x`, `"token": "x"`, also with the quotes escaped, as in JSON inside a string, and `Authorization: Bearer x`
_NAMED = re.compile(
    rf"(?P<name>{NAMES}s?\b(?: provided| is| was)?[\\\"']*\s*[:=\uff1a\uff1d]\s*[\\\"']*(?:(?:bearer|basic)\s+)?"
    r"|\btoken\s+(?=[\w+/=-]{16})|\bbearer\s+|\bbasic\s+(?!auth)(?=[a-z0-9+/=]{8}))"
    r"(?P<value>[^\s\\\"',;&)}\]]+)",
    re.IGNORECASE | re.ASCII,
)
_IN_WORDS = re.compile(r"[\s:=\uff1a\uff1d]")
_FOUND_BY = frozenset({"sid", "noticeId", "cname", "channel", "channelName", "rtcChannel"})
# What decoders tell sessions, users, files, instants and states by: the same word may also be somebody's stream key,
# here as everywhere it says whom or what is spoken of.
_IDENTITY = re.compile(
    r"\w*(?:[iI]d|[uU]ids|[cC]hannel|[cC]hannelName|cname|[aA]ccount|[fF]ile[nN]ame|fileList|[sS]eq|sequence|"
    r"[sS]tate|[sS]tatus|[sS]cene|[tT]ype|msgName|Ts|Ms|_ts|_ms)|ts|lts|sendts"
)
_LEAST_ECHO = 6  # characters of a credential that is looked for where no name announces it
_MOST_ROUNDS = 4  # what the first one leaves may be readable only then

MOST_LEVELS = 32  # what is nested deeper is no payload of Agora's, and walking it could exhaust the stack
TOO_DEEP = "***0000"

Mask = Callable[[str], str]


def may_hold_secrets(body: bytes) -> bool:
    r"""Whether the raw body could hold a credential; False is certain, and the common case.

    Certain of all that `mask_payload` masks for what it is; nesting beyond MOST_LEVELS is not looked at. A backslash
    may hide anything, as in `\u0074oken` or `rtmp:\/\/`. Single letters that most bodies lack are looked for first:
    looking for one takes a fifth of the time that looking for a word takes.
    """
    low = body.lower()
    return (
        b"\\" in low
        or (b"/" in low and (b"://" in low or b"url" in low or b"uri" in low or b"address" in low))  # maybe no scheme
        or (b"k" in low and (b"key" in low or b"token" in low or b"cookie" in low))
        or b"cre" in low  # secret, credential
        or b"pass" in low
        or b"salt" in low
        or b"auth" in low
        or (b"w" in low and (b"pwd" in low or b"jwt" in low))
        or (b"b" in low and (b"bearer" in low or b"basic" in low))
        or b"signature" in low
        or b"mname" in low  # streamName
        or (b"%" in low and b"%3a" in low)
    )


def mask_payload(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload with every credential masked, wherever it stands.

    That is what has the name of a credential, keys, users and queries in URLs, `name=value` in texts, and what was
    found so once more in other texts.
    """
    echoes = {secret for secret in _secrets_in(payload) if len(secret) >= _LEAST_ECHO and not is_mask(secret)}
    masker = _masker(echoes)
    masked: dict[str, Any] = _walked(payload, masker, masker)
    return masked


def mask_text(text: str) -> str:
    """`text` with the secret parts of every URL in it masked, and the values of all that it calls a credential."""
    return _settled(_mask_once, text)


def _mask_once(text: str) -> str:
    shown = mask_urls(text)
    if not _IN_WORDS.search(shown):  # the common case: a word
        return shown
    return _NAMED.sub(lambda match: match["name"] + mask(match["value"]), shown)


def _settled(once: Mask, text: str) -> str:
    """What `once` makes of `text` when it finds nothing more to mask; what never settles is masked whole."""
    for _ in range(_MOST_ROUNDS):
        shown = once(text)
        if shown == text:
            return text
        text = shown
    return mask(text)


def _masker(echoes: set[str]) -> Mask:
    """What masks a text once, the `echoes` in it too."""
    if not echoes:
        return _mask_once
    longest_first = sorted(echoes, key=lambda echo: (-len(echo), echo))
    found = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
    return lambda text: _mask_once(found.sub(lambda match: mask(match[0]), text))


def _walked(value: Any, once: Mask, masker: Mask, levels: int = MOST_LEVELS) -> Any:
    """`value` with its texts masked by `once`, those of its members as their names want it."""
    if isinstance(value, str):
        return _settled(once, value)
    if not isinstance(value, dict | list):
        return value
    if levels == 0:
        return TOO_DEEP
    if isinstance(value, list):
        return [_walked(item, once, masker, levels - 1) for item in value]
    secret = _secret_members(value)
    return {
        _member(name): _all_masked(item, may_count(name), levels - 1)
        if name in secret
        else _walked(item, _once(name, masker), masker, levels - 1)
        for name, item in value.items()
    }


def _member(name: str) -> str:
    """The name of a member, which may be a URL."""
    return name if name.isidentifier() else mask_text(name)


def _once(name: str, masker: Mask) -> Mask:
    """What masks a text called `name` once. What things are told apart by is not searched for echoes."""
    if name in _FOUND_BY:
        return str
    if _IDENTITY.fullmatch(name):
        return _mask_once
    return (lambda text: masker(mask_address(name, text))) if names_address(name) else masker


def _secret_members(members: Mapping[str, Any]) -> set[str]:
    """The names of the members that are credentials, by their own name or by the one that a pair tells."""
    secret = {name for name in members if names_credential(name)}
    if any(name.lower() in PAIR and isinstance(said, str) and names_credential(said) for name, said in members.items()):
        secret |= {name for name in members if name.lower() == "value"}
    return secret


def _all_masked(value: Any, counted: bool, levels: int) -> Any:
    if isinstance(value, str):
        return mask(value)
    if not isinstance(value, dict | list):
        return value if value is None or isinstance(value, bool) or counted else mask(str(value))
    if levels == 0:
        return TOO_DEEP
    if isinstance(value, dict):
        return {name: _all_masked(item, counted, levels - 1) for name, item in value.items()}
    return [_all_masked(item, counted, levels - 1) for item in value]


def _secrets_in(value: Any, *, named: bool = False, levels: int = MOST_LEVELS) -> Iterator[str]:
    """Every text that has the name of a credential, and every stream key of a URL."""
    if isinstance(value, str):
        yield from (value,) if named else stream_keys(value)
    elif isinstance(value, dict) and levels:
        secret = _secret_members(value)
        for name, item in value.items():
            if name not in _FOUND_BY:
                yield from _secrets_in(item, named=named or name in secret, levels=levels - 1)
    elif isinstance(value, list) and levels:
        for item in value:
            yield from _secrets_in(item, named=named, levels=levels - 1)
