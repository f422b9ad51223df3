"""Why a signature does not fit a body: the usual mistakes, each tried in turn (agora-notifications.md, section 2)."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from itertools import product

from msgspec import Struct

from webhook.domain.signature import sign

BOM = b"\xef\xbb\xbf"
LENGTHS = {40: 1, 64: 2}  # hex digits of a signature, and its version
HEADERS = {1: "Agora-Signature", 2: "Agora-Signature-V2"}


class Diagnosis(Struct, frozen=True):
    """Whether a signature fits, and in a sentence, why or why not."""

    fits: bool
    sentence: str


def diagnose(body: bytes, secret: str, digest: str, version: int) -> Diagnosis:
    """What is to be said of `digest`, which stood in the header of `version`, for `body` and `secret`.

    The first explanation that makes it fit is told; where none does, the secret is most likely another one.
    """
    header = HEADERS[version]
    given = digest.strip().lower()
    if _fits(body, secret, given, version):
        return Diagnosis(True, f"{header} fits: the body and the secret are those that Agora signed with.")
    shape = LENGTHS.get(len(given)) if all(letter in "0123456789abcdef" for letter in given) else None
    if shape is None:
        found = f"{len(given)} characters" if given else "nothing"
        return Diagnosis(False, f"{header} has to be hex, 40 digits for V1 or 64 for V2; this is {found}.")
    explained = next((why for why in _explanations(body, secret, given, shape)), None)
    if shape != version:
        fitting = explained is None and _fits(body, secret, given, shape)
        swapped = f"{header} holds a value of V{shape}'s length: the headers are mixed up"
        return Diagnosis(False, f"{swapped}, and as V{shape} it {'fits' if fitting else 'does not fit either'}.")
    return Diagnosis(
        False,
        f"{header} does not fit, but {explained}."
        if explained
        else f"{header} does not fit, and no usual change of the body explains it: most likely the secret is another "
        "one. Compare with the Console; each product of each project has its own.",
    )


def _explanations(body: bytes, secret: str, digest: str, version: int) -> Iterator[str]:
    for changed, why in _bodies(body):
        if changed != body and _fits(changed, secret, digest, version):
            yield why
    for trimmed in {secret.strip(), secret.strip("'\""), secret + "\n"} - {secret}:
        if _fits(body, trimmed, digest, version):
            yield "it would with the secret without the blanks or quotes around it"


def _bodies(body: bytes) -> Iterator[tuple[bytes, str]]:
    """What may have been signed in place of `body`, and how the one became the other."""
    yield body.rstrip(b"\r\n"), "it would without the newline at the end, which an editor or `echo` adds"
    yield body + b"\n", "it would with a newline at the end, which something on the way cut off"
    yield body.removeprefix(BOM), "it would without the byte order mark at the beginning, which an editor adds"
    yield BOM + body, "it would with a byte order mark at the beginning, which something on the way cut off"
    yield body.replace(b"\r\n", b"\n"), "it would with plain newlines: the body's were made CR LF on the way"
    yield body.replace(b"\n", b"\r\n"), "it would with CR LF: the body's newlines were made plain on the way"
    for written in _written_again(body):
        yield written, "it would for the same JSON written otherwise: verify the raw bytes, before anything parses them"


def _written_again(body: bytes) -> Iterator[bytes]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return
    for separators, ascii_only, by_name in product([(",", ":"), (", ", ": ")], [True, False], [False, True]):
        text = json.dumps(content, separators=separators, ensure_ascii=ascii_only, sort_keys=by_name)
        yield text.encode("utf-8", "surrogatepass")


def _fits(body: bytes, secret: str, digest: str, version: int) -> bool:
    return hmac.compare_digest(sign(body, secret, version).encode(), digest.encode("utf-8", "replace"))
