"""Forms of the dashboard: each carries a key that only pages made for this browser know; each ends in a redirect."""

from __future__ import annotations

import hmac
import secrets
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Response, g, request
from itsdangerous import BadData, URLSafeSerializer

from webhook.domain.errors import Rejected
from webhook.routes import signing_in
from webhook.routes.status import api

BROWSER, SAID = "vigil_browser", "vigil_said"
KEY = "form_key"
HOME = "/ops/"
LONGEST_SAID = 400  # characters
Said = tuple[str, str]  # tone and sentence


def key() -> str:
    """What this browser's forms carry as KEY: no page of another site can read the cookie that it is made from."""
    return hmac.new(_secret().encode(), b"form", "sha256").hexdigest()[:32]


def check() -> None:
    """Returns where the form was made for this browser. Raises Rejected (403)."""
    if not hmac.compare_digest(request.form.get(KEY, "").encode(), key().encode()):
        detail = "the page is too old, or cookies are off; go back, reload it, and try again. Nothing was changed"
        raise Rejected(403, "This form cannot be used", detail)


def back_with(tone: str, sentence: str) -> Response:
    """A redirect to the page that the form stood on, which then says the sentence once; `tone` is ok, warn or bad."""
    answer = see(way_back())
    said = _said().dumps([tone, sentence[:LONGEST_SAID]])
    answer.set_cookie(SAID, said if isinstance(said, str) else said.decode(), max_age=60, **cookie_options())
    return answer


def see(path: str) -> Response:
    """A redirect to a page, by GET."""
    return Response(status=303, headers={"Location": path})


def way_back() -> str:
    """The page that a form names as `back`, if it is one of the dashboard's; else the first page."""
    return inside(request.form.get("back", ""))


def inside(path: str) -> str:
    """The path where it leads to a page of the dashboard, the first page where it does not."""
    parts = urlsplit(path) if path.isprintable() and "\\" not in path else urlsplit("")
    return path if not parts.scheme and not parts.netloc and parts.path.startswith(HOME) else HOME


def ask_to_sign_in() -> Response:
    """A redirect to the page that asks for a token, and leads back here."""
    here = request.full_path if request.query_string else request.path
    return see(f"{HOME}sign-in?next={quote(here, safe='')}")


def take_said() -> Said | None:
    """What the last action said, once."""
    stored = request.cookies.get(SAID)
    if stored is None:
        return None
    g.said_was_taken = True
    try:
        tone, sentence = _said().loads(stored)
    except (BadData, ValueError):
        return None
    return str(tone), str(sentence)


def remember(answer: Response) -> None:
    """Sets the cookies that this request made necessary."""
    if "new_browser" in g:
        answer.set_cookie(BROWSER, g.new_browser, max_age=signing_in.LASTS, **cookie_options())
    if g.get("said_was_taken", False):
        answer.delete_cookie(SAID, path=HOME)


def cookie_options() -> dict[str, Any]:
    """How every cookie is kept: not for scripts, not for forms of other sites, and only by HTTPS where it is in use."""
    secure = request.is_secure or (api().settings.public_url or "").startswith("https:")
    return {"path": HOME, "httponly": True, "samesite": "Lax", "secure": secure}


def _secret() -> str:
    """What only this browser sends."""
    known = request.cookies.get(signing_in.COOKIE) or request.cookies.get(BROWSER) or g.get("new_browser")
    if not known:
        known = g.new_browser = secrets.token_urlsafe(24)
    return str(known)


def _said() -> URLSafeSerializer:
    return URLSafeSerializer(_secret(), salt="vigil said")
