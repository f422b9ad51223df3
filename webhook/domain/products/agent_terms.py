"""What agents of Conversational AI and STT say, in words (agora-notifications.md, section 8).

Words of the wire are keys in lower case. Codes of an agent's modules are not documented; most are those of HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping

from webhook.domain.products.vocabulary import Term

Terms = Mapping[str, Term]

AGENT, TOKEN, UPLOADER = "agent", "token", "uploader"
UPLOADED, BACKED_UP = "uploaded", "backed up"
LATENCIES = ("asr_ttlw", "llm_ttfb", "llm_ttfs", "tts_ttfb")  # ms to the last word heard, and to a part's first answer

OK = Term("ok", "it was stopped as asked")
IDLE = Term(
    "idle for too long",
    "nobody it could listen to was in the channel for longer than its idle timeout",
    "info",
    "The users left, or those it is to listen to never came.",
    "If it should have stayed, see who left the channel, or raise the idle timeout.",
)
RTC_ERROR = Term(
    "rtc connection error",
    "it lost the channel or could not join it",
    "critical",
    "Its token is wrong or expired, its uid is in use or banned, or the network broke.",
    "Check token and uid that it was started with, then start it again.",
)

AI_REASONS: Terms = {
    "ok": OK,
    "idle for too long": IDLE,
    "connecting for too long": Term(
        "connecting for too long",
        "it did not manage to join the channel in time",
        "critical",
        "Its token or channel is wrong, or one of its modules did not start.",
        "Check the token, the channel and the settings of its modules, then start it again.",
    ),
    "rtc connection error": RTC_ERROR,
    "task lifetime limit exceeded": Term(
        "task lifetime limit exceeded",
        "it had run for as long as an agent may",
        "warning",
        "An agent is stopped when it reaches the longest time that Agora lets one run.",
        "If the conversation should go on, start a new agent.",
    ),
}
AI_STATES: Terms = {
    "joined": Term("joined", "the agent is in the channel"),
    "left": Term("left", "the agent has left the channel"),
}
CALL_STATES: Terms = {
    "start": Term("start", "the call was asked for"),
    "calling": Term("calling", "the number is being called"),
    "ringing": Term("ringing", "it rings; nobody has answered yet"),
    "answered": Term("answered", "the call was answered"),
    "transfered": Term("transfered", "the call was passed on to somebody else"),
    "hangup": Term("hangup", "the call is over"),
}

_PROVIDER = (
    "Check the provider's address, model, key and quota in the agent's settings; codes are mostly those of HTTP."
)
AI_PROBLEMS: Mapping[tuple[str, str], Term] = {
    (AGENT, ""): Term(AGENT, "the agent met an error", "critical", "", "Ask Agora's support with the agent's id."),
    (TOKEN, ""): Term(
        TOKEN,
        "the agent's token is about to expire, or its time is up",
        "warning",
        "When it expires the agent can no longer stay in the channel.",
        "Update the agent with a new token.",
    ),
    ("llm", ""): Term(
        "llm",
        "the language model did not answer as it should",
        "critical",
        "Its provider is down, refuses the key, or the quota is spent.",
        _PROVIDER,
    ),
    ("tts", ""): Term(
        "tts",
        "the agent's voice failed: text was not turned into speech",
        "critical",
        "Its provider is down, refuses the key, or does not know the voice.",
        _PROVIDER,
    ),
    ("asr", ""): Term(
        "asr",
        "the agent's hearing failed: speech was not turned into text",
        "critical",
        "Its provider is down, refuses the key, or does not know the language.",
        _PROVIDER,
    ),
    ("mllm", ""): Term(
        "mllm",
        "the model that hears and speaks by itself did not answer as it should",
        "critical",
        "Its provider is down, refuses the key, or the quota is spent.",
        _PROVIDER,
    ),
    ("avatar", ""): Term(
        "avatar",
        "the agent's picture failed",
        "warning",
        "The avatar's provider is down, refuses the key, or its quota is spent.",
        _PROVIDER,
    ),
    ("sip", ""): Term(
        "sip",
        "the telephone line failed",
        "critical",
        "The carrier refuses the call, or its balance is spent.",
        "Check the number, the trunk's settings and the balance at the carrier.",
    ),
}

STT_REASONS: Terms = {
    "ok": OK,
    "idle for too long": IDLE,
    "rtc connection error": RTC_ERROR,
    "fatal asr error": Term(
        "fatal asr error",
        "the recognition of speech broke down",
        "critical",
        "The service that recognises speech failed, or does not take the language.",
        "Check the languages it was started with, then start it again; ask Agora's support with the agent's id.",
    ),
    "fatal translation error": Term(
        "fatal translation error",
        "the translation broke down",
        "critical",
        "The service that translates failed, or does not take the pair of languages.",
        "Check the languages it was started with, then start it again; ask Agora's support with the agent's id.",
    ),
    UPLOADED: Term(UPLOADED, "all texts are in the customer's storage"),
    BACKED_UP: Term(
        BACKED_UP,
        "at least one text went to Agora's backup, which delivers it later",
        "warning",
        "The customer's storage refused it or could not be reached.",
        "Check the storage's settings and rights.",
    ),
}
STT_STATES: Terms = {**AI_STATES, "stored": Term("stored", "the task is over and its texts are stored")}
STT_PROBLEMS: Mapping[tuple[str, str], Term] = {
    (UPLOADER, ""): Term(
        UPLOADER,
        "the upload of the texts did not work as it should",
        "critical",
        "The storage is configured wrongly, refuses the files, or could not be reached.",
        "Check vendor, region, bucket, keys and rights of the storage the task was started with.",
    ),
}
