"""Silences: all there are, a new one with a look at what it mutes, and ending one (docs/dashboard.md)."""

from __future__ import annotations

from functools import partial

from flask import Response, request
from msgspec import Struct
from msgspec.structs import replace
from werkzeug.datastructures import MultiDict

from webhook.domain.alerting.silences import SilenceState
from webhook.domain.errors import Rejected
from webhook.routes import silences as answers
from webhook.routes.alerts import need_alert
from webhook.routes.dashboard import blueprint, filters, forms, may_act
from webhook.routes.dashboard.pages import nothing, page
from webhook.routes.parameters import MOST_LIMIT, PAGE
from webhook.routes.silence_asked import LONGEST_REASON
from webhook.routes.status import View, api
from webhook.views.alert_page import matcher_line, meant
from webhook.views.silence_form import mistakes_by_field, numbered, with_line
from webhook.views.silences import UNTIL_SESSION_ENDS
from webhook.views.words import query

PATH = "/ops/silences"
CUSTOM = "custom"
LENGTHS = {"15m": "15 min", "1h": "1 h", "4h": "4 h", CUSTOM: "for", UNTIL_SESSION_ENDS: "until the session ends"}
STATES = (SilenceState.ACTIVE.value, SilenceState.PENDING.value, SilenceState.EXPIRED.value)
FORCE = "Mutes everything"  # the refusal that a second look may overrule


class Draft(Struct, frozen=True, kw_only=True):
    """What stands in the form. `matchers` are a line each; `session` is that of the alert it was made for."""

    matchers: str = ""
    length: str = "1h"
    custom: str = ""
    reason: str = ""
    session: str = ""

    @property
    def body(self) -> View:
        """What the form says, as the status API takes it; without a reason while none was written."""
        lasts = {"duration": self.custom.strip() if self.length == CUSTOM else self.length}
        ends = {"until": self.length} if self.length == UNTIL_SESSION_ENDS else lasts
        why = {"reason": self.reason} if self.reason.strip() else {}
        return {"matchers": [line for _, line in numbered(self.matchers)], **ends, **why}


@blueprint.get("/silences")
def silences() -> Response:
    """Silences: those in force first, then those to come, then those that are over; the last created first."""
    asked = filters.read(request.args, PAGE | answers.STATE)
    asked.cursor(answers.LIST)
    wanted = {name: asked.typed[name] for name in asked.values}
    found = {"items": [], "next": None} if asked.mistakes else answers.silence_list(_arguments(wanted))
    items = sorted(found["items"], key=lambda each: STATES.index(each["state"]))
    shown = {"asked": asked, "silences": items, "next": found["next"], "states": STATES}
    twin = f"/api/v1/silences{query(asked.typed, cursor=None)}".rstrip("?")
    return filters.tidied() or page("silences.html", nothing(), lambda _, __: shown | {"twin": twin})


@blueprint.get("/silences/new")
def new_silence() -> Response:
    """The form, filled in for the alert that is named."""
    _need_operator()
    name = request.args.get("alert")
    if not name:
        return _ask(Draft())
    try:
        labels = need_alert(name).found.labels
    except Rejected as refusal:
        return _ask(Draft(), refusal)
    return _ask(Draft(matchers=meant(labels, api().projects), session=labels.get("session", "")))


@blueprint.post("/silences")
def create_silence() -> Response:
    """Shows what the form would mute, or silences it."""
    draft = _draft()
    try:
        if request.form.get("do") == "preview":
            return _ask(draft, preview=answers.preview(draft.body))
        made = answers.silence(draft.body, force=request.form.get("force") == "true")
    except Rejected as refusal:
        return _ask(draft, refusal, _mutes(draft) if refusal.title == FORCE else None)
    count = made["mutes"]
    told = f"{count} firing alert{' is' if count == 1 else 's are'} quiet now" if count else "it mutes nothing now"
    answer = forms.back_with("ok", f"Silenced: {told}. What happens is shown here all the same.")
    answer.headers["Location"] = f"{PATH}#{made['id']}"
    return answer


@blueprint.post("/silences/<silence_id>/expire")
def expire_silence(silence_id: str) -> Response:
    """Ends one now."""
    reason = request.form.get("reason", "").strip()
    answers.expire(silence_id, {"reason": reason} if reason else {})
    return forms.back_with("ok", f"{silence_id} has ended: what still fires and nobody has is told from now on.")


def _arguments(wanted: dict[str, str]) -> MultiDict[str, str]:
    return MultiDict({"limit": str(MOST_LIMIT)} | wanted)


def _draft() -> Draft:
    """What was sent. Until a session ends needs a matcher that names it: it is the alert's where none was written."""
    sent = Draft(**{name: request.form.get(name, "") for name in Draft.__struct_fields__})
    if sent.length != UNTIL_SESSION_ENDS:
        return sent
    return replace(sent, matchers=with_line(sent.matchers, "session", matcher_line("session", sent.session)))


def _mutes(draft: Draft) -> View:
    return answers.preview({name: value for name, value in draft.body.items() if name != "reason"})


def _ask(draft: Draft, refusal: Rejected | None = None, preview: View | None = None) -> Response:
    answer = page("silence_new.html", nothing(), partial(_show, draft, refusal, preview))
    answer.status_code = refusal.status if refusal else 200
    return answer


def _show(draft: Draft, refusal: Rejected | None, preview: View | None, _read: None, _now_ms: int) -> View:
    wrong = mistakes_by_field(refusal.errors or (), numbered(draft.matchers)) if refusal else {}
    return {
        "draft": draft,
        "refusal": refusal,
        "wrong": wrong,
        "preview": preview,
        "lengths": LENGTHS,
        "force": refusal is not None and refusal.title == FORCE,
        "longest": LONGEST_REASON,
    }


def _need_operator() -> None:
    """Returns where the sender may act. Raises Rejected (403): whoever only looks has no use for the form."""
    if not may_act():
        raise Rejected(403, "Operators only", "whoever only looks can silence nothing")
