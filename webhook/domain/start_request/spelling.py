"""Settings of a start request that are spelt almost right: Agora ignores them, and nothing comes of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from webhook.domain.start_request.reading import IN_CLIENT, OUTSIDE_CLIENT, StartRequest, as_object
from webhook.domain.start_request.rule import Violation

LONGEST = 40  # characters of a name that is taken for a misspelling
RECORDING = (
    "channelType",
    "streamTypes",
    "streamMode",
    "maxIdleTime",
    "subscribeVideoUids",
    "subscribeAudioUids",
    "subscribeAudioUid",
    "subscribeUidGroup",
    "videoStreamType",
    "transcodingConfig",
)
SNAPSHOT = ("captureInterval", "fileType")
STORAGE = ("vendor", "region", "bucket", "accessKey", "secretKey", "fileNamePrefix", "extensionParams")
INSIDE = {"recordingConfig": RECORDING, "snapshotConfig": SNAPSHOT, "storageConfig": STORAGE}
_PUNCTUATION = re.compile(r"[\W_]+")


def misspelt(request: StartRequest, body: Mapping[str, Any]) -> Iterator[Violation]:
    """Each name that differs from a setting's in case, punctuation or a plural `s` only, while that is missing."""
    if request.client is not body:
        yield from _near("$", body, OUTSIDE_CLIENT)
        yield from _near(request.root, request.client, IN_CLIENT)
    else:
        yield from _near("$", body, (*OUTSIDE_CLIENT, *IN_CLIENT))
    for place, names in INSIDE.items():
        yield from _near(request.path(place), as_object(request.value(place)), names)


def _near(root: str, members: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[Violation]:
    meant = {_plain(name): name for name in names}
    for found in sorted(set(members) - set(names)):
        name = meant.get(_plain(found)) if len(found) <= LONGEST else None
        if name is not None and members.get(name) is None:
            message = f"{found} is no setting, so Agora ignores it: write {name}"
            yield Violation("misspelt", f"{root}.{found}", message)


def _plain(name: str) -> str:
    return _PUNCTUATION.sub("", name.casefold()).removesuffix("s")
