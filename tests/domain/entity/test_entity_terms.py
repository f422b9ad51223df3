"""Words for what entities say: every documented word has them, and what can be mended says how."""

import pytest

from tests.domain.entity.lives import AI, GATEWAY, PULL, PUSH, STT, TASK, agent, notification, session
from webhook.domain.products.agent_terms import AGENT
from webhook.domain.products.entity_terms import (
    UNDOCUMENTED,
    WORDS,
    Words,
    ends_abnormally,
    problem_term,
    reason_term,
    state_term,
)
from webhook.domain.products.stream_terms import GATEWAY_ERRORS
from webhook.samples import conversational_ai
from webhook.views.sessions import session_view

NAMES = {
    PUSH: "media_push",
    PULL: "media_pull",
    GATEWAY: "media_gateway",
    AI: "conversational_ai",
    STT: "speech_to_text",
}
REASONS = [
    *((PUSH, reason) for reason in ("Delete Request", "Idle Timeout", "Internal Error")),
    *((PULL, reason) for reason in ("Delete Request", "Idle Timeout", "Internal Error", "Stream Stopped")),
    *((AI, reason) for reason in ("OK", "Idle for too long", "Connecting for too long", "RTC connection error")),
    (AI, "Task lifetime limit exceeded"),
    *((STT, reason) for reason in ("OK", "Idle for too long", "RTC connection error")),
    *((STT, reason) for reason in ("Fatal ASR error", "Fatal Translation error", "uploaded", "backed up")),
    *((GATEWAY, term.name) for term in GATEWAY_ERRORS.values()),
]
STATES = [
    *((PUSH, state) for state in ("connecting", "running", "failed", "destroyed")),
    *((PULL, state) for state in ("connecting", "success", "running", "failed", "stopped", "destroyed")),
    *((AI, state) for state in ("START", "CALLING", "RINGING", "ANSWERED", "TRANSFERED", "HANGUP", "joined", "left")),
    *((STT, state) for state in ("joined", "left", "stored")),
    *((GATEWAY, state) for state in ("connected", "disconnected", "aborted")),
]


@pytest.mark.parametrize(("product_id", "reason"), REASONS)
def test_every_documented_reason_has_a_meaning(product_id: int, reason: str) -> None:
    assert reason_term(NAMES[product_id], reason).meaning != UNDOCUMENTED


@pytest.mark.parametrize(("product_id", "state"), STATES)
def test_every_documented_state_has_a_meaning(product_id: int, state: str) -> None:
    assert state_term(NAMES[product_id], state).meaning != UNDOCUMENTED


def test_what_is_bad_says_what_to_do() -> None:
    for words in WORDS.values():
        for term in (*words.states.values(), *words.reasons.values(), *words.problems.values()):
            assert term.severity in {"info", "warning", "critical"}
            assert term.action or term.severity == "info" or term.name == "aborted"
            assert term.meaning
            assert not term.action or term.action.endswith(".")


def test_keys_are_in_lower_case_so_that_any_spelling_finds_them() -> None:
    for words in WORDS.values():
        keys = [*words.states, *words.reasons, *(module for module, _ in words.problems)]
        assert keys == [key.lower() for key in keys]


def test_the_errors_of_the_gateway_are_all_there() -> None:
    assert sorted(GATEWAY_ERRORS) == list(range(1, 11))
    assert problem_term("media_gateway", "gateway", "7").meaning == "the encoder sent nothing for 10 s"
    assert problem_term("media_gateway", "gateway", "11").meaning == "the part called gateway complained with code 11"


def test_a_module_without_words_of_its_own_is_called_by_its_name() -> None:
    assert problem_term("conversational_ai", "LLM", "503").name == "llm"
    assert problem_term("conversational_ai", "odd", "").meaning == "the part called odd complained"
    assert problem_term("nobody", AGENT, "").meaning == "the part called agent complained"


def test_words_nobody_documents_are_said_to_be_so() -> None:
    assert state_term("media_push", "odd").meaning == UNDOCUMENTED
    assert reason_term("nobody", "odd").meaning == UNDOCUMENTED
    assert Words() == Words({}, {}, {})


@pytest.mark.parametrize(
    ("reason", "abnormal"),
    [
        (None, False),
        ("Delete Request", False),
        ("IDLE TIMEOUT", False),
        ("Internal Error", True),
        ("internal error", True),
        ("Odd reason", False),
        ("Server crashed", True),
        ("Publish failed", True),
    ],
)
def test_an_end_is_abnormal_by_its_words_else_by_their_sound(reason: str | None, abnormal: bool) -> None:
    assert ends_abnormally("media_push", reason) is abnormal


def test_an_agent_that_reached_its_longest_life_ended_normally() -> None:
    assert not ends_abnormally("conversational_ai", "Task lifetime limit exceeded")
    said = conversational_ai.left(agent, agent.started_ms, "", "Task lifetime limit exceeded")
    assert session_view(session(notification(AI, 102, said)))["state"] == "ended"


def test_products_of_two_numbers_share_their_words() -> None:
    assert TASK != STT
    assert set(WORDS) == {*NAMES.values(), "cloud_transcoding"}
