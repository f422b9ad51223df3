"""Sessions, log entries and alerts to the bytes that Redis keeps, and back: JSON arrays, field names left out."""

from __future__ import annotations

import msgspec

from webhook.domain.alerting.dossier import VERSION as DOSSIER_VERSION
from webhook.domain.alerting.dossier import Dossier
from webhook.domain.log import Entry
from webhook.domain.session import VERSION, Session

_session = msgspec.json.Decoder(Session)
_elements = msgspec.json.Decoder(list[msgspec.Raw])
_dossier = msgspec.json.Decoder(Dossier)
_entry = msgspec.msgpack.Decoder(Entry)


def encode_session(session: Session) -> bytes:
    """The projection as it is stored; its first element is the version."""
    return msgspec.json.encode(session)


def decode_session(stored: bytes) -> Session:
    """The stored projection. Raises msgspec.MsgspecError where it is not one of ours or of another release."""
    try:
        session = _session.decode(stored)
    except msgspec.ValidationError:
        _check_version(_version(stored))  # another release's shape says less than its number
        raise
    _check_version(session.version)
    return session


def encode_dossier(dossier: Dossier) -> bytes:
    """The alerts of a session as they are stored; their first element is the version."""
    return msgspec.json.encode(dossier)


def decode_dossier(stored: bytes) -> Dossier:
    """The stored alerts. Raises msgspec.MsgspecError where they are not ours or of another release."""
    try:
        dossier = _dossier.decode(stored)
    except msgspec.ValidationError:
        _check_version(_version(stored), DOSSIER_VERSION)
        raise
    _check_version(dossier.version, DOSSIER_VERSION)
    return dossier


def _version(stored: bytes) -> int:
    """The version, which is the first element whatever the release; 0 where it has none."""
    elements = _elements.decode(stored)
    return msgspec.json.decode(elements[0], type=int) if elements else 0


def _check_version(version: int, known: int = VERSION) -> None:
    # no release wrote an earlier one, so there is nothing to upcast from yet
    if version != known:
        raise msgspec.ValidationError(f"projection of version {version}; this release knows {known}")


def encode_entry(entry: Entry) -> bytes:
    """The log entry as it is stored. MessagePack, because a quarantined body need not be text."""
    return msgspec.msgpack.encode(entry)


def decode_entry(stored: bytes) -> Entry:
    """The stored log entry."""
    return _entry.decode(stored)
