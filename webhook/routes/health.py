"""`/livez` and `/readyz`, for balancers and supervisors; both need no token (contract.md, section 4)."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, current_app, request
from msgspec import Struct

from webhook.domain.errors import Rejected, StoreError, WrongShards
from webhook.routes.access import role_of
from webhook.routes.answers import json_answer
from webhook.settings import Settings
from webhook.store.health import Health, in_words
from webhook.store.spool.keeper import Keeper

blueprint = Blueprint("health", __name__)
EXTENSION = "vigil.health"
LOOK_WITHIN = 2.0  # seconds for Redis, the address of its server among them


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
    refusal = _why_no_spool(checks.keeper)
    try:
        with checks.keeper.within(LOOK_WITHIN):
            health, workers = checks.examine(), checks.workers()
    except WrongShards as mistake:  # nothing is spooled for it either
        return Readiness(False, ["redis"], {"redis": str(mistake)})
    except StoreError as failure:
        return _without_redis(checks.keeper, str(failure), refusal)
    unused = _why_unused(checks.keeper, health)
    found = (
        ({"redis": f"{health.version}, but not used: {unused}"} if checks.keeper.breaker.is_open else {})
        | health.degraded
        | ({"spool": refusal} if refusal and checks.keeper.spool else {})
        | ({} if workers else {"workers": "0"})
        | _without_secret(checks.settings)
    )
    return Readiness(not (unused and refusal), list(found), _well(checks.keeper, health, workers, refusal) | found)


def _well(keeper: Keeper, health: Health, workers: int, refusal: str | None) -> dict[str, str]:
    """What is told of what is well, too."""
    level = keeper.inbox.level
    return {
        "redis": health.version,
        "acknowledgement": level.value if level else "not asked yet",
        "spool": refusal or in_words(health.spooled),
        "workers": str(workers),
    }


def _why_unused(keeper: Keeper, health: Health) -> str | None:
    """Why what is posted goes to the spool though Redis answers; None where it does not."""
    if keeper.breaker.is_open:
        return str(keeper.breaker.reason)
    return health.degraded.get("replica")


def _without_secret(settings: Settings) -> dict[str, str]:
    lacking = [source.name for source in settings.sources if not source.secrets]
    return {"secrets": f"none is configured for source {', '.join(lacking)}"} if lacking else {}


def _without_redis(keeper: Keeper, reason: str, refusal: str | None) -> Readiness:
    """Redis keeps nothing now: all hangs on the spool."""
    if refusal:
        return Readiness(False, ["redis", "spool"], {"redis": reason, "spool": f"{refusal}; {_what_waits(keeper)}"})
    return Readiness(True, ["redis"], {"redis": reason, "spool": f"keeps notifications; {_what_waits(keeper)}"})


def _why_no_spool(keeper: Keeper) -> str | None:
    try:
        keeper.check()
    except StoreError as failure:
        return str(failure)
    return None


def _what_waits(keeper: Keeper) -> str:
    """What this host's spool holds, and since when, by its own clock."""
    try:
        content = keeper.spool.count() if keeper.spool else None
    except (OSError, StoreError) as failure:
        return f"what waits here cannot be counted: {failure}"
    if content is None or content.oldest_ms is None:
        return "none wait here"
    age_s = max(0, keeper.now_ms() - content.oldest_ms) / 1000
    return f"{content.depth} wait here, the oldest for {age_s:.0f} s"


def _may_read(settings: Settings) -> bool:
    try:
        return role_of(settings, request) is not None
    except Rejected:
        return False
