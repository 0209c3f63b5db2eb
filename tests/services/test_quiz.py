from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType

import pytest
from sqlalchemy import func, select

from assessor.config import Settings
from assessor.content.answers import ChoiceKey, OrderingKey
from assessor.content.schema import Catalogue
from assessor.models.profile import Evidence
from assessor.models.quiz import Answer, Attempt
from assessor.models.session import make_engine
from assessor.services.errors import Conflict, Invalid
from assessor.services.permissions import Actor
from assessor.services.quiz import COOL_DOWN, Said
from assessor.services.sitting import MOST_ALL, MOST_ONE, shuffled
from assessor.services.unit import UnitFactory
from tests.bank import RIGHT, small_bank
from tests.services.conftest import Clock

LAYER = "mathematical-foundations"


@pytest.fixture
def unit(settings: Settings, catalogue: Catalogue, clock: Clock) -> Iterator[UnitFactory]:
    factory = UnitFactory(make_engine(settings.database_url), small_bank(catalogue), settings, clock)
    yield factory
    factory.engine.dispose()


def start(unit: UnitFactory, actor: Actor, mode: str = "measured", **scope: str) -> int:
    with unit(write=True) as u:
        return u.quiz.start(actor.person_id, mode, **scope).id  # type: ignore[arg-type]


def said(attempt: Attempt, answer: Answer, catalogue: Catalogue, *, right: bool) -> Said:
    """Return what a page sends for a right or a wrong answer."""
    item = catalogue.items[answer.item_id]
    match item.key:
        case ChoiceKey(options=options) as key:
            order = shuffled(attempt, answer, len(options))
            place = order.index(key.right)
            return Said([str(place if right else (place + 1) % len(options))])
        case OrderingKey(entries=entries):
            order = shuffled(attempt, answer, len(entries))
            ranks = [place + 1 for place in order]
            return Said([str(rank if right else len(order) + 1 - rank) for rank in ranks])
    return Said(RIGHT[item.type] if right else ["7"])


def answer_next(unit: UnitFactory, attempt_id: int, *, right: bool) -> bool:
    """Answer the question that waits; return whether one did."""
    with unit() as u:
        attempt = u.quiz.attempt(attempt_id)
        page = u.quiz.question(attempt)
    if page is None or page.item is None:
        return False
    with unit(write=True) as u:
        assert u.quiz.answer(attempt_id, page.answer.place, 1, said(attempt, page.answer, u.catalogue, right=right))
    return True


def rows(unit: UnitFactory, actor: Actor) -> list[Evidence]:
    with unit() as u:
        return list(u.session.scalars(select(Evidence).where(Evidence.person_id == actor.person_id)))


def test_a_whole_quiz_becomes_one_row_of_evidence_for_each_layer(unit: UnitFactory, actor: Actor) -> None:
    attempt_id = start(unit, actor, domain="finance")
    asked = 0
    while answer_next(unit, attempt_id, right=asked % 3 != 0):
        asked += 1
    assert asked == MOST_ALL
    found = rows(unit, actor)
    assert sorted(row.layer for row in found) == list(range(10))
    assert {(row.instrument, row.attempt_id, row.source) for row in found} == {
        ("quiz", attempt_id, f"quiz:{attempt_id}")
    }
    with unit() as u:
        result = u.quiz.result(u.quiz.attempt(attempt_id))
        view = u.profile.view(actor.person_id)
    assert (result.answered, result.right) == (40, 26)
    assert len(result.results) == 10
    assert all(layer.measured and layer.verified for layer in view.layers)
    assert all(abs(sum(layer.provenance.values()) - 1) < 1e-9 for layer in view.layers)


def test_right_answers_give_higher_levels_than_wrong_ones(unit: UnitFactory, actor: Actor) -> None:
    high = start(unit, actor, layer_key=LAYER)
    while answer_next(unit, high, right=True):
        pass
    low = start(unit, actor, layer_key="data-engineering")
    while answer_next(unit, low, right=False):
        pass
    by_layer = {row.layer: row.level for row in rows(unit, actor)}
    assert by_layer[0] > 3.0 > 2.0 > by_layer[2]


