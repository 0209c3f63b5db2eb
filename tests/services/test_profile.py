from __future__ import annotations

from datetime import timedelta

import pytest

from assessor.content.schema import Catalogue
from assessor.services.errors import Gone, Invalid, NotFound
from assessor.services.permissions import Actor
from assessor.services.unit import UnitFactory
from tests.services.conftest import Clock

ROLE = "ml-engineer"


def all_at(catalogue: Catalogue, level: float) -> dict[str, float | None]:
    return {layer.key: level for layer in catalogue.framework.layers}


def test_what_was_not_rated_is_not_measured(unit: UnitFactory, actor: Actor) -> None:
    with unit(write=True) as u:
        u.profile.rate(actor.person_id, ROLE, {"data-engineering": 3, "economic-awareness": None})
    with unit() as u:
        view = u.profile.view(actor.person_id)
    assert [layer.layer.key for layer in view.layers if layer.measured] == ["data-engineering"]
    assert all(layer.low is None and layer.target is not None for layer in view.layers if not layer.measured)


def test_a_self_rating_is_taken_as_optimistic_and_never_verifies(
    unit: UnitFactory, actor: Actor, catalogue: Catalogue
) -> None:
    with unit(write=True) as u:
        u.profile.rate(actor.person_id, ROLE, all_at(catalogue, 3))
    with unit() as u:
        layer = u.profile.view(actor.person_id).layers[2]
    assert layer.level is not None
    assert layer.low is not None
    assert layer.high is not None
    assert layer.low < layer.level < 3 < layer.high
    assert not layer.verified
    assert [(dot.instrument, dot.level) for dot in layer.dots] == [("self", 3)]


@pytest.mark.parametrize("level", [-0.5, 5.5, 2.25, float("nan")])
def test_a_rating_that_cannot_be_is_refused_and_nothing_is_stored(
    unit: UnitFactory, actor: Actor, catalogue: Catalogue, level: float
) -> None:
    with pytest.raises(Invalid) as refused, unit(write=True) as u:
        u.profile.rate(actor.person_id, ROLE, all_at(catalogue, 2) | {"data-engineering": level})
    assert "data-engineering" in refused.value.fields
    with unit() as u:
        assert not u.profile.view(actor.person_id).measured


def test_unknown_roles_and_layers_are_named(unit: UnitFactory, actor: Actor) -> None:
    with pytest.raises(Invalid, match="wizard"), unit(write=True) as u:
        u.profile.rate(actor.person_id, "wizard", {})
    with pytest.raises(Invalid, match="alchemy"), unit(write=True) as u:
        u.profile.rate(actor.person_id, ROLE, {"alchemy": 1})


def test_a_rating_within_a_day_corrects_the_one_before(unit: UnitFactory, actor: Actor, clock: Clock) -> None:
    for level in (1.0, 4.0):
        with unit(write=True) as u:
            u.profile.rate(actor.person_id, ROLE, {"data-engineering": level})
        clock.forward(hours=2)
    with unit() as u:
        lines = u.profile.view(actor.person_id).layers[2].lines
    assert [line.level for line in lines] == [4.0]


def test_a_later_rating_stands_beside_the_earlier_and_makes_growth(
    unit: UnitFactory, actor: Actor, clock: Clock
) -> None:
    start = clock.now
    with unit(write=True) as u:
        u.profile.rate(actor.person_id, ROLE, {"data-engineering": 1})
    clock.forward(days=400)
    with unit(write=True) as u:
        u.profile.rate(actor.person_id, ROLE, {"data-engineering": 4})
    with unit() as u:
        now = u.profile.view(actor.person_id).layers[2]
        before = u.profile.view(actor.person_id, at=start + timedelta(days=1)).layers[2]
    assert [line.level for line in now.lines] == [4.0, 1.0]
    assert now.level is not None
    assert before.level is not None
    assert now.level > before.level
    assert now.change is not None
    assert now.change.delta > 0


def test_without_proof_a_level_stops_at_3_9_where_proof_is_asked(
    unit: UnitFactory, actor: Actor, catalogue: Catalogue
) -> None:
    with unit(write=True) as u:
        u.profile.rate(actor.person_id, ROLE, all_at(catalogue, 5))
    with unit() as u:
        layers = u.profile.view(actor.person_id).layers
    assert all(layer.level is not None and layer.level <= 3.9 for layer in layers if layer.layer.id in (4, 5, 7, 10))


def test_a_draft_survives_until_an_account_claims_it_once(unit: UnitFactory, actor: Actor, clock: Clock) -> None:
    answers = {"role": ROLE, "ratings": {"data-engineering": 2.5}}
    with unit(write=True) as u:
        token = u.profile.save_draft(answers)
    with unit() as u:
        assert u.profile.draft(token) == answers
    with unit(write=True) as u:
        u.profile.claim_draft(actor.person_id, token)
    with unit() as u:
        assert u.profile.ratings(actor.person_id)["data-engineering"] == 2.5
        with pytest.raises(Gone):
            u.profile.draft(token)


def test_a_draft_is_over_after_thirty_days(unit: UnitFactory, clock: Clock) -> None:
    with unit(write=True) as u:
        token = u.profile.save_draft({"role": ROLE, "ratings": {}})
    clock.forward(days=31)
    with unit(write=True) as u:
        with pytest.raises(Gone):
            u.profile.draft(token)
        assert u.profile.forget_drafts() == 1


def test_a_person_that_does_not_exist(unit: UnitFactory) -> None:
    with pytest.raises(NotFound), unit() as u:
        u.profile.view(4711)


def test_who_measured_nothing_is_told_to_start(unit: UnitFactory, actor: Actor) -> None:
    with unit() as u:
        steps = u.profile.view(actor.person_id).steps
    assert [step.kind for step in steps] == ["rate", "repository"]
