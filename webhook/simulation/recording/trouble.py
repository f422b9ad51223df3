"""Recordings that go wrong: uploads that fail or go to the backup, abnormal exits (section 4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from webhook.samples import recording as tell
from webhook.samples.recording import ABNORMAL
from webhook.simulation import names
from webhook.simulation.recording import course, web
from webhook.simulation.recording.course import happens
from webhook.simulation.recording.model import STAGGER_MS, Happening, Outcome, Publisher, Recording, publishers

RECORDER, UPLOADER, SERVICE = 0, 1, 2  # module
MINOR, MAJOR, FATAL = 2, 4, 5  # errorLevel
WRONG_STORAGE, UPLOAD_FAILED, UPLOADER_FAILED, UPLOAD_TIMEOUT = 32, 47, 51, 50  # errorCode
TO_STORAGE, TO_BACKUP = 31, 32  # warnCode
BAD_TOKEN = 110  # a code in none of the tables, as seen (section 4)
EXITED_ABNORMALLY = 20  # status of the service
INIT_FAILED = 0  # leaveCode
SETTLED_MS = 4_000  # after the recorder left: when nothing more is told of the tracks it left

Crowd = Sequence[Publisher]


Course = tuple[list[Happening], Outcome]
Story = Callable[[int, Crowd], Course]  # from when the recorder leaves, and who publishes


def upload_trouble(rng: Random) -> Recording:
    """Something is wrong with the upload, while people go on publishing and the recording itself ends well."""
    return _troubled(rng, rng.choice(UPLOADS))


def abnormal_exit(rng: Random) -> Recording:
    """The recording ends otherwise than it should: it exits abnormally, dies, never starts, or its page stops."""
    kind = rng.random()
    if kind < 0.2:
        return _never_starts(rng)
    return _page_stops(rng) if kind < 0.4 else _troubled(rng, rng.choice(EXITS))


def _troubled(rng: Random, story: Story) -> Recording:
    leaves_ms = rng.randrange(70_000, 150_000)
    crowd = publishers(rng, leaves_ms, 3)
    told, outcome = story(leaves_ms, crowd)
    return Recording(
        seed=rng.getrandbits(64),
        place=rng.getrandbits(64),
        channel=rng.choice(names.CHANNELS),
        publishers=crowd,
        begins_ms=rng.randrange(STAGGER_MS),
        leaves_ms=leaves_ms,
        happenings=(*course.begins(), *told),
        outcome=outcome,
        beats=story not in WITHOUT_UPLOADER,
    )


def _error(at_ms: int, code: int, level: int = MAJOR, module: int = UPLOADER, message: str = "") -> Happening:
    return happens(at_ms, 1, tell.error, code, level, message, module)


def _warning(at_ms: int, code: int) -> Happening:
    return happens(at_ms, 2, tell.warning, code, UPLOADER)


def _over(leaves_ms: int) -> list[Happening]:
    return [course.leaves(leaves_ms, course.LEAVE_CODES[0]), course.exits(leaves_ms + 1_200)]


def _into_backup(leaves_ms: int, crowd: Crowd) -> Course:
    """An upload fails, is repeated, and ends in Agora's backup."""
    trouble = [_error(61_000, UPLOAD_FAILED), _warning(62_000, TO_STORAGE), _warning(63_000, TO_BACKUP)]
    stored = course.stores(leaves_ms + 3_000, crowd, backed_up=True)
    outcome = Outcome(upload="backed_up", errors=(UPLOAD_FAILED,), warnings=(TO_STORAGE, TO_BACKUP))
    return [*trouble, *_over(leaves_ms), stored], outcome


def _out_of_backup(leaves_ms: int, crowd: Crowd) -> Course:
    """The backup delivers in the end."""
    stored = [course.stores(leaves_ms + 2_500, crowd, backed_up=True), course.stores(leaves_ms + 9_000, crowd)]
    return [_warning(61_000, TO_BACKUP), *_over(leaves_ms), *stored], Outcome(warnings=(TO_BACKUP,))


def _uploader_does_not_start(leaves_ms: int, crowd: Crowd) -> Course:
    """Nothing is ever uploaded."""
    started = happens(300, 30, tell.uploader_started, ABNORMAL)
    return [started, *_over(leaves_ms)], Outcome(upload="failed")


def _wrong_storage(leaves_ms: int, crowd: Crowd) -> Course:
    """The uploader starts and finds that it may not write."""
    trouble = [happens(300, 30, tell.uploader_started), _error(5_000, WRONG_STORAGE, message="access denied")]
    return [*trouble, *_over(leaves_ms)], Outcome(upload="failed", errors=(WRONG_STORAGE,))


