"""`/livez` and `/readyz`, for balancers and supervisors; both need no token (contract.md, section 4)."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, current_app, request

from webhook.domain.errors import Rejected, StoreError
from webhook.routes.access import role_of
from webhook.routes.answers import json_answer
from webhook.settings import Settings
from webhook.store.health import Health

blueprint = Blueprint("health", __name__)
EXTENSION = "vigil.health"


class Checks:
    """What the routes ask."""

    def __init__(self, settings: Settings, examine: Callable[[], Health], workers: Callable[[], int]) -> None:
        self.settings = settings
        self.examine = examine
        self.workers = workers


@blueprint.get("/livez")
def live() -> Response:
    """The process answers."""
    return json_answer({"alive": True})


@blueprint.get("/readyz")
def ready() -> Response:
    """200 while a notification can be kept, 503 when ingest would answer 503. Reasons are for readers."""
    checks: Checks = current_app.extensions[EXTENSION]
    try:
        health, workers = checks.examine(), checks.workers()
    except StoreError as failure:
        reasons = {"redis": str(failure)}
        answer = json_answer({"ready": False} | ({"checks": reasons} if _may_read(checks.settings) else {}), 503)
        answer.headers["Retry-After"] = "5"
        return answer
    degraded = [
        *health.degraded,
        *([] if workers else ["workers"]),
        *([] if all(source.secrets for source in checks.settings.sources) else ["secrets"]),
    ]
    reasons = {"redis": health.version, "workers": str(workers)}
    told = {"degraded": degraded, "checks": reasons} if _may_read(checks.settings) else {}
    return json_answer({"ready": True} | told)


def _may_read(settings: Settings) -> bool:
    try:
        return role_of(settings, request) is not None
    except Rejected:
        return False
