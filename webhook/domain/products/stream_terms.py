"""What converters, players, ingest streams and transcoders say, in words (agora-notifications.md, section 8).

Words of the wire are keys in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping

from webhook.domain.products.vocabulary import Term

Terms = Mapping[str, Term]

GATEWAY = "gateway"

DELETED = Term("delete request", "it was deleted as asked")
IDLE = Term(
    "idle timeout",
    "nothing was there for it to work on for longer than its idleTimeout, so Agora removed it",
    "info",
    "Everybody left the channel, or the source sent nothing.",
    "If it should have gone on, see who left the channel, or raise idleTimeout.",
)

PUSH_REASONS: Terms = {
    "delete request": DELETED,
    "idle timeout": IDLE,
    "internal error": Term(
        "internal error",
        "the converter broke down inside Agora",
        "critical",
        "A server of Agora's failed, or the CDN kept refusing the stream.",
        "Create the converter again; if that fails too, check the RTMP address and ask Agora's support with its id.",
    ),
}
PUSH_STATES: Terms = {
    "connecting": Term("connecting", "it is connecting to the CDN; nothing is being pushed yet"),
    "running": Term("running", "it is pushing the stream to the CDN"),
    "failed": Term(
        "failed",
        "it cannot push the stream to the CDN",
        "critical",
        "The CDN does not answer, or refuses the address or its key.",
        "Check that the RTMP address is right, its key still valid, and the CDN reachable and ready for the stream.",
    ),
    "destroyed": Term("destroyed", "the converter is gone"),
}

PULL_REASONS: Terms = {
    "delete request": DELETED,
    "idle timeout": IDLE,
    "stream stopped": Term("stream stopped", "the source came to its end or stopped sending"),
    "internal error": Term(
        "internal error",
        "the player broke down inside Agora",
        "critical",
        "A server of Agora's failed, or the source could not be decoded.",
        "Create the player again; if that fails too, play the source elsewhere and ask Agora's support with its id.",
    ),
}
PULL_STATES: Terms = {
    "connecting": Term("connecting", "it is connecting to the source; nothing is being played yet"),
    "success": Term("success", "it has reached the source"),
    "running": Term("running", "it is playing the source into the channel"),
    "failed": Term(
        "failed",
        "it cannot play the source",
        "critical",
        "The address is wrong or not reachable, the source is not sending, or its format is not supported.",
        "Play the address elsewhere; check its key, its validity and its codecs.",
    ),
    "stopped": Term("stopped", "the source has ended or was stopped"),
    "destroyed": Term("destroyed", "the player is gone"),
}

GATEWAY_ERRORS: Mapping[int, Term] = {
    1: Term(
        "illegal key",
        "the stream key is not a stream key at all",
        "critical",
        "The encoder was given a key that is mistyped or cut off.",
        "Copy the whole stream key into the encoder again.",
    ),
    2: Term(
        "invalid key",
        "the stream key is not valid any more, or never was",
        "critical",
        "The key expired, was destroyed, or belongs to another project.",
        "Make a new stream key and give it to the encoder.",
    ),
    3: Term(
        "no permission",
        "the project may not bring streams in",
        "critical",
        "Media Gateway is not enabled for the project, or not in this region.",
        "Have Media Gateway enabled for the project in the region.",
    ),
    4: Term(
        "too many streams",
        "more streams come in than the project may have at once",
        "critical",
        "Encoders left streams open, or the limit is too low for the event.",
        "Stop streams that nobody needs, or have Agora raise the limit.",
    ),
    5: Term(
        "conflict",
        "another stream already comes in with this key or this uid",
        "warning",
        "Two encoders share a key, or one reconnected before its old stream was closed.",
        "Let only one encoder use the key; let a reconnecting one wait some seconds.",
    ),
    6: Term(
        "bitrate",
        "the stream has a higher bitrate than is allowed",
        "critical",
        "The encoder is set to more than Media Gateway takes.",
        "Lower the encoder's bitrate.",
    ),
    7: Term(
        "no data for 10 s",
        "the encoder sent nothing for 10 s",
        "critical",
        "The encoder stopped or stalled, or its network broke.",
        "Check that the encoder runs and that its uplink carries the bitrate.",
    ),
    8: Term(
        "join failed",
        "the stream came in but could not join the channel",
        "critical",
        "The channel, the uid or a token that belongs to the key is refused.",
        "Check the channel and uid of the stream key, and whether the uid was banned.",
    ),
    9: Term(
        "network",
        "the connection to the encoder or inside Agora broke",
        "critical",
        "The network between the encoder and Agora is unstable.",
        "Let the encoder reconnect; if it happens again, use another network or region.",
    ),
    10: Term(
        "unknown",
        "Agora does not know why the stream broke",
        "critical",
        "",
        "Let the encoder reconnect; if it happens again, ask Agora's support with the sid.",
    ),
}
GATEWAY_STATES: Terms = {
    "connected": Term("connected", "the stream comes in"),
    "disconnected": Term("disconnected", "the encoder ended the stream"),
    "aborted": Term("aborted", "the stream was refused or lost", "critical"),
}

TRANSCODING_STATES: Terms = {
    "transcoder success": Term("transcoder success", "it was created and has started"),
    "running": Term("running", "it is mixing and sending its streams"),
    "failed": Term(
        "failed",
        "it cannot mix or send its streams",
        "critical",
        "The channel, a uid or a token that it was given is refused, or a server of Agora's failed.",
        "Check channel, uids and tokens of its inputs and outputs, then create it again.",
    ),
    "stopped": Term("stopped", "the transcoder is gone"),
}
TRANSCODING_REASONS: Terms = {"stop request": Term("stop request", "it was stopped as asked")}
