"""Tellings and batches that tests of sinks send."""

from __future__ import annotations

from typing import Any

from webhook.domain.alerting.alerts import Severity
from webhook.domain.alerting.delivery import Batch, batch_id
from webhook.domain.alerting.telling import Ack, Telling, Transition
from webhook.views.times import parse_rfc3339

PUBLIC = "https://vigil.example.org"
STARTED = parse_rfc3339("2026-11-23T03:00:00Z")
ENDED = parse_rfc3339("2026-11-23T03:04:05Z")
ROUTING_KEY = "0123456789abcdef0123456789abcdef"
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
HOSTILE = (
    "<img src=x onerror=alert(1)></script> <!channel> <http://evil|x> @everyone @here [click](http://evil) `rm` **b** "
    "__u__ ~~s~~ # h > q &lt;b&gt; {{t}} \u202egnp.exe\u200b line\r\nSubject: spoofed\x1b[31m"
)
ACTS = (  # what must not arrive, wherever it would act
    "<img", "</script", "<!channel", "<http", "@everyone", "@here", "](", "http://evil", "`", "**", "__", "~~", "{{",
    "\u202e", "\u200b", "\x1b", "\nSubject", "&lt;",
)  # fmt: skip


def telling(transition: Transition = Transition.FIRING, alert: int = 1, **more: Any) -> Telling:
    """One telling of the `alert` with that number of channel lesson-12."""
    severity = more.get("severity", Severity.CRITICAL)
    labels = {
        "rule": "recording_error", "product": "cloud_recording", "project": "school", "channel": "lesson-12",
        "session": "d12fdce9024d37862a8f3a88e387c817", "uid": "123", "track": "", "source": "default",
        "severity": severity.value,
    } | more.pop("labels", {})  # fmt: skip
    resolved = {"resolved_ms": ENDED, "resolution": "recovered"} if transition is Transition.RESOLVED else {}
    ack = {"acknowledged": Ack("ann", ENDED, "on it"), "number": 1} if transition is Transition.ACKNOWLEDGED else {}
    return Telling(**{
        "key": f"3-00ff-{alert}:{transition.value}", "sink": "here", "alert_id": f"3-00ff-{alert}",
        "transition": transition, "group": f"school/{labels['channel']}", "decided_ms": STARTED + 2000,
        "rule": labels["rule"], "severity": severity, "first_severity": severity, "labels": labels,
        "summary": "fatal error 47 of the uploader: the disk is full", "meaning": "No more can be written.",
        "action": "Make room.", "started_ms": STARTED, "fired_ms": STARTED + 2000,
    } | resolved | ack | more)  # fmt: skip


def hostile(transition: Transition = Transition.FIRING) -> Telling:
    """A telling in which every word from the wire would like to act."""
    words = {"channel": HOSTILE[:64], "uid": "@everyone", "session": "<!channel>"}
    return telling(transition, labels=words, summary=HOSTILE, meaning=HOSTILE, action=HOSTILE)


def batch(*tellings: Telling) -> Batch:
    """What goes out as one; the alert of `telling()` where nothing else is said."""
    told = tellings or (telling(),)
    return Batch(id=batch_id(each.key for each in told), tellings=told, sealed_ms=STARTED + 3000)
