"""Pages: a template, the view model that the status API answers with, and the header that every page has."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Response, make_response, render_template, request

from webhook.routes import access
from webhook.routes.dashboard import blueprint, forms, may_act
from webhook.routes.status import View, api
from webhook.store.rounds import Reader, read_together
from webhook.views import words
from webhook.views.ages import age
from webhook.views.standing import standing
from webhook.views.summary import summary_view
from webhook.views.times import rfc3339

NAVIGATION = (  # the key that goes there, its path, what it is called
    ("o", "/ops/", "Overview"),
    ("s", "/ops/sessions", "Sessions"),
    ("a", "/ops/alerts", "Alerts"),
    ("n", "/ops/notifications", "Notifications"),
    ("d", "/ops/dead-letters", "Dead letters"),
    ("y", "/ops/system", "System"),
)

blueprint.app_template_filter("age")(age)
T = TypeVar("T")

for _filter in words.FILTERS:
    blueprint.app_template_filter(_filter.__name__)(_filter)


def page(template: str, reader: Reader[T], show: Callable[[T, int], View]) -> Response:
    """The page of `template`, filled with what `show` makes of what was read and of the server's time in ms.

    The reader shares the header's round trips. Raises StoreError.
    """
    figures, workers, found = read_together(
        api().redis, "reading a page", api().summary.reading(), api().workers(), reader
    )
    summary = summary_view(figures, workers)
    header = {"summary": summary, "standing": standing(summary), "now": rfc3339(figures.now_ms)}
    return make_response(render_template(template, **header, **_frame(), **show(found, figures.now_ms)))


def nothing() -> Reader[None]:
    """A reader for pages that have read what they need."""
    yield []


def _frame() -> View:
    """What every page shows, whatever it is about."""
    settings = api().settings
    return {
        "navigation": NAVIGATION,
        "form_key": forms.key(),
        "said": forms.take_said(),
        "here": request.full_path if request.query_string else request.path,
        "may_act": may_act(),
        "author": access.author(settings, request),
        "signs_in": bool(settings.api_tokens),
    }
