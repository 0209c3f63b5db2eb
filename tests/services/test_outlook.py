"""What a layer lacks to be verified and fresh, worked out before the quiz is taken."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from assessor.content.schema import Catalogue
from assessor.models.profile import Evidence, Instrument
from assessor.services.errors import Conflict
from assessor.services.layer_page import layer_page
from assessor.services.outlook import LAYER_QUIZ_NOISE, Outlook
from assessor.services.permissions import Actor
from assessor.services.quiz import COOL_DOWN
from assessor.services.team_page import shared_part
from assessor.services.unit import UnitFactory
from tests.services.conftest import Clock

LAYER, KEY = 2, "data-engineering"


def say(unit: UnitFactory, actor: Actor, clock: Clock, level: float, instrument: Instrument, **more: Any) -> None:
    usual = {"at": clock.now, "layer": LAYER, "source": instrument, "share": 1.0, "reviewed": False}
    with unit(write=True) as u:
        u.session.add(Evidence(person_id=actor.person_id, level=level, instrument=instrument, **(usual | more)))


def look(unit: UnitFactory, actor: Actor, key: str = KEY) -> Outlook | None:
    with unit() as u:
        return layer_page(unit.catalogue, u.profile.view(actor.person_id), key).outlook


def rate(unit: UnitFactory, actor: Actor, catalogue: Catalogue) -> None:
    with unit(write=True) as u:
        u.profile.rate(actor.person_id, "ml-engineer", {layer.key: 3.0 for layer in catalogue.framework.layers})


def test_ratings_alone_lack_everything_and_a_quiz_is_the_quicker_way(
    unit: UnitFactory, actor: Actor, clock: Clock, catalogue: Catalogue
) -> None:
    rate(unit, actor, catalogue)
    then = look(unit, actor)
    assert then is not None
    assert then.share == 0.0
    assert then.quickest == "quiz"
    assert then.quiz.share >= 0.30
    assert then.both.share > max(then.quiz.share, then.review.share)
    assert then.both.half < min(then.quiz.half, then.review.half) < then.half
    assert then.old_since is None


@pytest.mark.parametrize("level", [0.5, 4.5])
def test_the_share_that_is_promised_is_the_one_that_comes_whatever_is_answered(
    unit: UnitFactory, actor: Actor, clock: Clock, catalogue: Catalogue, level: float
) -> None:
    rate(unit, actor, catalogue)
    promised = look(unit, actor)
    assert promised is not None
    say(unit, actor, clock, level, "quiz", noise_sd=LAYER_QUIZ_NOISE)
    with unit() as u:
        one = u.profile.view(actor.person_id).layers[LAYER]
    assert one.verified
    assert one.verifying == pytest.approx(promised.quiz.share)
    assert one.sd == pytest.approx(promised.quiz.half / 1.6448536, rel=1e-6)
    assert look(unit, actor) is None  # verified and fresh: nothing is missing


def test_a_review_is_promised_with_the_number_of_topics_and_what_it_does_to_repositories(
    unit: UnitFactory, actor: Actor, clock: Clock, catalogue: Catalogue
) -> None:
    say(unit, actor, clock, 3.5, "repo", noise_sd=0.9)
    promised = look(unit, actor)
    assert promised is not None
    with unit(write=True) as u:
        for row in u.calibration.evidence_of([actor.person_id])[actor.person_id]:
            row.reviewed = True
    for _ in catalogue.framework.layers[LAYER].topics:
        say(unit, actor, clock, 2.5, "review", source="user:77")
    with unit() as u:
        one = u.profile.view(actor.person_id).layers[LAYER]
    # 2.5 is no whole number, as the promise takes it.
    assert one.verifying == pytest.approx(promised.review.share)
    assert one.sd == pytest.approx(promised.review.half / 1.6448536, rel=1e-6)


def test_a_layer_with_a_choice_is_reviewed_by_its_best_topic_alone(
    unit: UnitFactory, actor: Actor, catalogue: Catalogue
) -> None:
    rate(unit, actor, catalogue)
    [chosen] = [layer for layer in catalogue.framework.layers if layer.choose]
    one, many = look(unit, actor, chosen.key), look(unit, actor)
    assert one is not None
    assert many is not None
    assert one.review.share < many.review.share
    assert one.quiz.share == pytest.approx(many.quiz.share)


def test_a_quiz_of_the_layer_that_was_just_taken_cannot_be_the_quicker_way(
    unit: UnitFactory, actor: Actor, clock: Clock, catalogue: Catalogue
) -> None:
    with unit(write=True) as u:
        attempt = u.quiz.start(actor.person_id, "measured", layer_key=KEY)
        attempt.answers[0].answered_at, attempt.answers[0].right = clock.now, False
        attempt.finished_at = clock.now
        attempt_id = attempt.id
    rate(unit, actor, catalogue)
    say(unit, actor, clock, 2.0, "quiz", noise_sd=3.0, attempt_id=attempt_id)
    then = look(unit, actor)
    assert then is not None
    assert then.quiz_from == clock.now + COOL_DOWN
    assert then.quickest == ("review" if then.review.verifies else "quiz")
    with unit(write=True) as u, pytest.raises(Conflict):
        u.quiz.start(actor.person_id, "measured", layer_key=KEY)
    clock.forward(days=15)
    with unit(write=True) as u:
        u.quiz.start(actor.person_id, "measured", layer_key=KEY)
    then = look(unit, actor)
    assert then is not None
    assert (then.quiz_from, then.quickest) == (None, "quiz")


def test_old_evidence_says_since_when_and_a_quiz_renews_it(unit: UnitFactory, actor: Actor, clock: Clock) -> None:
    start = clock.now
    say(unit, actor, clock, 3.0, "quiz", noise_sd=0.3)
    assert look(unit, actor) is None
    days = 0
    while (then := look(unit, actor)) is None:
        clock.forward(days=10)
        days += 10
    assert then.old_since is not None
    assert start + timedelta(days=days - 10) <= then.old_since <= start + timedelta(days=days)
    assert then.half_then < then.half / 1.49
    assert then.quiz.half < then.half
    clock.forward(days=300)
    later = look(unit, actor)
    assert later is not None
    assert abs(later.old_since - then.old_since) <= timedelta(days=2)  # type: ignore[operator]


def test_nothing_measured_has_no_outlook_and_a_shared_part_tells_none(unit: UnitFactory, actor: Actor) -> None:
    assert look(unit, actor) is None
    with unit(write=True) as u:
        u.profile.rate(actor.person_id, "ml-engineer", {KEY: 3.0})
    with unit() as u:
        part = shared_part(u.profile.view(actor.person_id), [KEY])
    page = layer_page(unit.catalogue, part, KEY)
    assert page.outlook is None
    assert part.fitted is None
    assert page.view.verifying == 0.0
