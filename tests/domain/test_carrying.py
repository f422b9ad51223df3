"""Dead letters that another shard takes over: all their copies go with them, once, and what came since stays."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.build import RECEIVED_MS, Notification, arrival, fold, notification, reading, snapshot, video
from tests.domain.setting_aside import Shop, broken, copied, faulty
from webhook.domain.arrivals import quarantined
from webhook.domain.log import DEAD, Entry
from webhook.domain.replaying import Answer, Verdict, give_up, read_again, take_over, unread

NO_TABLE_KNOWS = notification(46, {})


def aside(said: Notification, *names: str) -> tuple[Shop, str, Entry]:
    """A shop in which this was set aside, under its own name and these; its dead letter's name, and the letter."""
    shop = broken(said)
    for name in names:
        tell_broken(shop, copied(said, name))
    return shop, *shop.only_dead()


def tell_broken(shop: Shop, said: Notification) -> None:
    """What is told while it still cannot be applied."""
    with faulty({reading(said).field}):
        shop.tell([reading(said)])


def take(shop: Shop, carried: Entry) -> Answer:
    folding = shop.begin()
    answer = take_over(folding, carried, read_again(carried, "default"))
    shop.end(folding)
    return answer


def given_up(shop: Shop, field: str, carried: Entry) -> Answer:
    folding = shop.begin()
    answer = give_up(folding, field, carried)
    shop.end(folding)
    return answer


def names(entry: Entry) -> dict[str, int]:
    return {copy.notice_id: copy.count for copy in entry.copies}


def test_what_is_taken_over_is_folded_with_all_its_copies_and_counts_each() -> None:
    _, _, carried = aside(video(1), "second", "third")
    there = Shop()
    assert take(there, carried) == Answer(Verdict.APPLIED)
    assert there.session().state == fold(video(1)).state
    assert (there.session().received, there.session().duplicates) == (3, 2)


def test_taken_over_again_it_changes_nothing() -> None:
    _, _, carried = aside(video(1), "second")
    there = Shop()
    take(there, carried)
    before = there.session(), dict(there.entries)
    assert take(there, carried) == Answer(Verdict.UNCHANGED)
    assert (there.session(), there.entries) == before


def test_of_what_came_to_both_only_the_news_are_taken_over() -> None:
    shop, field, carried = aside(video(1), "second")
    there = Shop()
    take(there, carried)
    tell_broken(shop, copied(video(1), "third"))
    assert take(there, shop.dead()[field]) == Answer(Verdict.UNCHANGED)
    (entry,) = there.log("session:" + there.session().id).values()
    assert set(names(entry)) == {*names(carried), "third"}
    assert there.session().received == 3


def test_an_event_that_no_table_knows_is_applied_where_it_has_a_session() -> None:
    entry = replace(reading(NO_TABLE_KNOWS).entry, outcome=reading(notification(44, {})).entry.outcome)
    assert take(Shop(), entry).verdict is Verdict.APPLIED


def test_what_cannot_be_read_there_either_is_a_dead_letter_there() -> None:
    there = Shop()
    carried = reading(notification(44, {})).entry
    answer = take(there, carried)
    assert (answer.verdict, bool(answer.detail)) == (Verdict.FAILED, True)
    assert list(map(names, there.dead().values())) == [names(carried)]


def test_what_nobody_reads_is_a_dead_letter_for_the_reason_told() -> None:
    _, field, carried = aside(video(1), "second")
    there = Shop()
    there.tell([unread(field, carried, "too dangerous")])
    name, entry = there.only_dead()
    assert (name, entry.error, entry.heard, names(entry)) == (field, "too dangerous", False, names(carried))


def test_what_was_carried_is_given_up() -> None:
    shop, field, carried = aside(video(1), "second")
    assert given_up(shop, field, carried) == Answer(Verdict.DISCARDED)
    assert shop.dead() == {}
    assert given_up(shop, field, carried) == Answer(Verdict.GONE)


@pytest.mark.parametrize(("name", "left"), [("third", {"third": 1}), ("second", {"second": 1})])
def test_what_came_while_it_was_carried_stays(name: str, left: dict[str, int]) -> None:
    shop, field, carried = aside(video(1), "second")
    tell_broken(shop, copied(video(1), name))
    assert given_up(shop, field, carried) == Answer(Verdict.DISCARDED)
    assert names(shop.dead()[field]) == left
    assert set(shop.dead()[field].receipts).isdisjoint(carried.receipts)
    assert given_up(shop, field, carried) == Answer(Verdict.GONE)


def test_names_that_found_no_room_go_with_those_that_did() -> None:
    shop, field, carried = aside(video(1), *(f"copy {number}" for number in range(10)))
    assert carried.least_unlisted is not None
    tell_broken(shop, copied(video(1), "one too many"))
    assert given_up(shop, field, carried) == Answer(Verdict.DISCARDED)
    assert shop.dead() == {}


def test_a_body_that_nobody_could_read_is_taken_over_under_its_own_name() -> None:
    said = snapshot()
    raw = reading(said).entry.body
    carried = quarantined(arrival(raw), RECEIVED_MS, "an earlier release could not read it").entry
    there = Shop()
    assert take(there, carried) == Answer(Verdict.APPLIED)
    (entry,) = there.log("session:" + there.session().id).values()
    assert names(entry) == {said["noticeId"]: 1}
    assert not there.log(DEAD)
