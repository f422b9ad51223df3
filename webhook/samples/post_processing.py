"""Payloads about recorded files after the recording, productId 3: VoD, transcoding, download (section 4)."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from webhook.samples.recording import SERVICE, Payload, Speaker, told

EXTENSION, DOWNLOADER = 4, 8  # serviceType
TRANSCODER = 7  # serviceType of 80 and 81 in older editions; section 4 names none


class Storage(Struct, frozen=True):
    """The customer's storage as the start request names it; vendor 1 is Amazon S3 (section 9)."""

    vendor: int = 1
    region: int = 0
    bucket: str = "bucket-of-a-sample"


class Transcoded(Struct, frozen=True):
    """What became of one user's files: `result` success or fail, and the MP4 made of them."""

    uid: str
    result: str
    file_name: str


def vod_started(by: Speaker, video_id: str) -> Payload:
    """Type 60: the upload to the video-on-demand service began."""
    return told(by, EXTENSION, "vod_started", aliVodInfo={"videoId": video_id})


def vod_triggered(by: Speaker) -> Payload:
    """Type 61: the video-on-demand service has all files."""
    return told(by, EXTENSION, "vod_triggered")


def transcoder_started(by: Speaker) -> Payload:
    """Type 80: the transcoding of the files began."""
    return told(by, TRANSCODER, "transcoder_started")


def transcoder_completed(by: Speaker, result: str, uids: Iterable[Transcoded]) -> Payload:
    """Type 81: the transcoding ended; `result` all_success, partial_success or fail."""
    return told(by, TRANSCODER, "transcoder_completed", result=result, uids=[_of_user(each) for each in uids])


def _of_user(done: Transcoded) -> Payload:
    return {"uid": done.uid, "result": done.result, "fileList": [{"fileName": done.file_name}]}


def download_failed(by: Speaker, file_names: Iterable[str], storage: Storage | None = None) -> Payload:
    """Type 90: files could not be fetched for transcoding; their names stand in one string, joined by `;`."""
    place = storage or Storage()
    where = {"vendor": place.vendor, "region": place.region, "bucket": place.bucket}
    return told(by, DOWNLOADER, "download_failed", **where, fileName=";".join(file_names))


def transcoding_finished(by: Speaker, result: str, file_names: Iterable[str]) -> Payload:
    """Type 1001: the last word on transcoding; `result` total_success, partial_success or failed."""
    files = [{"fileName": name} for name in file_names]
    return told(by, SERVICE, "postpone_transcode_final_result", result=result, fileList=files)
