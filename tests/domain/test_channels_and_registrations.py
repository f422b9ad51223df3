import pytest
from msgspec.structs import replace

from tests.build import AT_MS, LIMITS, SID, Kept, fold, reading, started, video
from webhook.domain.channels import channel_id, parse_channel_id
from webhook.domain.facets import gauges, indexes
from webhook.domain.folding import Folding, Known, Limits
from webhook.domain.log import Outcome
from webhook.domain.refolding import refold
from webhook.domain.registration import Registration, latest
from webhook.domain.states import State
from webhook.domain.status import status_of
from webhook.samples import sample


@pytest.mark.parametrize("channel", ["lobby", "a b", "Q&A: <live>", "a.b~c", "rtc:x", "%41", "naïve", "/"])
def test_a_channels_id_names_its_project_and_its_channel(channel: str) -> None:
    assert parse_channel_id(channel_id("talks", channel)) == ("talks", channel)


@pytest.mark.parametrize("text", ["", "rtc:talks", "rtc:talks:", "rtc:talks:a b", "rtc:talks:%41", "rtc:a:b:c", "s1"])
def test_what_no_channel_is_called_by_names_none(text: str) -> None:
    assert parse_channel_id(text) is None


@pytest.mark.parametrize(("product", "kind"), [("media_push", 1), ("media_pull", 1)])
def test_who_is_folded_elsewhere_is_listed_as_elsewhere_and_has_no_streams(product: str, kind: int) -> None:
    kept = Kept()
    kept.fold(sample(product, kind))
    (session,) = kept.sessions.values()
    names = {name.partition(":")[0] for name in indexes(session)}
    assert {"elsewhere", "running-elsewhere"} <= names
    assert not {"channel", "running-channel"} & names
    assert not [name for name in gauges(session) if name.startswith("streams:")]


def registered(at_ms: int = AT_MS, resource_id: str = "r1") -> Registration:
    return Registration(at_ms, SID, resource_id, "individual", "default", "Testing2")


def test_of_two_registrations_the_later_counts_and_at_one_instant_always_the_same() -> None:
    first, later, other = registered(), registered(AT_MS + 1), registered(resource_id="r2")
    assert latest(None, first) == first
    assert latest(first, later) == latest(later, first) == later
    assert latest(first, other) == latest(other, first)


def test_a_registered_session_is_expected_until_it_is_heard_of() -> None:
    folding = Folding(Known(), LIMITS)
    folding.register(registered())
    assert status_of(folding.sessions[SID]).state is State.EXPECTED
    folding.take(reading(started()))
    assert status_of(folding.sessions[SID]).state is State.STARTING
    assert folding.sessions[SID].registration == registered()


def test_an_entry_of_a_later_release_counts_as_known_and_is_left_alone() -> None:
    said = reading(started())
    folding = Folding(Known(unreadable={(said.log, said.field)}), LIMITS)
    assert folding.take(said) is Outcome.DUPLICATE
    assert folding.entries == {}
    assert folding.touched == []


def test_no_more_unknown_fields_are_counted_than_the_limit_says() -> None:
    said = video(0)
    said["payload"]["details"] |= {f"field {number}": number for number in range(9)}
    folding = Folding(Known(), Limits(log_per_session=4096, retention_ms=LIMITS.retention_ms, drifted=5))
    folding.take(reading(said))
    assert sum(folding.drift.values()) == 5


def test_a_session_of_which_nothing_is_kept_is_folded_to_what_it_was() -> None:
    session = fold(started())
    assert refold(session, []) == session


def test_an_entry_that_states_no_fact_adds_nothing_when_a_session_is_folded_again() -> None:
    session, entry = fold(started()), reading(started()).entry
    no_fact = reading(b"null").entry
    assert refold(session, [entry, no_fact]) == refold(session, [entry]) == session
    assert refold(session, [replace(entry, occurred_ms=None)]) == session