def test_a_quiz_of_one_layer_asks_that_layer_alone_and_at_most_what_there_is(unit: UnitFactory, actor: Actor) -> None:
    attempt_id = start(unit, actor, layer_key=LAYER)
    while answer_next(unit, attempt_id, right=True):
        pass
    with unit() as u:
        attempt = u.quiz.attempt(attempt_id)
    assert len(attempt.answers) == min(4, MOST_ONE)
    assert {one.layer for one in attempt.answers} == {0}


def test_what_was_answered_before_stopping_counts_and_finishing_twice_does_nothing(
    unit: UnitFactory, actor: Actor
) -> None:
    attempt_id = start(unit, actor)
    for _ in range(5):
        answer_next(unit, attempt_id, right=True)
    for _ in range(2):
        with unit(write=True) as u:
            u.quiz.finish(attempt_id)
    assert len(rows(unit, actor)) == 5  # the first questions go to different layers
    with unit() as u:
        assert u.quiz.question(u.quiz.attempt(attempt_id)) is None


def test_nothing_answered_moves_nothing(unit: UnitFactory, actor: Actor) -> None:
    attempt_id = start(unit, actor)
    with unit(write=True) as u:
        u.quiz.finish(attempt_id)
    assert rows(unit, actor) == []


def test_a_quiz_that_was_stopped_before_any_answer_can_begin_again(unit: UnitFactory, actor: Actor) -> None:
    attempt_id = start(unit, actor)
    with unit(write=True) as u:
        u.quiz.finish(attempt_id)
        assert u.quiz.index(actor.person_id).free_from == {}
    assert start(unit, actor) != attempt_id


def test_layer_eight_is_asked_in_the_chosen_domain_or_not_at_all(unit: UnitFactory, actor: Actor) -> None:
    attempt_id = start(unit, actor, layer_key="domain-leverage", domain="legal")
    while answer_next(unit, attempt_id, right=True):
        pass
    with unit() as u:
        attempt = u.quiz.attempt(attempt_id)
        assert {u.catalogue.items[one.item_id].topic for one in attempt.answers} == {"legal"}
    whole = start(unit, actor)
    while answer_next(unit, whole, right=True):
        pass
    with unit() as u:
        assert 7 not in {one.layer for one in u.quiz.attempt(whole).answers}
    with pytest.raises(Invalid, match="Choose the domain"):
        start(unit, actor, "practice", layer_key="domain-leverage")
    with pytest.raises(Invalid, match="no domain"):
        start(unit, actor, "practice", layer_key="domain-leverage", domain="astrology")
    with pytest.raises(Invalid, match="no layer"):
        start(unit, actor, layer_key="alchemy")


def test_the_same_question_answered_in_two_tabs_counts_once(unit: UnitFactory, actor: Actor) -> None:
    attempt_id = start(unit, actor)
    with unit() as u:
        attempt = u.quiz.attempt(attempt_id)
        page = u.quiz.question(attempt)
    assert page is not None
    right = said(attempt, page.answer, unit.catalogue, right=True)
    wrong = said(attempt, page.answer, unit.catalogue, right=False)
    with unit(write=True) as u:
        assert u.quiz.answer(attempt_id, 1, 1, right)
    with unit(write=True) as u:
        assert not u.quiz.answer(attempt_id, 1, 1, wrong)
    with unit() as u:
        answers = u.quiz.attempt(attempt_id).answers
    assert [(one.place, one.right) for one in answers] == [(1, True), (2, None)]