def _uploader_fails(leaves_ms: int, crowd: Crowd) -> Course:
    """After the end the uploader fails on the files."""
    trouble = [_error(20_000, UPLOAD_FAILED, MINOR), _error(leaves_ms + 5_000, UPLOADER_FAILED)]
    return [*_over(leaves_ms), *trouble], Outcome(upload="failed", errors=(UPLOAD_FAILED, UPLOADER_FAILED))


def _times_out(leaves_ms: int, crowd: Crowd) -> Course:
    """After the end the service waits in vain for the upload."""
    trouble = _error(leaves_ms + 6_000, UPLOAD_TIMEOUT, MAJOR, SERVICE, "upload timeout")
    return [*_over(leaves_ms), trouble], Outcome(upload="failed", errors=(UPLOAD_TIMEOUT,))


def _stored_badly(leaves_ms: int, crowd: Crowd) -> Course:
    """31 comes with a status that is not 0."""
    stored = course.stores(leaves_ms + 3_000, crowd, status=ABNORMAL)
    return [*_over(leaves_ms), stored], Outcome(upload="failed")


def _survived(leaves_ms: int, crowd: Crowd) -> Course:
    """An error called fatal, after which everything goes on."""
    stored = course.stores(leaves_ms + 3_000, crowd)
    return [_error(30_000, UPLOAD_FAILED, FATAL), *_over(leaves_ms), stored], Outcome(errors=(UPLOAD_FAILED,))


def _exits_abnormally(leaves_ms: int, crowd: Crowd) -> Course:
    """The recorder leaves, then the service exits with status 1, and nothing is stored."""
    exited = course.exits(leaves_ms + 1_500, ABNORMAL)
    return [course.leaves(leaves_ms, 2), exited], Outcome(state="failed", upload="uploading")


def _exits_suddenly(leaves_ms: int, crowd: Crowd) -> Course:
    """The service exits with status 1 out of the blue; what there was is stored."""
    told = [course.exits(leaves_ms, ABNORMAL), course.stores(leaves_ms + 3_000, crowd)]
    return told, Outcome(state="failed")


def _cannot_initialise(leaves_ms: int, crowd: Crowd) -> Course:
    """The recorder leaves with the code 0."""
    told = [course.leaves(leaves_ms, INIT_FAILED), course.exits(leaves_ms + 400, ABNORMAL)]
    return told, Outcome(state="failed", upload="uploading")


def _status_says_so(leaves_ms: int, crowd: Crowd) -> Course:
    """Only the status of the service tells."""
    told = happens(leaves_ms + SETTLED_MS, 3, tell.status_updated, EXITED_ABNORMALLY, "")
    return [told], Outcome(state="failed", upload="uploading")


def _dies(leaves_ms: int, crowd: Crowd) -> Course:
    """A fatal error after which nothing lives."""
    trouble = _error(leaves_ms + SETTLED_MS, BAD_TOKEN, FATAL, RECORDER)
    return [trouble], Outcome(state="failed", upload="uploading", errors=(BAD_TOKEN,))


def _never_starts(rng: Random) -> Recording:
    """A fatal error with an empty message, and at most an abnormal exit after it (section 4)."""
    exited = [course.exits(2_500, ABNORMAL)] if rng.random() < 0.5 else []
    return Recording(
        seed=rng.getrandbits(64),
        place=rng.getrandbits(64),
        channel=rng.choice(names.CHANNELS),
        publishers=(),
        begins_ms=rng.randrange(STAGGER_MS),
        leaves_ms=3_000,
        happenings=(_error(700, BAD_TOKEN, FATAL, RECORDER), *exited),
        outcome=Outcome(state="failed", upload="none", errors=(BAD_TOKEN,)),
    )


def _page_stops(rng: Random) -> Recording:
    """The recorder of a page stops of its own accord; the service may exit normally all the same."""
    lasts_ms = rng.randrange(70_000, 150_000)
    stopped = web.stops(lasts_ms, rng.randint(1, 6))
    stored = happens(lasts_ms + 3_000, 31, tell.uploaded, None)
    told, upload = rng.choice((([], "uploading"), ([stored], "uploaded")))
    exited = [course.exits(lasts_ms + 1_000)] if rng.random() < 0.5 else []
    return web.page(rng, lasts_ms, (stopped, *exited, *told), Outcome(state="failed", upload=upload))


UPLOADS: Sequence[Story] = (
    _into_backup,
    _out_of_backup,
    _uploader_does_not_start,
    _wrong_storage,
    _uploader_fails,
    _times_out,
    _stored_badly,
    _survived,
)
EXITS: Sequence[Story] = (_exits_abnormally, _exits_suddenly, _cannot_initialise, _status_says_so, _dies)
WITHOUT_UPLOADER: Sequence[Story] = (_uploader_does_not_start, _wrong_storage)
