"""Signing in with a token of the status API, and out again."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, render_template, request

from webhook.domain.errors import Rejected
from webhook.routes import access, signing_in
from webhook.routes.dashboard import blueprint, forms
from webhook.routes.status import api
from webhook.store import failures

MOST_FAILURES = 10  # of one address in failures.WINDOW


@blueprint.get("/sign-in")
def show_sign_in() -> Response:
    """The page that asks for a token."""
    return _ask(200)


@blueprint.post("/sign-in")
def sign_in() -> Response:
    """Signs this browser in, or says that no such token is configured."""
    forms.check()
    address = request.remote_addr or ""
    if failures.count(api().redis, address) >= MOST_FAILURES:
        answer = _ask(429, f"{MOST_FAILURES} tries failed within a minute; wait one, and check the token meanwhile.")
        answer.headers["Retry-After"] = str(failures.WINDOW)
        return answer
    token = access.find_token(api().settings.api_tokens, request.form.get("token", "").strip())
    if token is None:
        failures.add(api().redis, address)
        return _ask(403, "No such token is configured: those are in VIGIL_API_TOKENS, each as name:role:token.")
    answer = forms.see(forms.inside(request.form.get("next", "")))
    answer.set_cookie(signing_in.COOKIE, signing_in.sign(token), max_age=signing_in.LASTS, **signing_in_options())
    return answer


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Forgets who this browser is. Readers may do that, too."""
    answer = forms.see(f"{forms.HOME}sign-in")
    answer.delete_cookie(signing_in.COOKIE, path="/")
    return answer


def signing_in_options() -> dict[str, Any]:
    """As for the other cookies, but for the status API as well, which the pages link to."""
    return forms.cookie_options() | {"path": "/"}


def _ask(status: int, problem: str | None = None) -> Response:
    if not api().settings.api_tokens:
        raise Rejected(404, "Nobody signs in here", "no VIGIL_API_TOKENS is set; clients on this machine are served")
    way = forms.inside(request.values.get("next", ""))
    return make_response(render_template("sign_in.html", form_key=forms.key(), next=way, problem=problem), status)
