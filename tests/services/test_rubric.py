from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from assessor.content.schema import Catalogue
from assessor.services.errors import Invalid
from assessor.services.permissions import Actor
from assessor.services.rubric import plain
from assessor.services.unit import UnitFactory

LAYER = "data-engineering"
CLEANING, FEATURES, STREAMING = "cleaning-pipelines", "feature-engineering", "streaming-ingestion"


@pytest.fixture
def review_id(unit: UnitFactory, actor: Actor) -> int:
    with unit(write=True) as u:
        return u.review.start_self(actor, LAYER).id


def save(
    unit: UnitFactory, review_id: int, ratings: Mapping[str, float | None], notes: Mapping[str, str] | None = None
) -> None:
    with unit(write=True) as u:
        u.review.save_draft(u.review.get(review_id), ratings, notes or {})


def test_every_topic_of_the_layers_is_asked_with_its_anchors_and_filled_from_the_draft(
    unit: UnitFactory, review_id: int, catalogue: Catalogue
) -> None:
    save(unit, review_id, {CLEANING: 0.0, FEATURES: None}, {FEATURES: "Ask again."})
    with unit() as u:
        rubric = u.review.rubric(u.review.get(review_id))
    [layer] = rubric.layers
    assert layer.layer.key == LAYER
    assert [line.topic for line in rubric.topics] == list(catalogue.framework.layers[2].topics)
    assert [(line.rating, line.note) for line in rubric.topics[:3]] == [(0.0, ""), (None, "Ask again."), (None, "")]
    assert (rubric.changed, rubric.dropped) == (False, ())


def test_after_a_review_is_handed_in_its_last_version_fills_the_form(unit: UnitFactory, review_id: int) -> None:
    with unit(write=True) as u:
        u.review.submit(u.review.get(review_id), {CLEANING: 2.0}, {})
        u.review.amend(u.review.get(review_id), {CLEANING: 3.0}, {}, "Finished it.")
    with unit() as u:
        assert u.review.rubric(u.review.get(review_id)).topics[0].rating == 3.0


@pytest.mark.parametrize("level", [-0.5, 5.5, 2.25, float("nan")])
def test_a_rating_that_cannot_be_is_refused(unit: UnitFactory, review_id: int, level: float) -> None:
    with pytest.raises(Invalid) as refused:
        save(unit, review_id, {CLEANING: level})
    assert CLEANING in refused.value.fields


def test_a_topic_of_another_layer_is_refused(unit: UnitFactory, review_id: int) -> None:
    with pytest.raises(Invalid, match="linear-algebra"):
        save(unit, review_id, {"linear-algebra": 2.0})
    with pytest.raises(Invalid, match="linear-algebra"):
        save(unit, review_id, {}, {"linear-algebra": "text"})


def test_notes_are_limited_and_hold_no_control_characters(unit: UnitFactory, review_id: int) -> None:
    with pytest.raises(Invalid, match="2,000"):
        save(unit, review_id, {}, {CLEANING: "x" * 2001})
    save(unit, review_id, {}, {CLEANING: " a\r\nb\x00\ud800 ", FEATURES: "  "})
    with unit() as u:
        draft = u.review.get(review_id).draft
    assert draft is not None
    assert draft["notes"] == {CLEANING: "a\nb"}


def test_no_text_turns_the_text_around_it() -> None:
    assert (
        plain("Grace \u202eHopper\u202c \u2067x\u2069, \u05d2\u05e8\u05d9\u05d9\u05e1")
        == "Grace Hopper x, \u05d2\u05e8\u05d9\u05d9\u05e1"
    )


def test_topics_that_vanished_are_dropped_and_told(unit: UnitFactory, catalogue: Catalogue, review_id: int) -> None:
    save(unit, review_id, {CLEANING: 3.0, FEATURES: 2.5}, {STREAMING: "Never saw any."})
    newer = UnitFactory(unit.engine, without(catalogue, STREAMING, CLEANING), unit.settings, unit.clock)
    with newer() as u:
        rubric = u.review.rubric(u.review.get(review_id))
    assert rubric.changed
    assert (rubric.pinned, rubric.current) == (catalogue.framework.label, "2+feedfeedfeed")
    assert rubric.dropped == (CLEANING, STREAMING)
    assert rubric.topics[0].topic.key == FEATURES
    assert len(rubric.topics) == len(catalogue.framework.layers[2].topics) - 2
    with newer(write=True) as u:
        version = u.review.submit(u.review.get(review_id), {FEATURES: 2.5}, {})
        assert version.framework_version == "2+feedfeedfeed"
        assert set(version.ratings) == {line.topic.key for line in rubric.topics}


def without(catalogue: Catalogue, *topics: str) -> Catalogue:
    """Return a newer catalogue that has some topics no more."""
    layers = tuple(
        replace(layer, topics=tuple(topic for topic in layer.topics if topic.key not in topics))
        for layer in catalogue.framework.layers
    )
    kept = {key: topic for key, topic in catalogue.framework.topics.items() if key not in topics}
    framework = replace(catalogue.framework, version=2, digest="feed" * 16, layers=layers, topics=kept)
    return replace(catalogue, framework=framework)
