"""Every code that is documented has words."""

import pytest

from webhook.domain.products import recording_terms as terms
from webhook.domain.products.recording_terms import error_term, leave_words, warning_term

TABLES = [
    (terms.MODULES, {0, 1, 2, 6}),
    (terms.LEVELS, {1, 2, 3, 4, 5}),
    (terms.UPLOADER_ERRORS, {32, 47, 51}),
    (terms.SERVICE_ERRORS, {50, 52}),
    (terms.COMMON_ERRORS, {110}),
    (terms.UPLOADER_WARNINGS, {31, 32}),
    (terms.STATUSES, {*range(9), 20}),
    (terms.LEAVE_BITS, {0, 2, 4, 8, 16}),
    (terms.WEB_STOPS, set(range(7))),
    (terms.LIMITS, {"resolution", "WebGL", "bandwidth"}),
    (terms.RELOADS, {"audio_silence", "page_load_timeout"}),
    (terms.RESULTS, {"started", "all_success", "partial_success", "fail", "total_success", "failed"}),
    (terms.PUBLISH_STATES, {"connecting", "publishing", "onhold", "disconnected"}),
]


@pytest.mark.parametrize(("table", "codes"), TABLES)
def test_a_vocabulary_has_each_documented_code_with_a_meaning(
    table: dict[object, terms.Term], codes: set[object]
) -> None:
    assert table.keys() == codes
    assert all(term.name and term.meaning for term in table.values())
    assert len({term.name for term in table.values()}) == len(codes)
    assert {term.severity for term in table.values()} <= {"info", "warning", "critical"}


@pytest.mark.parametrize("table", [terms.UPLOADER_ERRORS, terms.SERVICE_ERRORS, terms.COMMON_ERRORS])
def test_an_error_says_why_and_what_to_do(table: dict[int, terms.Term]) -> None:
    assert all(term.cause and term.action and term.severity == "critical" for term in table.values())


@pytest.mark.parametrize(
    ("module", "code", "name"),
    [
        ("uploader", 32, "storage_misconfigured"),
        ("uploader", 47, "upload_failed"),
        ("uploader", 51, "uploader_failed"),
        ("service", 50, "upload_timed_out"),
        ("service", 52, "start_timed_out"),
        ("recorder", 110, "token_refused"),
        ("service", 110, "token_refused"),
        ("recorder", 47, "code_47"),
        ("service", 32, "code_32"),
        ("code_9", 1, "code_1"),
    ],
)
def test_what_an_error_code_means_depends_on_its_module(module: str, code: int, name: str) -> None:
    assert error_term(module, code).name == name


@pytest.mark.parametrize(
    ("module", "code", "name"),
    [("uploader", 31, "uploading_again"), ("uploader", 32, "uploading_to_backup_again"), ("recorder", 31, "code_31")],
)
def test_what_a_warning_code_means_depends_on_its_module(module: str, code: int, name: str) -> None:
    assert warning_term(module, code).name == name


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0, ("init_failed",)),
        (2, ("sigint",)),
        (4, ("no_users",)),
        (8, ("ignore",)),
        (16, ("left_channel",)),
        (24, ("ignore", "left_channel")),
        (30, ("sigint", "no_users", "ignore", "left_channel")),
        (1, ("code_1",)),
        (64, ("code_64",)),
        (80, ("left_channel", "code_64")),
    ],
)
def test_every_bit_of_a_leave_code_is_a_reason(code: int, expected: tuple[str, ...]) -> None:
    assert leave_words(code) == expected
