import pytest

from webhook.domain.products.rtc_terms import (
    ABNORMAL_USER,
    CLIENT_TYPES,
    LEAVE_REASONS,
    PLATFORMS,
    client_type_word,
    is_service,
    leave_reason_term,
    platform_word,
)


def test_every_documented_leave_reason_is_explained() -> None:
    assert set(LEAVE_REASONS) == {0, 1, 2, 3, 4, 5, 9, 10, 12, 99, 999}
    for code, term in LEAVE_REASONS.items():
        assert term.meaning
        assert term.severity in {"info", "warning", "critical"}
        assert code <= 1 or (term.cause and term.action)
    assert len({term.name for term in LEAVE_REASONS.values()}) == len(LEAVE_REASONS)


def test_an_abnormal_user_is_to_be_banned_a_minute_later() -> None:
    term = leave_reason_term(ABNORMAL_USER)
    assert term.severity == "warning"
    assert "Ban the user 60 s after" in term.action


def test_a_code_that_is_not_documented_says_so() -> None:
    assert leave_reason_term(77).name == "code_77"
    assert "77" in leave_reason_term(77).meaning


def test_platforms_and_client_types_have_words() -> None:
    assert set(PLATFORMS) == {0, 1, 2, 5, 6, 7, 8}
    assert set(CLIENT_TYPES) == {3, 8, 10, 28, 30, 43, 47, 48, 50, 60, 68}
    assert (platform_word(7), platform_word(3), platform_word(None)) == ("web", "code_3", None)
    assert (client_type_word(10), client_type_word(1), client_type_word(None)) == ("cloud_recording", "code_1", None)


@pytest.mark.parametrize("client_type", [3, 10, 28, 30, 43, 47, 48, 50, 60, 68])
def test_services_are_no_people(client_type: int) -> None:
    assert is_service(client_type)


@pytest.mark.parametrize("client_type", [None, 0, 8, 1, 999])
def test_people_are(client_type: int | None) -> None:
    assert not is_service(client_type)
