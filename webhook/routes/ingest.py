"""`POST /webhooks/agora`: size limit, signature over the raw bytes, envelope, append, 200 (contract.md, section 3)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from flask import Blueprint, Request, Response, current_app, request
from gevent import Timeout
from msgspec import Struct

from webhook.domain.arrivals import Arrival
from webhook.domain.errors import Refused, StoreError
from webhook.domain.routing import route
from webhook.domain.signature import HEADER_V1, HEADER_V2, Claim, read_claim, verify
from webhook.receipts import new_receipt
from webhook.routes.answers import json_answer, problem
from webhook.settings import DEFAULT_SOURCE, Settings, Source
from webhook.store.spool.keeper import Keeper
from webhook.store.summary import Summary

log = logging.getLogger(__name__)

blueprint = Blueprint("ingest", __name__)
EXTENSION = "vigil.ingest"
ADDRESS = "/webhooks/agora"
OTHER_METHODS = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]
BODY_SECONDS = 10.0  # Agora itself waits no longer for its answer
UNSIGNED = Claim(0, b"")  # where unsigned posts are allowed


class Ingest:
    """What the route works with."""

    def __init__(self, settings: Settings, keeper: Keeper, summary: Summary, wake: Callable[[int], None]) -> None:
        self.settings = settings
        self.keeper = keeper
        self.summary = summary
        self.wake = wake


class Accepted(Struct, frozen=True, rename="camel"):
    """The body of a 200."""

    status: str
    notice_id: str


@blueprint.post(ADDRESS, defaults={"source": DEFAULT_SOURCE}, provide_automatic_options=False)
@blueprint.post(f"{ADDRESS}/<source>", provide_automatic_options=False)
def receive(source: str) -> Response:
    """Verifies one notification and makes it durable before it is acknowledged."""
    ingest: Ingest = current_app.extensions[EXTENSION]
    try:
        return json_answer(_accept(ingest, _source(ingest.settings, source)))
    except Refused as refusal:
        log.warning("refused a post to source %r: %s", source[:64], refusal)
        with suppress(StoreError):  # it is refused whether or not it can be counted
            ingest.summary.count_rejection(refusal.reason, str(refusal))
        raise


@blueprint.route(ADDRESS, methods=OTHER_METHODS, defaults={"source": DEFAULT_SOURCE}, provide_automatic_options=False)
@blueprint.route(f"{ADDRESS}/<source>", methods=OTHER_METHODS, provide_automatic_options=False)
def explain(source: str) -> Response:
    """Tells whoever looks with a browser what the address is for."""
    answer = problem(405, "Only POST", "Agora posts notifications to this address; enter it in Agora's Console.")
    answer.headers["Allow"] = "POST"
    return answer


def _accept(ingest: Ingest, source: Source) -> Accepted:
    body, claim = _verified_body(ingest.settings, source)
    way = route(source.project, body)
    if way.unusable is not None:
        log.warning("quarantined %s: %s", way.name, way.unusable)
    arrival = Arrival(new_receipt(), source.name, source.project, claim.version, body)
    kept = ingest.keeper.keep(way.key, arrival, claim.digest.hex())
    if kept and kept.wake:
        try:
            ingest.wake(kept.shard)
        except StoreError as failure:  # kept already, and the sweep wakes what this did not
            log.warning("%s", failure)
    return Accepted("accepted" if way.unusable is None else "quarantined", way.name)


def _source(settings: Settings, name: str) -> Source:
    source = settings.source(name)
    if source is None:
        raise Refused(404, "Unknown source", f"no source is called {name[:64]!r}", reason="unknown_source")
    return source


def _verified_body(settings: Settings, source: Source) -> tuple[bytes, Claim]:
    """The raw body and the signature that held."""
    if settings.allow_unsigned and not (request.headers.get(HEADER_V1) or request.headers.get(HEADER_V2)):
        return read_body(request, settings.max_body_bytes), UNSIGNED
    claim = read_claim(request.headers.get(HEADER_V1), request.headers.get(HEADER_V2))
    body = read_body(request, settings.max_body_bytes)
    verify(claim, body, source.secrets)
    return body, claim


def read_body(asked: Request, most: int) -> bytes:
    """The raw body, at most `most` bytes. Raises Refused (413), by the declared length before anything is read.

    Reads the server's stream itself: Flask would cut a chunked body silently at its limit, and what was cut fails its
    signature (failure-modes.md, R18).
    """
    if (asked.content_length or 0) <= most:
        slow = Refused(408, "Body too slow", f"it took more than {BODY_SECONDS:g} s", reason="too_slow")
        with Timeout(BODY_SECONDS, slow):
            body: bytes = asked.environ["wsgi.input"].read(most + 1)
        if len(body) <= most:
            return body
    raise Refused(413, "Body too large", f"more than {most} bytes (VIGIL_MAX_BODY_BYTES)", reason="too_large")
