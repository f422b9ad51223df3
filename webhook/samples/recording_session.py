"""Samples of Cloud Recording, productId 3: one session that meets with everything (agora-notifications.md, 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import webhook.samples.post_processing as later
import webhook.samples.recording as tell
import webhook.samples.web_recording as web
from webhook.samples.cast import BEGUN_BEFORE_MS, CHANNEL, PUBLISHER
from webhook.samples.post_processing import Transcoded
from webhook.samples.recording import NORMAL, NOT_RECEIVING, RECEIVING, Payload, Shot, Speaker
from webhook.samples.wire import Sample

SID, RECORDER_UID, SUCCESSOR_UID = "6a2c1f0e9b7d48c3a5e4f1029384b7d6", "4021337905", "2874410339"
STREAM = str(PUBLISHER)
RTMP_URL = "rtmp://cdn.example.com/live/live-key-of-a-sample"
MP4 = f"{SID}_{tell.channel_in_names(CHANNEL)}_0.mp4"
TOLD_AFTER_MS = 4


def _shot(by: Speaker) -> Payload:
    return tell.snapshot(by, "snapshots/" + tell.snapshot_name(Shot(by.sid, by.cname, STREAM, by.sent_ms)))


def _files(by: Speaker) -> list[Payload]:
    return [tell.video_file(by, STREAM, by.sent_ms - BEGUN_BEFORE_MS)]


def _web_stopped(by: Speaker) -> Payload:
    return web.web_recorder_stopped(by, 0, [web.web_file(MP4, by.sent_ms - BEGUN_BEFORE_MS)])


# In the order in which a recording tells them, so that samples sent by hand number themselves like one session.
_TOLD: Mapping[int, Callable[[Speaker], Payload]] = {
    13: tell.high_availability_registered,
    40: tell.recorder_started,
    30: tell.uploader_started,
    60: lambda by: later.vod_started(by, "video-of-a-sample"),
    70: lambda by: web.web_recorder_started(by, by.sent_ms - TOLD_AFTER_MS),
    43: lambda by: tell.audio_changed(by, STREAM, RECEIVING, by.sent_ms - TOLD_AFTER_MS),
    44: lambda by: tell.video_changed(by, STREAM, NOT_RECEIVING, by.sent_ms - TOLD_AFTER_MS),
    42: lambda by: tell.slice_started(by, STREAM, by.sent_ms - TOLD_AFTER_MS),
    4: lambda by: tell.file_infos(by, tell.playlist_name(by)),
    100: lambda by: web.rtmp_published(by, RTMP_URL, "publishing"),
    45: _shot,
    33: lambda by: tell.uploading(by, 4_200),
    3: lambda by: tell.status_updated(by, 5, tell.playlist_name(by)),
    73: lambda by: web.web_page_reloaded(by, "audio_silence"),
    2: lambda by: tell.warning(by, 31),
    1: lambda by: tell.error(by, 47, 4, "upload failed"),
    12: lambda by: tell.failover(by, SUCCESSOR_UID),
    72: lambda by: web.web_capability_exceeded(by, "WebGL"),
    71: _web_stopped,
    41: lambda by: tell.recorder_left(by, 16),
    11: lambda by: tell.session_exit(by, NORMAL),
    31: lambda by: tell.uploaded(by, _files(by)),
    32: lambda by: tell.backed_up(by, _files(by)),
    61: later.vod_triggered,
    80: later.transcoder_started,
    90: lambda by: later.download_failed(by, [file["fileName"] for file in _files(by)]),
    81: lambda by: later.transcoder_completed(by, "all_success", [Transcoded(STREAM, "success", MP4)]),
    1001: lambda by: later.transcoding_finished(by, "total_success", [MP4]),
}


def _sample(event_type: int, at_ms: int) -> Payload:
    return _TOLD[event_type](Speaker(CHANNEL, SID, RECORDER_UID, list(_TOLD).index(event_type), at_ms))


def _builder(event_type: int) -> Sample:
    return lambda at_ms: _sample(event_type, at_ms)


SAMPLES: Mapping[int, Sample] = {event_type: _builder(event_type) for event_type in sorted(_TOLD)}
