"""What makes a start request fail or take no snapshots, one row a rule (agora-notifications.md, sections 4, 5, 9)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

import webhook.domain.start_request.breaches as breaches
from webhook.domain.start_request.reading import StartRequest, is_integer, kind_of, read, shown
from webhook.domain.start_request.rule import Rule, Severity, Violation, judge
from webhook.domain.start_request.spelling import misspelt

_ALPHANUMERIC = re.compile("[A-Za-z0-9]+")
_PREFIX = "storageConfig.fileNamePrefix"


def check(start_request: Any, mode: str, *, no_snapshots: Severity | None = None) -> list[Violation]:
    """Every mistake of `start_request` for a start with `mode` in its URL, in the order of the rules.

    `no_snapshots` says how grave it is that no snapshots are asked for, None for not at all: a recording may do
    without. Takes any JSON value and never raises. Only violations of severity `error` mean that it will not do what it
    should.
    """
    if not isinstance(start_request, Mapping):
        message = f"the start request is {kind_of(start_request)}: write an object with cname, uid and clientRequest"
        return [Violation("wrong-type", "$", message)]
    request = read(start_request, mode)
    rules = RULES if no_snapshots is None else (replace(NO_SNAPSHOTS, severity=no_snapshots), *RULES)
    judged = (judge(request, rule) for rule in rules)
    return [*filter(None, judged), *misspelt(request, start_request), *_elements(request), *_prefix_parts(request)]


def _elements(request: StartRequest) -> Iterator[Violation]:
    """Of each list of users the first that is no string; Agora refuses numbers."""
    for place in _LISTS:
        name, users = place.rpartition(".")[2], request.value(place)
        wrong = [(at, user) for at, user in enumerate(users if isinstance(users, list) else ()) if not _is_text(user)]
        if wrong:
            at, user = wrong[0]
            message = f'element {at} of {name} is {shown(user)}: write an array of strings, such as ["123"]'
            yield Violation("wrong-type", request.path(place), message)


def _prefix_parts(request: StartRequest) -> Iterator[Violation]:
    parts = request.value(_PREFIX)
    for index, part in enumerate(parts if isinstance(parts, list) else ()):
        if not (isinstance(part, str) and _ALPHANUMERIC.fullmatch(part)):
            message = f"this part of fileNamePrefix is {shown(part)}: write a string of a-z, A-Z and 0-9 only"
            yield Violation("file-name-prefix", f"{request.path(_PREFIX)}[{index}]", message)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


_OBJECT, _TEXT, _TEXTS = (breaches.is_object, "an object"), (_is_text, "a string"), (_is_list, "an array of strings")
_INTEGER = (is_integer, "a whole number without quotes")

# Fields with a rule of their own are missing here: that rule knows better what to write instead.
_TYPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "clientRequest": _OBJECT,
    "token": _TEXT,
    "recordingConfig": _OBJECT,
    "recordingConfig.maxIdleTime": _INTEGER,
    "recordingConfig.subscribeAudioUid": _TEXTS,
    "recordingConfig.subscribeAudioUids": _TEXTS,
    "recordingConfig.subscribeVideoUids": _TEXTS,
    "recordingFileConfig": _OBJECT,
    "snapshotConfig": _OBJECT,
    "storageConfig": _OBJECT,
    "storageConfig.region": _INTEGER,
    "storageConfig.extensionParams": _OBJECT,
    "extensionServiceConfig": _OBJECT,
}

_LISTS = tuple(place for place, kind in _TYPES.items() if kind is _TEXTS)


def _type_rule(place: str) -> Rule:
    fits, wanted = _TYPES[place]
    message = f"{place.rpartition('.')[2]} is {{kind}}: write {wanted}"
    return Rule("wrong-type", place, lambda _, value: value is not None and not fits(value), message)


def _audio_rule(spelling: str) -> Rule:
    message = (
        f"{spelling} is set without subscribeVideoUids, so nobody's video is subscribed to and there is nothing "
        "to take a snapshot of: name the users in subscribeVideoUids too"
    )
    return Rule("audio-without-video", f"recordingConfig.{spelling}", breaches.audio_alone, message)


def _setting_rule(name: str) -> Rule:
    message = f"{name} is {{kind}}: write the {name} of your storage, a string, else no file can be uploaded"
    return Rule("storage-setting", f"storageConfig.{name}", breaches.unset_in_storage, message)


NO_SNAPSHOTS = Rule(
    "no-snapshots",
    "snapshotConfig",
    breaches.no_snapshots,
    "snapshotConfig is missing, so not one snapshot is taken: write an object such as "
    '{{"captureInterval": 10, "fileType": ["jpg"]}}',
)
RULES: tuple[Rule, ...] = (
    Rule(
        "unknown-mode",
        "mode",
        breaches.no_mode,
        "the mode is {value}: write individual (for snapshots), mix or web in the URL",
    ),
    Rule("channel-missing", "cname", breaches.no_text, "cname is {kind}: write the name of the channel, a string"),
    Rule(
        "uid-digits",
        "uid",
        breaches.no_digits,
        'uid is {value}: write the recording client\'s uid as a string of digits, such as "527841"',
    ),
    Rule(
        "client-request-missing",
        "clientRequest",
        breaches.no_client,
        "clientRequest is missing: write an object with token, recordingConfig, snapshotConfig and storageConfig",
    ),
    *map(_type_rule, _TYPES),
    Rule(
        "snapshots-mode",
        "snapshotConfig",
        breaches.in_another_mode,
        "snapshotConfig is set and the mode is {mode}, but snapshots are taken in mode individual only: write "
        "individual in the URL, or leave snapshotConfig out",
    ),
    # A warning, since the newer text allows what the older one forbids: refusing would refuse starts that work.
    Rule(
        "recording-and-snapshots",
        "snapshotConfig",
        breaches.beside_recording,
        "snapshotConfig and recordingFileConfig are both set. Agora's documentation contradicts itself: the older text "
        "says that they must not both be set, the newer one allows both in one session. Safe under both: leave "
        "recordingFileConfig out here and record in a second session, with a resource id of its own",
        "warning",
    ),
    Rule(
        "stream-types",
        "recordingConfig.streamTypes",
        breaches.without_video,
        "streamTypes is {value}, but snapshots need video: write 2 (audio and video, the default) or 1 (video only)",
    ),
    _audio_rule("subscribeAudioUids"),
    _audio_rule("subscribeAudioUid"),
    Rule(
        "video-of-nobody",
        "recordingConfig.subscribeVideoUids",
        breaches.video_of_nobody,
        "subscribeVideoUids is empty, so nobody's video is subscribed to and there is nothing to take a snapshot of: "
        "name the users in it, or leave it out for all of them",
    ),
    Rule(
        "snapshot-file-type",
        "snapshotConfig.fileType",
        breaches.no_jpg,
        'fileType is {value}: write ["jpg"], an array with the only type there is',
    ),
    Rule(
        "capture-interval",
        "snapshotConfig.captureInterval",
        breaches.no_interval,
        "captureInterval is {value}: write a whole number of seconds from 5 to 3600, or leave it out for 10",
    ),
    Rule(
        "capture-interval-short",
        "snapshotConfig.captureInterval",
        breaches.short_interval,
        "captureInterval is {value}. Agora's documentation contradicts itself: one place says at least 1, another at "
        "least 5. Safe under both: write 5 or more",
        "warning",
    ),
    Rule(
        "storage-missing",
        "storageConfig",
        breaches.no_storage,
        "storageConfig is missing: write an object with vendor, region, bucket, accessKey and secretKey",
    ),
    Rule(
        "storage-missing",
        "storageConfig",
        breaches.extension_only,
        "storageConfig is missing: write it, unless an extension service alone is to take the files",
        "warning",
    ),
    Rule(
        "storage-vendor",
        "storageConfig.vendor",
        breaches.no_vendor,
        "vendor is {value}: write 1 (Amazon S3), 2 (Alibaba), 3 (Tencent), 5 (Azure), 6 (Google), 7 (Huawei), "
        "8 (Baidu) or 11 (S3-compatible)",
    ),
    Rule(
        "storage-endpoint",
        "storageConfig.extensionParams.endpoint",
        breaches.no_endpoint,
        "endpoint is {kind} and vendor is 11 (S3-compatible): write the domain name of the storage, a string",
    ),
    _setting_rule("bucket"),
    _setting_rule("accessKey"),
    _setting_rule("secretKey"),
    Rule(
        "file-name-prefix",
        _PREFIX,
        breaches.no_array,
        'fileNamePrefix is {kind}: write an array of alphanumeric strings, such as ["directory1", "directory2"]',
    ),
    Rule(
        "idle-time-short",
        "recordingConfig.maxIdleTime",
        breaches.short_idle_time,
        "maxIdleTime is {value} s: the recorder leaves a channel that is idle for so long, even sooner than by default "
        "(30); write 300, which is best practice",
        "warning",
    ),
)
