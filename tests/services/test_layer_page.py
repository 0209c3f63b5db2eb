from __future__ import annotations

import pytest

from assessor.analysis.grading import level
from assessor.analysis.union import Shown, union_grades
from assessor.content.schema import Catalogue, Layer
from assessor.services.errors import NotFound
from assessor.services.layer_page import layer_page
from assessor.services.permissions import Actor
from assessor.services.steps import path_up
from assessor.services.unit import UnitFactory

ROLE = "ml-engineer"


def shown(layer: Layer, catalogue: Catalogue, grades: dict[str, int]) -> float:
    best = union_grades(catalogue.framework, [Shown(grades, {})])
    measurable = [best.get(topic.key, 0) for topic in layer.topics if "repo" in topic.instruments]
    return float(max(measurable)) if layer.choose else level(measurable)


@pytest.mark.parametrize("index", range(10))
def test_the_path_of_a_layer_gains_what_it_says(catalogue: Catalogue, index: int) -> None:
    layer = catalogue.framework.layers[index]
    path = path_up(catalogue, layer, {})
    assert 1 <= len(path) <= 6
    assert [step.gain for step in path] == sorted((step.gain for step in path), key=lambda gain: -(gain or 0))
    assert all(step.signal and set(step.signal.topics) & {topic.key for topic in layer.topics} for step in path)
    assert 0 < sum(step.gain or 0 for step in path) <= 3


def test_a_path_starts_where_repositories_are_and_names_the_analysis_that_shows_a_signal(catalogue: Catalogue) -> None:
    layer = catalogue.framework.layers[3]
    grades = {"docker": 3, "http-api": 2, "unit-tests": 2}
    path = path_up(catalogue, layer, {"a": Shown(grades, {}), "b": Shown({}, {})})
    assert {step.analysis_id for step in path if step.signal and step.signal.key in grades} <= {"a"}
    assert {step.analysis_id for step in path if step.signal and step.signal.key not in grades} <= {"b"}
    assert sum(step.gain or 0 for step in path) >= 1 - 1e-9


def test_where_everything_is_shown_no_step_is_left(catalogue: Catalogue) -> None:
    everything = {key: 5 for key, signal in catalogue.framework.signals.items() if signal.polarity > 0}
    for layer in catalogue.framework.layers:
        assert path_up(catalogue, layer, {"a": Shown(everything, {})}) == ()


def test_the_level_reached_is_the_one_below_and_the_interval_marks_its_neighbours(
    unit: UnitFactory, actor: Actor, catalogue: Catalogue
) -> None:
    with unit(write=True) as u:
        u.profile.rate(actor.person_id, ROLE, {"data-engineering": 4})
    with unit() as u:
        page = layer_page(catalogue, u.profile.view(actor.person_id), "data-engineering")
    assert page.view.level is not None
    assert page.reached == int(page.view.level)
    assert [line.level.level for line in page.levels if line.own] == [page.reached]
    assert all(line.likely for line in page.levels if line.own)
    assert page.topics[0].reached == catalogue.framework.layers[2].topics[0].anchors[page.reached]
    assert (page.before, page.after) == (catalogue.framework.layers[1], catalogue.framework.layers[3])


def test_what_was_not_measured_has_reached_nothing(unit: UnitFactory, actor: Actor, catalogue: Catalogue) -> None:
    with unit() as u:
        view = u.profile.view(actor.person_id)
    page = layer_page(catalogue, view, "data-engineering")
    assert page.reached is None
    assert not any(line.own or line.likely for line in page.levels)
    assert all(line.reached is None and line.following == line.topic.anchors[1] for line in page.topics)
    with pytest.raises(NotFound):
        layer_page(catalogue, view, "alchemy")
