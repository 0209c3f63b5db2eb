"""What the comparison of a requisition's candidates shows, each as far as the viewer may see it; no query here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from assessor.content.schema import Catalogue, Layer, RoleTarget, Topic
from assessor.measurement import agreement, raters
from assessor.measurement.fusion import EvidenceRow
from assessor.models.hiring import Candidate, Decision, Requisition
from assessor.models.profile import Evidence
from assessor.models.review import Review
from assessor.services.blind import Sight, sight
from assessor.services.candidate_page import Judged, judged
from assessor.services.evidence import fit_evidence
from assessor.services.hiring_page import requisition_layers
from assessor.services.parameters import Parameters
from assessor.services.permissions import Actor
from assessor.services.standing import LayerStanding, stand

__all__ = ["Agreement", "Column", "ComparePage", "LayerRow", "Severity", "Split", "compare_page"]

SPLITS = 5
SPLIT = 1.0
"""Levels between the lowest and the highest rating of a topic from which on it is called a split."""


@dataclass(frozen=True, slots=True)
class Column:
    """Show one candidate: ten standings in the order of layers, the newest decision, and what the panel said."""

    id: int
    person_id: int
    code_name: str
    sight: Sight
    standings: tuple[LayerStanding, ...]
    reviews: tuple[Judged, ...]
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class LayerRow:
    """Show one layer of all candidates against the target."""

    layer: Layer
    target: float | None
    reviewed: bool
    standings: tuple[tuple[Column, LayerStanding], ...]

    @property
    def measured(self) -> bool:
        """Tell whether anybody is measured in it."""
        return any(own.measured for _, own in self.standings)


@dataclass(frozen=True, slots=True)
class Severity:
    """Show by how many levels somebody rates above what everything else says; under 0 they are harsh."""

    name: str
    mean: float
    sd: float
    reviews: int

    @property
    def clear(self) -> bool:
        """Tell whether it is more than their ratings would show by chance."""
        return abs(self.mean) > 1.96 * self.sd


@dataclass(frozen=True, slots=True)
class Agreement:
    """Show how far reviewers agree, 1 is wholly, 0 is as chance would have it; None with a cause where that cannot be told."""

    alpha: float | None
    cause: str
    topics: int


@dataclass(frozen=True, slots=True)
class Split:
    """Show a topic that reviewers see differently, and who said what, the lowest first."""

    code_name: str
    candidate_id: int
    topic: Topic
    said: tuple[tuple[str, float], ...]

    @property
    def spread(self) -> float:
        """Return the distance of the lowest and the highest rating."""
        return self.said[-1][1] - self.said[0][1]


@dataclass(frozen=True, slots=True)
class ComparePage:
    """Show the candidates of a requisition side by side."""

    requisition: Requisition
    role: RoleTarget | None
    layers: tuple[Layer, ...]
    columns: tuple[Column, ...]
    rows: tuple[LayerRow, ...]
    severities: tuple[Severity, ...]
    agreement: Agreement
    splits: tuple[Split, ...]


def compare_page(
    catalogue: Catalogue,
    actor: Actor,
    requisition: Requisition,
    candidates: Sequence[Candidate],
    *,
    evidence: Mapping[int, Sequence[Evidence]],
    reviews: Mapping[int, Sequence[Review]],
    now: datetime,
    parameters: Parameters,
) -> ComparePage:
    """Put the page together; evidence by person and reviews by candidate are all there are.

    What the viewer may not see moves nothing they see: neither levels nor severities, agreement and splits.
    """
    layers, role = catalogue.framework.layers, catalogue.roles.get(requisition.role_key)
    columns, visible = [], []
    for one in candidates:
        seen = sight(actor, requisition, reviews.get(one.id, ()))
        rows = seen.evidence(evidence.get(one.person_id, ()))
        said = tuple(judged(catalogue, requisition, review, actor) for review in seen.shown)
        decision = one.decisions[-1] if seen.open and one.decisions else None
        standings = stand(layers, rows, now, parameters)
        columns.append(Column(one.id, one.person_id, one.code_name, seen, standings, said, decision))
        visible.append(fit_evidence(rows, now, parameters).profile.rows)
    reviewed = requisition_layers(catalogue, requisition)
    return ComparePage(
        requisition=requisition,
        role=role,
        layers=reviewed,
        columns=tuple(columns),
        rows=tuple(
            LayerRow(
                layer,
                role.levels[index] if role else None,
                layer in reviewed,
                tuple((column, column.standings[index]) for column in columns),
            )
            for index, layer in enumerate(layers)
        ),
        severities=_severities(columns, visible, parameters),
        agreement=_agreement(columns),
        splits=_splits(columns),
    )


def _severities(
    columns: Sequence[Column], visible: Sequence[Sequence[EvidenceRow]], parameters: Parameters
) -> tuple[Severity, ...]:
    """Return the severity of every reviewer whose reviews may be seen, by name; one alone cannot be told from others."""
    said = [one for column in columns for one in column.reviews]
    names = {one.rater: one.name for one in said}
    if len(names) < 2:
        return ()
    found = raters.severities(visible, hyper=parameters.hyper)
    lines = (
        Severity(name, found[rater][0], found[rater][1], sum(one.rater == rater for one in said))
        for rater, name in names.items()
        if rater in found
    )
    return tuple(sorted(lines, key=lambda one: one.name.lower()))


def _agreement(columns: Sequence[Column]) -> Agreement:
    """Return Krippendorff's alpha over the ratings of all topics of all candidates, as intervals."""
    ratings = _ratings(columns)
    judges = sorted({rater for unit in ratings.values() for rater in unit})
    shared = {key: unit for key, unit in ratings.items() if len(unit) > 1}
    if len(judges) < 2:
        told = "no review may be shown yet" if not judges else "only one reviewer's ratings may be shown yet"
        return Agreement(None, f"It takes two reviews to compare: {told}.", 0)
    if not shared:
        return Agreement(None, "No topic was rated by two reviewers yet.", 0)
    table = np.array([[unit.get(judge, math.nan) for unit in shared.values()] for judge in judges])
    alpha = agreement.krippendorff_alpha(table, "interval")
    if math.isnan(alpha):
        return Agreement(None, "All ratings are the same: nothing tells agreement from chance.", len(shared))
    return Agreement(alpha, "", len(shared))


def _ratings(columns: Sequence[Column]) -> dict[tuple[int, str], dict[str, float]]:
    """Return the ratings by candidate and topic, and in each by reviewer."""
    found: dict[tuple[int, str], dict[str, float]] = {}
    for column in columns:
        for one in column.reviews:
            for line in one.topics:
                if line.rating is not None:
                    found.setdefault((column.id, line.topic.key), {})[one.rater] = line.rating
    return found


def _splits(columns: Sequence[Column]) -> tuple[Split, ...]:
    names = {one.rater: one.name for column in columns for one in column.reviews}
    topics = {line.topic.key: line.topic for column in columns for one in column.reviews for line in one.topics}
    code_names = {column.id: column.code_name for column in columns}
    found = [
        Split(
            code_names[candidate_id],
            candidate_id,
            topics[key],
            tuple(sorted(((names[rater], rating) for rater, rating in unit.items()), key=lambda one: (one[1], one[0]))),
        )
        for (candidate_id, key), unit in _ratings(columns).items()
        if len(unit) > 1
    ]
    wide = [one for one in found if one.spread >= SPLIT]
    return tuple(sorted(wide, key=lambda one: (-one.spread, one.code_name, one.topic.key))[:SPLITS])
