"""Ages in a word."""

from __future__ import annotations

import pytest

from tests.views.aged import AGES
from webhook.views.ages import age


@pytest.mark.parametrize(("seconds", "words"), AGES)
def test_an_age_is_told_in_whole_units_of_the_greatest_kind_that_has_passed(seconds: float, words: str) -> None:
    assert age(seconds) == words
