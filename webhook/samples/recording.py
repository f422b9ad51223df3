"""Payloads of Cloud Recording, productId 3 (agora-notifications.md, sections 4 and 5).

Web page recording is in web_recording.py, what happens to the files afterwards in post_processing.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from webhook.samples.wire import moment, present

Payload = dict[str, Any]

PRODUCT_ID = 3
SERVICE, RECORDER, UPLOADER = 0, 1, 2
RECEIVING, NOT_RECEIVING = 0, 1
NORMAL, ABNORMAL = 0, 1
COMPLETE = 10_000  # progress of a finished upload
MIXED = "0"  # the stream of a composite recording

_REPLACED_IN_NAMES = frozenset("!@#$%^&*()+_.=[]{}~|,;:?<>")


class Speaker(Struct, frozen=True):
    """Who speaks, and when: a recording client in its session, with its running number; `sent_ms` is since 1970.

    `scene` is the serviceScene, such as `mix_record`; None leaves it out.
    """

    cname: str
    sid: str
    uid: str
    sequence: int
    sent_ms: int
    scene: str | None = None


def told(by: Speaker, service_type: int, name: str, /, **details: Any) -> Payload:
    """The payload in which `by` tells `details`; `sendts` in ms (section 4)."""
    return {
        "cname": by.cname,
        "uid": by.uid,
        "sid": by.sid,
        "sequence": by.sequence,
        "sendts": by.sent_ms,
        "serviceType": service_type,
        **present(serviceScene=by.scene),
        "details": {"msgName": name} | details,
    }


def error(by: Speaker, code: int, level: int = 4, message: str = "", module: int = 1) -> Payload:
    """Type 1: `module` (1 is the uploader) failed with `code`; `level` runs from 1 (debug) to 5 (fatal)."""
    details = {"module": module, "errorLevel": level, "errorCode": code, "stat": 0, "errorMsg": message}
    return told(by, SERVICE, "cloud_recording_error", **details)


def warning(by: Speaker, code: int, module: int = 1) -> Payload:
    """Type 2: the uploader warns, 31 of an upload repeated, 32 of one that went to the backup."""
    return told(by, SERVICE, "cloud_recording_warning", module=module, warnCode=code)


def status_updated(by: Speaker, status: int, file_name: str, recording_mode: int = 0) -> Payload:
    """Type 3: a call did not fit the service's `status`. Its fileList is a string; mode 0 individual, 1 composite."""
    details = {"status": status, "recordingMode": recording_mode, "fileList": file_name}
    return told(by, SERVICE, "cloud_recording_status_update", **details)


def file_infos(by: Speaker, file_name: str) -> Payload:
    """Type 4: the first M3U8 is written. Its fileList is a string."""
    return told(by, UPLOADER, "cloud_recording_file_infos", fileList=file_name)


def session_exit(by: Speaker, status: int) -> Payload:
    """Type 11: the session is over; `status` NORMAL or ABNORMAL."""
    return told(by, SERVICE, "session_exit", exitStatus=status)


def failover(by: Speaker, new_uid: str) -> Payload:
    """Type 12: the service moved to another server, where the recorder is `new_uid`."""
    return told(by, SERVICE, "session_failover", newUid=new_uid)


def high_availability_registered(by: Speaker) -> Payload:
    """Type 13: the service can move from now on. Only the number is documented (section 4); the name is made up."""
    return told(by, SERVICE, "high_availability_registered")


def uploader_started(by: Speaker, status: int = NORMAL) -> Payload:
    """Type 30: the uploader runs."""
    return told(by, UPLOADER, "uploader_started", status=status)


def uploaded(by: Speaker, files: Iterable[Payload] | None, status: int = NORMAL) -> Payload:
    """Type 31: every file is in the customer's storage. Without `files`, as of a web page, it has no fileList."""
    return told(by, UPLOADER, "uploaded", status=status, **_list(files))


def backed_up(by: Speaker, files: Iterable[Payload] | None, status: int = NORMAL) -> Payload:
    """Type 32: at least one file went to Agora's backup; `files` as of 31."""
    return told(by, UPLOADER, "backuped", status=status, **_list(files))


def _list(files: Iterable[Payload] | None) -> Payload:
    return {} if files is None else {"fileList": list(files)}


def uploading(by: Speaker, progress: int) -> Payload:
    """Type 33: `progress` from 0 to COMPLETE; once a minute, so it is the session's heartbeat."""
    return told(by, UPLOADER, "uploading_progress", progress=progress)


