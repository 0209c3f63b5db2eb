"""What a review that was handed in says of a person: its rows of evidence, and those it takes the place of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from assessor.content.schema import Catalogue
from assessor.models.profile import Evidence
from assessor.models.review import Review
from assessor.services.profile import CORRECTION
from assessor.services.rubric import Written

__all__ = ["count_review"]


def count_review(session: Session, catalogue: Catalogue, review: Review, given: Written, now: datetime) -> None:
    """Let what was handed in count from now on, in place of what an earlier version of the review said.

    A self review corrects what the person said of themselves in its layers within the last day, by rating or by review.
    A review by somebody else says that a human looked at what the repositories show of the layers it judges.
    """
    judged = _judged(catalogue, given)
    layers = sorted({layer for layer, _ in judged})
    current = update(Evidence).where(Evidence.superseded_at.is_(None))
    session.execute(current.where(Evidence.review_id == review.id).values(superseded_at=now))
    of_person = current.where(Evidence.person_id == review.person_id, Evidence.layer.in_(layers))
    if review.kind == "self":
        said = of_person.where(Evidence.instrument == "self", Evidence.at > now - CORRECTION)
        session.execute(said.values(superseded_at=now))
    else:
        session.execute(of_person.where(Evidence.instrument == "repo").values(reviewed=True))
    session.add_all(_row(review, layer, level, now) for layer, level in judged)
    session.flush()


def _judged(catalogue: Catalogue, given: Written) -> list[tuple[int, float]]:
    """Return index of the layer and level for each rating that counts: of a layer with a choice only the best ones."""
    found: list[tuple[int, float]] = []
    for index, layer in enumerate(catalogue.framework.layers):
        levels = [given.rated[topic.key] for topic in layer.topics if topic.key in given.rated]
        if layer.choose is not None:
            levels = sorted(levels, reverse=True)[: layer.choose]
        found += [(index, level) for level in levels]
    return found


def _row(review: Review, layer: int, level: float, now: datetime) -> Evidence:
    own = review.kind == "self"
    return Evidence(
        person_id=review.person_id,
        at=now,
        layer=layer,
        level=level,
        # No noise of its own: the fusion knows what whole numbers and the ends of the scale are worth.
        noise_sd=None,
        instrument="self" if own else "review",
        source="self" if own else review.rater,
        review_id=review.id,
    )
