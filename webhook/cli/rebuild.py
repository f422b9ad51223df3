"""`vigil rebuild`: sessions folded again from their logs, and what differs."""

from __future__ import annotations

import json
import os
import sys
import time

import click
import msgspec

from webhook.cli.client import Failure
from webhook.clock import sleep
from webhook.domain.errors import LeaseLost, StoreError
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
    except StoreError as failure:
        raise Failure(f"{failure}; is REDIS_URL right?", 2) from failure
    raise SystemExit(1 if found else 0)


class _Rebuilding:
    """One run of the command; `run` counts the sessions with something to say."""

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
        click.echo(f"{len(rebuilt)} sessions folded again, {count} with something to say", err=True)
        return count

    def _one(self, number: int, session_id: str) -> Rebuilt:
        shard = Shard(self._redis, number, f"rebuild:{os.getpid()}:{os.urandom(8).hex()}")
        until = time.monotonic() + BUSY_FOR
        while True:
            try:
                rebuilt = rebuild_session(shard, session_id, limits(self._settings), save=self._save)
            except (Busy, LeaseLost) as busy:  # lost: the machine stood still, and nothing was written
                if time.monotonic() > until:
                    raise StoreError(f"{busy}, and {BUSY_FOR:g} s of trying again were not enough") from busy
                sleep(BETWEEN_TRIES)
                continue
            self._waker.wake(number)  # for what came while we held the shard
            return rebuilt

    def _tell(self, rebuilt: Rebuilt) -> int:
        if self._as_json:
            click.echo(json.dumps(msgspec.to_builtins(rebuilt)))
        elif rebuilt.why_not:
            click.echo(f"{rebuilt.session_id}: {rebuilt.why_not}")
        elif rebuilt.differences:
            click.echo(f"{rebuilt.session_id}: {'mended' if self._save else 'differs'}")
            for each in rebuilt.differences:
                click.echo(f"  {each.path}: {each.stored!r} -> {each.folded!r}")
        elif self._alone:
            click.echo(f"{rebuilt.session_id}: nothing differs")
        return int(bool(rebuilt.differences or rebuilt.why_not))
