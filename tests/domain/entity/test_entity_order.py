"""Promise 3 of design.md for converters, players, ingest streams, transcoders and agents."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.entity.lives import (
    AI,
    AT_MS,
    GATEWAY,
    PRODUCTS,
    PULL,
    PUSH,
    TRANSCODER,
    agent,
    converter,
    fold,
    ingest,
    life,
    notification,
    session,
    shown,
    shuffled_batches,
    with_copies,
)
from webhook.domain.entity.state import MOST_MARKS, MOST_PROPERTIES, MOST_TROUBLES, Entity
from webhook.domain.states import State
from webhook.samples import conversational_ai, media_gateway, media_push
from webhook.store.codec import decode_session, encode_session
from webhook.views.sessions import session_view

seeds = st.integers(0, 2**32)


@pytest.mark.parametrize("product_id", PRODUCTS)
@settings(max_examples=200, deadline=None)
@given(seeds)
def test_no_order_and_no_copy_changes_what_is_known_of_an_entity(product_id: int, seed: int) -> None:
    random = Random(seed)
    said = with_copies(life(product_id, random), random)
    (in_turn,) = fold([said]).values()
    (shuffled,) = fold(shuffled_batches(said, random)).values()
    assert shown(shuffled) == shown(in_turn)
    assert decode_session(encode_session(shuffled)) == shuffled


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_entities_of_all_products_told_together_are_told_apart(seed: int) -> None:
    random = Random(seed)
    lives = {product_id: life(product_id, random) for product_id in PRODUCTS}
    apart = {product_id: session(*said) for product_id, said in lives.items()}
    renamed = [_renamed(each, str(product_id)) for product_id, said in lives.items() for each in said]
    together = fold(shuffled_batches(renamed, random))
    assert {key: view_without_id(together[key]) for key in together} == {
        str(product_id): view_without_id(alone) for product_id, alone in apart.items()
    }


def view_without_id(of: object) -> dict[str, object]:
    view = session_view(of)  # type: ignore[arg-type]
    del view["notifications"], view["revision"], view["id"]
    return view


def _renamed(said: dict[str, object], name: str) -> dict[str, object]:
    payload = dict(said["payload"])  # type: ignore[call-overload]
    for key in ("sid", "agent_id", "taskId"):
        payload |= {key: name} if key in payload else {}
    for key in ("converter", "player"):
        payload |= {key: payload[key] | {"id": name}} if key in payload else {}
    return said | {"payload": payload}


def test_lives_of_these_tests_reach_every_state() -> None:
    states = {
        session_view(session(*life(product_id, Random(seed))))["state"] for product_id in PRODUCTS for seed in range(60)
    }
    assert states == {"starting", "live", "ended", "failed"}


@pytest.mark.parametrize("earliest_first", [True, False])
@pytest.mark.parametrize("one_batch", [True, False])
def test_an_abort_without_time_happened_when_its_first_copy_was_sent(earliest_first: bool, one_batch: bool) -> None:
    payload = media_gateway.aborted(ingest, 7)
    copies = [notification(GATEWAY, 3, payload, AT_MS + late) for late in (5_000, 65_000)]
    said = copies if earliest_first else copies[::-1]
    (of,) = fold([said] if one_batch else [[each] for each in said]).values()
    view = session_view(of)
    assert (view["stateSince"], view["lastEventAt"]) == ("2025-11-24T16:00:05.000Z",) * 2
    assert [error["at"] for error in view["errors"]] == ["2025-11-24T16:00:05.000Z"]


def test_an_agents_error_without_time_moves_with_its_earliest_copy_and_leaves_the_rest_alone() -> None:
    faults = [conversational_ai.Fault("llm", 503, "no answer", 2)]
    failed = conversational_ai.failed(agent, faults)
    late, early = (notification(AI, 110, failed, AT_MS + after) for after in (90_000, 30_000))
    joined = notification(AI, 101, conversational_ai.joined(agent))
    (of,) = fold([[joined, late], [early]]).values()
    view = session_view(of)
    assert [error["at"] for error in view["errors"]] == ["2025-11-24T16:00:30.000Z"]
    assert (view["state"], view["lastEventAt"]) == ("live", "2025-11-24T16:00:30.000Z")


def test_ticks_do_not_make_an_entity_grow() -> None:
    ticks = [
        notification(PUSH, 3, media_push.state_changed(converter, AT_MS + 1_000 * tick, "running"))
        for tick in range(1_000)
    ]
    of = session(*ticks)
    assert isinstance(of.state, Entity)
    assert len(of.state.phases[State.LIVE].latest) == MOST_MARKS
    assert session_view(of)["stateSince"] == "2025-11-24T16:00:00.000Z"


def test_of_many_labels_and_troubles_the_newest_are_kept_whatever_the_order() -> None:
    said = [
        notification(
            AI,
            110,
            conversational_ai.failed(
                conversational_ai.Agent("a", "c", AT_MS, labels={f"l{number}-{inner}": "x" for inner in range(20)}),
                [conversational_ai.Fault("llm", number, "no answer")],
            ),
            AT_MS + number,
        )
        for number in range(40)
    ]
    of, turned = session(*said), session(*said[::-1])
    assert isinstance(of.state, Entity)
    assert (len(of.state.properties), len(of.state.troubles)) == (MOST_PROPERTIES, MOST_TROUBLES)
    assert [trouble.code for trouble in of.state.troubles] == [str(number) for number in range(20, 40)]
    assert shown(of) == shown(turned)


def test_an_entity_of_another_family_in_its_place_is_left_alone() -> None:
    of = session(notification(TRANSCODER, 999, {"serviceScene": "rtsc/cloud-transcoder", "taskId": "t"}))
    assert (of.product, of.state) == ("cloud_transcoding", Entity())
    assert session_view(of)["detail"] == {"createdAt": None, "state": None, "reason": None}


def test_a_player_is_no_converter() -> None:
    created = {"id": "x", "channelName": "c", "status": "running"}
    of = fold(
        [
            [
                notification(PULL, 4, {"player": created}),
                notification(PUSH, 3, {"converter": {"id": "y", "state": "running"}}),
            ]
        ]
    )
    assert {key: each.product for key, each in of.items()} == {"x": "media_pull", "y": "media_push"}
