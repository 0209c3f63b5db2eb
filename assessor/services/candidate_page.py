"""What the page of a candidate and the page of a decision show, as far as the viewer may see it; no query here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

from assessor.content.schema import Catalogue, Layer, RoleTarget, Topic
from assessor.models.hiring import Candidate, Decision, Requisition
from assessor.models.portfolio import Analysis
from assessor.models.profile import Evidence, Person
from assessor.models.review import Review, ReviewVersion
from assessor.services.blind import Sight, sight
from assessor.services.hiring_page import CandidateLine, candidate_line, requisition_layers
from assessor.services.parameters import Parameters
from assessor.services.permissions import Actor
from assessor.services.profile_view import LayerView, ProfileView, build_view, shown
from assessor.services.review_page import name_of

__all__ = [
    "DISSENT",
    "CandidatePage",
    "Found",
    "Given",
    "Judged",
    "LayerPart",
    "RatedTopic",
    "candidate_page",
    "judged",
    "layer_mean",
]

DISSENT = 1.0
"""Levels by which somebody rates a layer away from the mean of the others before it is called dissent."""

BEST = 4
"""Signals that are named for one layer."""


@dataclass(frozen=True, slots=True)
class RatedTopic:
    """Show how one topic was rated."""

    topic: Topic
    rating: float | None
    note: str


@dataclass(frozen=True, slots=True)
class Judged:
    """Show one review that was handed in: means by layer, every topic, and why it was amended."""

    name: str
    rater: str
    own: bool
    present: bool
    means: Mapping[str, float | None]
    topics: tuple[RatedTopic, ...]
    versions: tuple[ReviewVersion, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Show one signal that a repository has, at its best grade; `counts` is False where the analysis is claimed."""

    key: str
    name: str
    grade: int
    analysis_id: str
    repository: str
    counts: bool


@dataclass(frozen=True, slots=True)
class Given:
    """Show what one reviewer gives a layer; `dissents` where it lies far from the others."""

    name: str
    level: float | None
    dissents: bool


@dataclass(frozen=True, slots=True)
class LayerPart:
    """Show one layer: where the candidate stands, what repositories show of it, and what reviewers gave it."""

    view: LayerView
    reviewed: bool
    found: tuple[Found, ...]
    given: tuple[Given, ...]

    @property
    def layer(self) -> Layer:
        """Return the layer."""
        return self.view.layer


@dataclass(frozen=True, slots=True)
class CandidatePage:
    """Show a candidate. Reviews, decisions, and levels that reviews moved are there where `line.sight.open` holds."""

    candidate: CandidateLine
    requisition: Requisition
    role: RoleTarget | None
    layers: tuple[Layer, ...]
    profile: ProfileView
    parts: tuple[LayerPart, ...]
    reviews: tuple[Judged, ...]
    decisions: tuple[Decision, ...]
    commits: Mapping[str, str]

    @property
    def sight(self) -> Sight:
        """Return what the viewer may see."""
        return self.candidate.sight

    @property
    def closed(self) -> bool:
        """Tell whether nothing changes any more."""
        return self.requisition.closed_at is not None


def candidate_page(
    catalogue: Catalogue,
    actor: Actor,
    candidate: Candidate,
    *,
    analyses: Mapping[int, Sequence[Analysis]],
    evidence: Sequence[Evidence],
    reviews: Sequence[Review],
    decisions: Sequence[Decision],
    now: datetime,
    parameters: Parameters,
) -> CandidatePage:
    """Put the page together. `evidence`, `reviews` and `decisions` are all there are; what is not for the viewer is dropped."""
    requisition = candidate.requisition
    seen = sight(actor, requisition, reviews)
    line = candidate_line(candidate, seen, analyses, now)
    layers, role = requisition_layers(catalogue, requisition), catalogue.roles.get(requisition.role_key)
    profile = build_view(
        catalogue,
        person=Person(id=candidate.person_id, name=candidate.code_name),
        role=role,
        rows=seen.evidence(evidence),
        analyses=(),
        now=now,
        parameters=parameters,
    )
    said = tuple(judged(catalogue, requisition, one, actor) for one in seen.shown)
    return CandidatePage(
        candidate=line,
        requisition=requisition,
        role=role,
        layers=layers,
        profile=profile,
        parts=tuple(
            LayerPart(view, view.layer in layers, _found(catalogue, line, view.layer), _given(view.layer.key, said))
            for view in profile.layers
        ),
        reviews=said,
        decisions=tuple(reversed(decisions)) if seen.open else (),
        commits={one.name: one.shown.sha for one in line.repositories if seen.manages and one.shown and one.shown.sha},
    )


def judged(catalogue: Catalogue, requisition: Requisition, review: Review, actor: Actor) -> Judged:
    """Return what a review says that was handed in."""
    last = review.versions[-1]
    topics = catalogue.framework.topics
    return Judged(
        name=name_of(review.reviewer),
        rater=review.rater,
        own=review.reviewer_id == actor.user_id,
        present=review.reviewer_id in requisition.panel_ids,
        means={
            layer.key: layer_mean(layer, last.ratings)
            for layer in catalogue.framework.layers
            if layer.key in review.layers
        },
        topics=tuple(
            RatedTopic(topics[key], rating, last.notes.get(key, ""))
            for key, rating in last.ratings.items()
            if key in topics
        ),
        versions=tuple(review.versions),
    )


def layer_mean(layer: Layer, ratings: Mapping[str, float | None]) -> float | None:
    """Return what ratings come to in a layer, of whose topics some may stand for all; None where none was rated."""
    given = [rating for one in layer.topics if (rating := ratings.get(one.key)) is not None]
    best = sorted(given, reverse=True)[: layer.choose]
    return fmean(best) if best else None


def _given(key: str, said: Sequence[Judged]) -> tuple[Given, ...]:
    levels = [one.means.get(key) for one in said]
    return tuple(
        Given(one.name, level, _dissents(level, [other for place, other in enumerate(levels) if place != index]))
        for index, (one, level) in enumerate(zip(said, levels, strict=True))
        if key in one.means
    )


def _dissents(level: float | None, others: Sequence[float | None]) -> bool:
    known = [other for other in others if other is not None]
    return level is not None and bool(known) and abs(level - fmean(known)) > DISSENT


def _found(catalogue: Catalogue, candidate: CandidateLine, layer: Layer) -> tuple[Found, ...]:
    """Return the best signals of a layer, those that count first. What speaks against somebody is for them alone."""
    topics = {topic.key for topic in layer.topics}
    best: dict[str, Found] = {}
    for line in candidate.repositories:
        for key, grade in shown(line.shown).grades.items() if line.shown else ():
            signal, text = catalogue.framework.signals.get(key), catalogue.signal_texts.get(key)
            if signal is None or signal.polarity < 0 or not topics & set(signal.topics) or line.shown is None:
                continue
            cut, counts = min(grade, signal.cap or grade), line.shown.confirmed
            one = Found(key, text.name if text else key, cut, line.shown.id, line.name, counts)
            if key not in best or (counts, cut) > (best[key].counts, best[key].grade):
                best[key] = one
    return tuple(sorted(best.values(), key=lambda one: (not one.counts, -one.grade, one.key))[:BEST])
