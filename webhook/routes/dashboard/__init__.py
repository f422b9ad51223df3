"""The operations dashboard, `/ops`: the same view models as the status API, as pages (docs/dashboard.md)."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import MethodNotAllowed, NotFound

from webhook.domain.errors import Rejected
from webhook.routes import access
from webhook.routes.dashboard import errors, forms
from webhook.routes.status import api

PREFIX = "/ops"
# whatever a channel or a user is called, nothing but what Vigil serves itself is ever run, styled by, or sent to
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
OPEN_TO_ALL = frozenset({"dashboard.sign_in", "dashboard.show_sign_in", "dashboard.static"})
OPEN_TO_READERS = frozenset({"dashboard.sign_out"})

HERE = Path(__file__).parents[2]
blueprint = Blueprint(
    "dashboard", __name__, url_prefix=PREFIX, template_folder=HERE / "templates", static_folder=HERE / "static"
)
errors.install(blueprint)


@blueprint.before_app_request
def _find() -> Response | None:
    """The page that says that nothing is here: what leads nowhere is no request of this blueprint's to Flask."""
    refusal = request.routing_exception
    if isinstance(refusal, NotFound | MethodNotAllowed) and request.path.startswith(f"{PREFIX}/"):
        return _protect(errors.refused(refusal))
    return None


@blueprint.before_request
def _admit() -> Response | None:
    """Readers may look, operators may act by forms that were made for their browser; strangers are asked to sign in."""
    if request.endpoint in OPEN_TO_ALL:
        return None
    looks = request.method in ("GET", "HEAD")
    try:
        access.admit(api().settings, "reader" if looks or request.endpoint in OPEN_TO_READERS else "operator")
    except Rejected as refusal:
        if refusal.status != 401 or not looks:
            raise
        return forms.ask_to_sign_in()
    if not looks:
        forms.check()
    return None


@blueprint.after_request
def _protect(answer: Response) -> Response:
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers.setdefault("Cache-Control", "no-cache" if request.endpoint == "dashboard.static" else "no-store")
    forms.remember(answer)
    return answer


def may_act() -> bool:
    """Whether the sender of this request may do more than look."""
    return bool(g.get("role") == "operator")
