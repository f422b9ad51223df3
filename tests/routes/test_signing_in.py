"""The cookie of a browser that signed in."""

from __future__ import annotations

import pytest
from itsdangerous import URLSafeSerializer, URLSafeTimedSerializer

from webhook.routes import signing_in
from webhook.routes.signing_in import holder, sign
from webhook.settings import ApiToken

ANN = ApiToken("ann", "reader", "token-of-ann")
BOB = ApiToken("bob", "operator", "token-of-bob")


def forged(name: object, secret: str, salt: str = "vigil signed in") -> str:
    return str(URLSafeTimedSerializer(secret, salt=salt).dumps(name))


def test_whoever_showed_a_token_is_its_holder() -> None:
    assert holder((ANN, BOB), sign(ANN)) == ANN
    assert holder((ANN, BOB), sign(BOB)) == BOB


def test_the_cookie_does_not_show_the_token() -> None:
    assert "token-of-ann" not in sign(ANN)


def test_a_token_that_is_changed_signs_its_holders_out_and_nobody_else() -> None:
    changed = (ApiToken("ann", "reader", "another-token"), BOB)
    assert holder(changed, sign(ANN)) is None
    assert holder(changed, sign(BOB)) == BOB


def test_a_token_that_is_removed_signs_its_holders_out() -> None:
    assert holder((BOB,), sign(ANN)) is None
    assert holder((), sign(ANN)) is None


def test_a_token_whose_role_was_changed_gives_its_new_role() -> None:
    promoted = ApiToken("ann", "operator", "token-of-ann")
    assert holder((promoted,), sign(ANN)) == promoted


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "x",
        "a.b.c",
        sign(ANN)[:-2],
        forged("bob", ANN.token),
        forged("ann", "guessed"),
        forged("ann", ""),
        forged("ann", ANN.token, salt="vigil said"),
        forged(["ann"], ANN.token),
        forged({"name": "ann"}, ANN.token),
        forged(None, ANN.token),
        str(URLSafeSerializer(ANN.token, salt="vigil signed in").dumps("ann")),
        "\u00e9.\u00e9.\u00e9",
        "." * 100,
    ],
    ids=range(14),  # what is signed differs each second, and processes have to agree on names
)
def test_what_no_token_signed_names_nobody(cookie: str) -> None:
    assert holder((ANN, BOB), cookie) is None


def test_after_a_shift_the_cookie_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = sign(ANN)
    monkeypatch.setattr(signing_in, "LASTS", -1)
    assert holder((ANN,), cookie) is None