def test_many_tabs_at_once_store_one_answer_and_start_one_quiz(unit: UnitFactory, actor: Actor) -> None:
    made: list[int] = []
    stored: list[bool] = []

    def together(act: object, count: int = 8) -> None:
        ready = threading.Barrier(count)

        def run() -> None:
            ready.wait()
            act()  # type: ignore[operator]

        threads = [threading.Thread(target=run) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    together(lambda: made.append(start(unit, actor)))
    assert len(made) == 8
    assert len(set(made)) == 1
    with unit() as u:
        attempt = u.quiz.attempt(made[0])
        page = u.quiz.question(attempt)
    assert page is not None
    sent = said(attempt, page.answer, unit.catalogue, right=True)

    def send() -> None:
        with unit(write=True) as u:
            stored.append(u.quiz.answer(made[0], 1, 1, sent))

    together(send)
    assert sorted(stored) == [False] * 7 + [True]
    with unit() as u:
        assert u.session.scalar(select(func.count()).select_from(Answer)) == 2


def test_measured_quizzes_over_the_same_layers_need_time_between_them(
    unit: UnitFactory, actor: Actor, clock: Clock
) -> None:
    first = start(unit, actor, layer_key=LAYER)
    assert start(unit, actor) == first  # the open one goes on, whatever is asked for
    answer_next(unit, first, right=True)
    with unit(write=True) as u:
        u.quiz.finish(first)
    with pytest.raises(Conflict, match="14 days"):
        start(unit, actor, layer_key=LAYER)
    assert start(unit, actor, "practice", layer_key=LAYER) != first
    other = start(unit, actor, layer_key="data-engineering")
    with unit(write=True) as u:
        u.quiz.finish(other)
    clock.now += COOL_DOWN
    again = start(unit, actor, layer_key=LAYER)
    assert again not in (first, other)


def test_practice_explains_at_once_and_counts_for_nothing(unit: UnitFactory, actor: Actor) -> None:
    attempt_id = start(unit, actor, "practice", layer_key=LAYER)
    answer_next(unit, attempt_id, right=False)
    with unit() as u:
        page = u.quiz.read(u.quiz.attempt(attempt_id), 1)
    assert page.item is not None
    assert not page.answer.right
    while answer_next(unit, attempt_id, right=True):
        pass
    assert rows(unit, actor) == []


def test_explanations_and_results_of_a_measured_quiz_wait_for_its_end(unit: UnitFactory, actor: Actor) -> None:
    attempt_id = start(unit, actor)
    answer_next(unit, attempt_id, right=True)
    with unit() as u:
        attempt = u.quiz.attempt(attempt_id)
        with pytest.raises(Conflict):
            u.quiz.read(attempt, 1)
        with pytest.raises(Conflict):
            u.quiz.result(attempt)


def test_what_was_seen_comes_last_and_says_less(unit: UnitFactory, actor: Actor, clock: Clock) -> None:
    noise = []
    for _ in range(2):
        attempt_id = start(unit, actor, layer_key=LAYER)
        while answer_next(unit, attempt_id, right=True):
            pass
        noise.append(next(row.noise_sd for row in rows(unit, actor) if row.attempt_id == attempt_id))
        clock.now += COOL_DOWN
    assert noise[1] > noise[0] * 1.2
    practised = start(unit, actor, "practice", layer_key="data-engineering")
    answer_next(unit, practised, right=True)
    with unit(write=True) as u:
        u.quiz.finish(practised)
        seen = {one.item_id for one in u.quiz.attempt(practised).answers}  # one answered, one asked
    measured = start(unit, actor, layer_key="data-engineering")
    while answer_next(unit, measured, right=True):
        pass
    with unit() as u:
        assert {one.item_id for one in u.quiz.attempt(measured).answers[-2:]} == seen


NO_ANSWER: dict[str, tuple[list[str], ...]] = {
    "choice": ([], [""], ["9"], ["-1"], ["zebra"], ["1", "1"]),
    "ordering": ([], ["1", "2"], ["1", "1", "1"], ["1", "2", "4"], ["", "1", "2"]),
    "numeric": ([], ["  "], ["half"], ["1e999"], ["x" * 10_000], ["\x00"], ["0.5", "0.5"]),
    "output": ([], [""], ["\x00"], ["a", "b"]),
}


def test_what_is_no_answer_is_refused_and_not_taken_for_wrong(unit: UnitFactory, actor: Actor) -> None:
    attempt_id = start(unit, actor, layer_key=LAYER)
    refused = set()
    for _ in range(4):
        with unit() as u:
            page = u.quiz.question(u.quiz.attempt(attempt_id))
        assert page is not None
        assert page.item is not None
        for values in NO_ANSWER[page.item.type]:
            with pytest.raises(Invalid), unit(write=True) as u:
                u.quiz.answer(attempt_id, page.answer.place, 1, Said(values))
        refused.add(page.item.type)
        assert answer_next(unit, attempt_id, right=True)
    assert refused == set(NO_ANSWER)


def test_not_knowing_is_wrong_for_the_level_and_states_no_confidence(unit: UnitFactory, actor: Actor) -> None:
    attempt_id = start(unit, actor)
    with unit(write=True) as u:
        u.quiz.answer(attempt_id, 1, 1, Said([], unknown=True, confidence=95))
    with unit() as u:
        first = u.quiz.attempt(attempt_id).answers[0]
    assert (first.right, first.unknown, first.given, first.confidence) == (False, True, None, None)


def test_a_corrected_question_is_read_again_and_a_withdrawn_one_replaced(
    unit: UnitFactory, actor: Actor, settings: Settings, clock: Clock
) -> None:
    attempt_id = start(unit, actor)
    with unit() as u:
        waiting = u.quiz.attempt(attempt_id).answers[0].item_id
    kept = dict(unit.catalogue.items)
    kept[waiting] = replace(kept[waiting], version=2)
    corrected = UnitFactory(unit.engine, replace(unit.catalogue, items=MappingProxyType(kept)), settings, clock)
    with pytest.raises(Conflict, match="corrected"), corrected(write=True) as u:
        u.quiz.answer(attempt_id, 1, 1, Said([], unknown=True))
    del kept[waiting]
    without = UnitFactory(unit.engine, replace(unit.catalogue, items=MappingProxyType(kept)), settings, clock)
    with without() as u:
        page = u.quiz.question(u.quiz.attempt(attempt_id))
        assert page is not None
        assert page.item is None
    with without(write=True) as u:
        u.quiz.skip_withdrawn(attempt_id)
        assert u.quiz.attempt(attempt_id).answers[0].item_id != waiting
    with unit(write=True) as u:
        u.quiz.finish(attempt_id)
        with pytest.raises(Conflict, match="finished"):
            u.quiz.answer(attempt_id, 1, 1, Said([], unknown=True))


@pytest.mark.parametrize("answered", [0, 1])
def test_a_quiz_ends_where_the_bank_has_none_of_its_questions_any_more(
    unit: UnitFactory, actor: Actor, settings: Settings, clock: Clock, answered: int
) -> None:
    attempt_id = start(unit, actor, layer_key=LAYER)
    for _ in range(answered):
        answer_next(unit, attempt_id, right=True)
    kept = MappingProxyType({key: item for key, item in unit.catalogue.items.items() if item.layer != 1})
    without = UnitFactory(unit.engine, replace(unit.catalogue, items=kept), settings, clock)
    with without() as u:
        page = u.quiz.question(u.quiz.attempt(attempt_id))
    assert page is not None
    assert page.item is None
    with without(write=True) as u:
        u.quiz.skip_withdrawn(attempt_id)
    with without() as u:
        assert u.quiz.result(u.quiz.attempt(attempt_id)).answered == answered
    assert rows(unit, actor) == []


def test_what_is_practised_while_a_measured_quiz_is_open_counts_as_seen(
    unit: UnitFactory, actor: Actor, clock: Clock
) -> None:
    noise = []
    for practises in (False, True):
        measured = start(unit, actor, layer_key=LAYER if practises else "data-engineering")
        clock.forward(minutes=1)
        if practises:  # all there is to ask, with its explanations, before the first question is answered
            practised = start(unit, actor, "practice", layer_key=LAYER)
            while answer_next(unit, practised, right=True):
                pass
            clock.forward(minutes=1)
        while answer_next(unit, measured, right=True):
            pass
        noise.append(next(row.noise_sd for row in rows(unit, actor) if row.attempt_id == measured))
    assert noise[1] > noise[0] * 1.2


def test_options_are_shuffled_alike_at_every_look_and_differently_between_questions(
    unit: UnitFactory, actor: Actor
) -> None:
    attempt_id = start(unit, actor)
    with unit() as u:
        attempt = u.quiz.attempt(attempt_id)
    first = attempt.answers[0]
    assert shuffled(attempt, first, 6) == shuffled(attempt, first, 6)
    orders = {tuple(shuffled(attempt, Answer(place=place), 6)) for place in range(1, 20)}
    assert len(orders) > 10


def test_what_many_were_asked_is_known_at_the_next_start(unit: UnitFactory, actor: Actor) -> None:
    attempt_id = start(unit, actor, layer_key=LAYER)
    while answer_next(unit, attempt_id, right=True):
        pass
    second = start(unit, actor, "practice", layer_key=LAYER)
    with unit() as u:
        assert set(u.quiz.attempt(second).exposure.values()) == {1.0}
