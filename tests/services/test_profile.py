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


def test_a_preview_is_what_the_profile_would_show_and_stores_nothing(
    unit: UnitFactory, actor: Actor, catalogue: Catalogue
) -> None:
    answers = {"role": ROLE, "ratings": {"data-engineering": 4.0, "systems-thinking": 1.5}}
    with unit() as u:
        preview = u.profile.preview(answers)
        assert not u.profile.view(actor.person_id).measured
        with pytest.raises(Invalid, match="wizard"):
            u.profile.preview({"role": "wizard"})
    with unit(write=True) as u:
        u.profile.rate(actor.person_id, ROLE, answers["ratings"])
    with unit() as u:
        view = u.profile.view(actor.person_id)
    assert [layer.level for layer in preview.layers] == [layer.level for layer in view.layers]
    assert preview.overall == view.overall


def test_growth_runs_from_the_first_evidence_to_the_time_shown_with_gaps_before_a_layer_was_measured(
    unit: UnitFactory, actor: Actor, clock: Clock
) -> None:
    start = clock.now
    with unit(write=True) as u:
        u.profile.rate(actor.person_id, ROLE, {"data-engineering": 1})
    clock.forward(days=200)
    with unit(write=True) as u:
        u.profile.rate(actor.person_id, ROLE, {"systems-thinking": 4})
    clock.forward(days=200)
    with unit() as u:
        view = u.profile.view(actor.person_id)
    data, systems = view.layers[2].growth, view.layers[5].growth
    assert [at for at, _ in data] == [start, start + timedelta(days=200), clock.now]
    assert [level is None for _, level in systems] == [True, False, False]
    assert systems[-1][1] == view.layers[5].level


def test_many_times_of_evidence_make_a_line_of_few_points(unit: UnitFactory, actor: Actor, clock: Clock) -> None:
    for _ in range(40):
        with unit(write=True) as u:
            u.profile.rate(actor.person_id, ROLE, {"data-engineering": 3})
        clock.forward(days=20)
    with unit() as u:
        growth = u.profile.view(actor.person_id).layers[2].growth
    assert len(growth) == 24
    assert growth[-1][0] == clock.now


def test_on_the_first_day_there_is_nothing_to_compare_with(unit: UnitFactory, actor: Actor, clock: Clock) -> None:
    with unit(write=True) as u:
        u.profile.rate(actor.person_id, ROLE, {"data-engineering": 3})
    clock.forward(hours=3)
    with unit() as u:
        assert u.profile.view(actor.person_id).since is None


def test_what_a_removed_repository_showed_is_not_measured_any_more(unit: UnitFactory, actor: Actor) -> None:
    with unit(write=True) as u:
        analysis = u.portfolio.add(actor.person_id, "https://github.com/example/service")
        analysis.state, analysis.report, analysis.confirmed = "running", "{}", True
        analysis.summary = {"grades": {"docker": 3}, "capped": {}}
        u.session.flush()
        u.portfolio.finish(analysis.id)
        repository_id = analysis.repository_id
    with unit() as u:
        assert u.profile.view(actor.person_id).measured
    with unit(write=True) as u:
        u.portfolio.remove(repository_id)
    with unit() as u:
        assert not u.profile.view(actor.person_id).measured


def test_who_measured_nothing_is_told_to_start(unit: UnitFactory, actor: Actor) -> None:
    with unit() as u:
        steps = u.profile.view(actor.person_id).steps
    assert [step.kind for step in steps] == ["rate", "repository", "quiz"]
