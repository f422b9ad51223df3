import pytest

from webhook.domain.errors import (
    ConfigurationError,
    LeaseLost,
    Refused,
    Rejected,
    StoreError,
    Undecodable,
    Unusable,
    Unverified,
    VigilError,
)


@pytest.mark.parametrize("kind", [ConfigurationError, Rejected, Unusable, Undecodable, StoreError, LeaseLost])
def test_everything_raised_on_purpose_is_of_one_tree(kind: type[Exception]) -> None:
    assert issubclass(kind, VigilError)


def test_all_mistakes_of_a_configuration_are_said_at_once() -> None:
    mistake = ConfigurationError(["PORT is no number", "VIGIL_ACK is unknown"])
    assert mistake.problems == ["PORT is no number", "VIGIL_ACK is unknown"]
    assert str(mistake) == "PORT is no number\nVIGIL_ACK is unknown"


def test_a_rejection_says_how_it_is_answered() -> None:
    rejection = Rejected(422, "Bad request", "limit is 0", [{"path": "limit", "message": "at least 1"}])
    assert (rejection.status, rejection.title, rejection.detail) == (422, "Bad request", "limit is 0")
    assert rejection.errors == [{"path": "limit", "message": "at least 1"}]
    assert str(rejection) == "limit is 0"


def test_a_refusal_says_under_which_reason_it_is_counted() -> None:
    refusal = Refused(413, "Body too large", "more than 5 bytes", reason="too_large")
    assert (refusal.status, refusal.reason, refusal.errors) == (413, "too_large", None)


def test_who_is_not_agora_is_answered_401() -> None:
    refusal = Unverified("missing", "no header")
    assert isinstance(refusal, Refused)
    assert (refusal.status, refusal.title, refusal.reason) == (401, "Signature not verified", "missing")
