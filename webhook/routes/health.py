"""`/livez` and `/readyz`, for balancers and supervisors; both need no token (contract.md, section 4)."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, current_app, request
from msgspec import Struct

from webhook.domain.errors import Rejected, StoreError, WrongShards
from webhook.routes.access import role_of
from webhook.routes.answers import json_answer
from webhook.settings import Settings
from webhook.store.health import Health
from webhook.store.spool.keeper import Keeper

blueprint = Blueprint("health", __name__)
EXTENSION = "vigil.health"


class Checks:
    """What the routes ask."""

    def __init__(
        self, settings: Settings, examine: Callable[[], Health], keeper: Keeper, workers: Callable[[], int]
    ) -> None:
        self.settings = settings
        self.examine = examine
        self.keeper = keeper
        self.workers = workers


class Readiness(Struct, frozen=True):
    """Whether a notification can be kept, what weakens a promise, and what was found, by what was looked at."""

    ready: bool
    degraded: list[str]
    checks: dict[str, str]


@blueprint.get("/livez")
def live() -> Response:
    """The process answers."""
    return json_answer({"alive": True})


@blueprint.get("/readyz")
def ready() -> Response:
    """200 while a notification can be kept, 503 when ingest would answer 503. Reasons are for readers."""
    checks: Checks = current_app.extensions[EXTENSION]
    found = _look(checks)
    told = {"degraded": found.degraded, "checks": found.checks} if _may_read(checks.settings) else {}
    answer = json_answer({"ready": found.ready} | told, 200 if found.ready else 503)
    if not found.ready:
        answer.headers["Retry-After"] = "5"
    return answer


def _look(checks: Checks) -> Readiness:
    try:
        health, workers = checks.examine(), checks.workers()
    except WrongShards as mistake:  # nothing is spooled for it either
        return Readiness(False, ["redis"], {"redis": str(mistake)})
    except StoreError as failure:
        return _without_redis(checks.keeper, str(failure))
    spooled = health.spooled
    degraded = [
        *health.degraded,
        *([] if workers else ["workers"]),
        *([] if all(source.secrets for source in checks.settings.sources) else ["secrets"]),
    ]
    level = checks.keeper.inbox.level
    return Readiness(
        True,
        degraded,
        {
            "redis": health.version,
            "acknowledgement": level.value if level else "not asked yet",
            "spool": f"{spooled.depth} waiting, {spooled.unconfirmed} unconfirmed, {spooled.damaged} files damaged",
            "workers": str(workers),
        },
    )


def _without_redis(keeper: Keeper, reason: str) -> Readiness:
    """Redis keeps nothing now: all hangs on the spool."""
    try:
        keeper.check()
    except StoreError as failure:
        return Readiness(False, ["redis", "spool"], {"redis": reason, "spool": str(failure)})
    return Readiness(True, ["redis"], {"redis": reason, "spool": "keeps notifications"})


def _may_read(settings: Settings) -> bool:
    try:
        return role_of(settings, request) is not None
    except Rejected:
        return False
