"""What went wrong, in the dress of the dashboard: the sentences of the status API's problem documents."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from webhook.domain.errors import Rejected, StoreError

log = logging.getLogger(__name__)

RETRY_AFTER = 5  # seconds


def install(blueprint: Blueprint) -> None:
    """Every error of its pages becomes a page; none shows a traceback, and none needs Redis."""
    blueprint.register_error_handler(Rejected, _rejected)
    blueprint.register_error_handler(StoreError, _unavailable)
    blueprint.register_error_handler(HTTPException, refused)
    blueprint.register_error_handler(Exception, _fault)


def _rejected(refusal: Rejected) -> Response:
    return _page(refusal.status, refusal.title, refusal.detail, refusal.errors)


def _unavailable(failure: StoreError) -> Response:
    log.error("%s", failure)
    detail = (
        "Redis does not answer, or not in time, so that nothing can be shown or done here. Notifications are still "
        "taken while the spool has room: /readyz says whether they are. This page tries again by itself."
    )
    answer = _page(503, "Redis is away", detail)
    answer.headers["Retry-After"] = answer.headers["Refresh"] = str(RETRY_AFTER)
    return answer


def refused(refusal: HTTPException) -> Response:
    """The page for an error of Werkzeug's own, such as an address that leads nowhere."""
    answer = _page(refusal.code or 500, *_told(refusal))
    answer.headers.extend([(name, value) for name, value in refusal.get_headers() if name == "Allow"])
    return answer


def _told(refusal: HTTPException) -> tuple[str, str]:
    """Title and detail of an error of Werkzeug's own."""
    if isinstance(refusal, MethodNotAllowed):
        methods = [name for name in sorted(refusal.valid_methods or ()) if name not in ("HEAD", "OPTIONS")]
        return "Not possible here", f"{request.method[:16]} is not; this address takes {' and '.join(methods)}"
    if isinstance(refusal, NotFound):
        return "No such page", f"nothing is at {request.path[:128]}; the pages are linked from the overview"
    return refusal.name, refusal.description or refusal.name


def _fault(fault: Exception) -> Response:
    log.error("unexpected %s on a page", type(fault).__name__, exc_info=fault)
    return _page(500, "Internal error", "A fault of Vigil's own; its log has the details.")


def _page(status: int, title: str, detail: str, errors: list[dict[str, str]] | None = None) -> Response:
    return make_response(
        render_template("error.html", status=status, title=title, detail=detail, errors=errors or []), status
    )