def recorder_started(by: Speaker, status: int = NORMAL) -> Payload:
    """Type 40: the recorder is in the channel."""
    return told(by, RECORDER, "recorder_started", status=status)


def recorder_left(by: Speaker, leave_code: int) -> Payload:
    """Type 41: the recorder left the channel; `leave_code` is a bit mask."""
    return told(by, RECORDER, "recorder_leave", leaveCode=leave_code)


def slice_started(
    by: Speaker, stream_uid: str, at_ms: int, *, lost_since_ms: int | None = None, track: str = "video"
) -> Payload:
    """Type 42: a new slice begins at `at_ms`; with `lost_since_ms` nothing between that and `at_ms` was recorded."""
    discontinued_ms = at_ms if lost_since_ms is None else lost_since_ms
    moments = {"startUtcMs": at_ms, "discontinueUtcMs": discontinued_ms}
    stream = {"mixedAllUser": stream_uid == MIXED, "streamUid": stream_uid, "trackType": track}
    return told(by, RECORDER, "recorder_slice_start", **moments, **stream)


def audio_changed(by: Speaker, stream_uid: str, state: int, at_ms: int, clock: str = "UtcMs") -> Payload:
    """Type 43: the recorder is RECEIVING the stream's audio since `at_ms`, or NOT_RECEIVING.

    `clock` is how the time in ms is spelt, `UtcMs` or `utcMs`.
    """
    message = "recorder_audio_stream_state_changed"
    return told(by, RECORDER, message, **{"streamUid": stream_uid, "state": state, clock: at_ms})


def video_changed(by: Speaker, stream_uid: str, state: int, at_ms: int, clock: str = "UtcMs") -> Payload:
    """Type 44: the same of the stream's video."""
    message = "recorder_video_stream_state_changed"
    return told(by, RECORDER, message, **{"streamUid": stream_uid, "state": state, clock: at_ms})


def snapshot(by: Speaker, file_name: str) -> Payload:
    """Type 45: a snapshot is stored under `file_name`, which begins with the prefix path."""
    return told(by, RECORDER, "recorder_snapshot_file", fileName=file_name)


class Shot(Struct, frozen=True):
    """What a snapshot's name is made of. `failovers` counts those before it."""

    sid: str
    cname: str
    uid: str
    taken_ms: int
    failovers: int = 0


def snapshot_name(shot: Shot) -> str:
    """The file name of a snapshot without prefix path (section 5): `bak<n>_` in front after the n+1st failover."""
    backup = f"bak{shot.failovers - 1}_" if shot.failovers else ""
    channel = channel_in_names(shot.cname)
    return f"{backup}{shot.sid}_{channel}__uid_s_{shot.uid}__uid_e_video_{_utc(shot.taken_ms)}.jpg"


def channel_in_names(cname: str) -> str:
    """The channel as file names spell it (section 5)."""
    return "".join("-" if character in _REPLACED_IN_NAMES else character for character in cname)


def _utc(at_ms: int) -> str:
    return f"{moment(at_ms):%Y%m%d%H%M%S}{at_ms % 1000:03d}"


def playlist_name(by: Speaker) -> str:
    """The file name of a composite recording's or a web page's M3U8 (section 5)."""
    return f"{by.sid}_{channel_in_names(by.cname)}.m3u8"


def video_file(by: Speaker, stream_uid: str, begun_ms: int) -> Payload:
    """One entry of a fileList: the playlist of `stream_uid`'s recorded video, begun at `begun_ms`."""
    return _file(_stream_playlist(by, stream_uid, "video"), "video", stream_uid, begun_ms)


def audio_file(by: Speaker, stream_uid: str, begun_ms: int) -> Payload:
    """The same of the stream's audio."""
    return _file(_stream_playlist(by, stream_uid, "audio"), "audio", stream_uid, begun_ms)


def mixed_file(by: Speaker, begun_ms: int) -> Payload:
    """The same of all users' audio and video in one file, as composite recording makes it."""
    return _file(playlist_name(by), "audio_and_video", MIXED, begun_ms)


def _stream_playlist(by: Speaker, stream_uid: str, track: str) -> str:
    return f"{by.sid}_{channel_in_names(by.cname)}__uid_s_{stream_uid}__uid_e_{track}.m3u8"


def _file(name: str, track: str, uid: str, begun_ms: int) -> Payload:
    flags = {"mixedAllUser": uid == MIXED, "isPlayable": True}
    return {"fileName": name, "trackType": track, "uid": uid, **flags, "sliceStartTime": begun_ms}
