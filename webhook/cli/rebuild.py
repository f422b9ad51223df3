"""`vigil rebuild`: sessions folded again from their logs, and what differs."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import click
import msgspec

from webhook.cli.client import Failure
from webhook.clock import sleep
from webhook.domain.errors import LeaseLost, StoreError, WrongShards
from webhook.process import settings_or_exit
from webhook.queues import Waker
from webhook.settings import Settings
from webhook.store.connection import Redis, claim_shards
from webhook.store.sessions import Sessions
from webhook.store.shard import Shard
from webhook.wiring import connect_worker, limits
from workers.rebuild import Busy, Rebuilt
from workers.rebuild import rebuild as rebuild_session

BUSY_FOR = 30.0  # seconds that a shard may be busy with other work
BETWEEN_TRIES = 0.05


@click.command()
@click.argument("session", required=False, metavar="[SID]")
@click.option("--all", "everything", is_flag=True, help="Every session.")
@click.option("--dry-run", is_flag=True, help="Only say what differs.")
@click.option("--json", "as_json", is_flag=True, help="Print what differs as JSON, a line a session.")
def rebuild(session: str | None, everything: bool, dry_run: bool, as_json: bool) -> None:
    """Folds a session again from its log, and says what differs from what is stored: nothing, but for mended faults.

    Works on Redis itself, beside the workers and in turn with them. Exits with 0 where nothing differed, with 1 where
    something did or a session could not be folded again, with 2 where Redis does not answer.

    Example: vigil rebuild --all --dry-run
    """
    if (session is None) != everything:
        raise Failure("name one session, or say --all", 2)
    settings = settings_or_exit()
    try:
        with connect_worker(settings) as redis:
            claim_shards(redis, settings.shards)
            found = _Rebuilding(settings, redis, save=not dry_run, as_json=as_json).run(session)
    except WrongShards as failure:
        raise Failure(str(failure), 2) from failure
    except StoreError as failure:
        raise Failure(f"{failure}; {_where(settings)}", 2) from failure
    raise SystemExit(1 if found else 0)


def _where(settings: Settings) -> str:
    if settings.redis_url is not None:
        return "is REDIS_URL right?"
    place = settings.var.resolve()
    return f"REDIS_URL is not set, so this is about the embedded server in {place}: `vigil up` has to run there"


class _Rebuilding:
    """One run of the command; `run` counts the sessions that differed or could not be folded again."""

    def __init__(self, settings: Settings, redis: Redis, *, save: bool, as_json: bool) -> None:
        self._settings, self._redis = settings, redis
        self._sessions = Sessions(redis, settings.shards)
        self._waker = Waker(redis)
        self._save, self._as_json = save, as_json
        self._alone = False  # whether one session was named, of which something has to be said

    def run(self, session: str | None) -> int:
        """Rebuilds one session, or all; returns how many differed or could not be folded again."""
        if session is not None:
            found = self._sessions.find(session)
            if found is None:
                raise Failure(f"no session is called {session!r}", 1)
            self._alone = True
            return self._tell(self._one(found[0], session))
        places = self._sessions.ids()
        rebuilt = []
        with click.progressbar(length=len(places), label="rebuilding", file=sys.stderr) as bar:
            for shard, session_id in places:
                rebuilt.append(self._one(shard, session_id))
                bar.update(1)
        count = sum(map(self._tell, rebuilt))
        click.echo(self._total(rebuilt), err=True)
        return count

    def _total(self, rebuilt: Sequence[Rebuilt]) -> str:
        left_alone = sum(each.why_not is not None for each in rebuilt)
        differed = sum(bool(each.differences) for each in rebuilt)
        done = len(rebuilt) - left_alone
        mended = "wrong and mended" if self._save else "wrong (a dry run mends nothing)"
        told = [f"{done} session{'' if done == 1 else 's'} folded again: {differed or 'none'} {mended}"]
        return "; ".join(told + ([f"{left_alone} could not be folded again"] if left_alone else []))

    def _one(self, number: int, session_id: str) -> Rebuilt:
        shard = Shard(self._redis, number, f"rebuild:{os.getpid()}:{os.urandom(8).hex()}")
        until = time.monotonic() + BUSY_FOR
        while True:
            try:
                rebuilt = rebuild_session(shard, session_id, limits(self._settings), save=self._save)
            except (Busy, LeaseLost) as busy:  # lost: the machine stood still, and nothing was written
                if time.monotonic() > until:
                    raise Failure(f"{busy}, and {BUSY_FOR:g} s of trying again were not enough", 2) from busy
                sleep(BETWEEN_TRIES)
                continue
            self._waker.wake(number)  # for what came while we held the shard
            return rebuilt

    def _tell(self, rebuilt: Rebuilt) -> int:
        if self._as_json:
            click.echo(json.dumps(_as_json(rebuilt)))
        elif rebuilt.why_not:
            click.echo(f"{rebuilt.session_id}: {rebuilt.why_not}")
        elif rebuilt.differences:
            click.echo(f"{rebuilt.session_id}: {'mended' if self._save else 'differs'}")
            for each in rebuilt.differences:
                click.echo(f"  {each.path}: {each.stored!r} -> {each.folded!r}")
        elif self._alone:
            click.echo(f"{rebuilt.session_id}: nothing differs")
        return int(bool(rebuilt.differences or rebuilt.why_not))


def _as_json(rebuilt: Rebuilt) -> dict[str, Any]:
    differences = msgspec.to_builtins(rebuilt.differences)
    return {"sessionId": rebuilt.session_id, "differences": differences, "whyNot": rebuilt.why_not}
