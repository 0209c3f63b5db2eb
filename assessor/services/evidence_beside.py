"""What lies beside a rubric: what the repositories of the person show of its layers, and which other evidence there is.

Of other evidence it tells the kind and the date and nothing else: whoever is to judge on their own must not be anchored
by a number, nor by what others thought. All texts are plain, so that a panel's page can scrub names out of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, contains_eager

from assessor.analysis.grading import Graded, grade
from assessor.analysis.report.model import place
from assessor.content.schema import Catalogue, Layer, Signal
from assessor.models.portfolio import Analysis, AnalysisFinding, Repository
from assessor.models.profile import Evidence, Instrument
from assessor.models.review import Review
from assessor.services.errors import NotFound
from assessor.services.evidence_page import EvidencePage, to_finding
from assessor.services.profile_view import shown

__all__ = ["LayerBeside", "OtherEvidence", "Place", "SignalBeside", "check_look", "evidence_beside", "shows_evidence"]

PLACES = 3
"""Findings shown of one signal."""

CANDIDATES = 12
"""Findings of one signal that are read to find the best of; the order of the query is nearly that of the grades."""


@dataclass(frozen=True, slots=True)
class Place:
    """Show one finding: where, such as "app/main.py:12", what, and its grade."""

    place: str
    message: str
    grade: int


@dataclass(frozen=True, slots=True)
class SignalBeside:
    """Show one signal at the best grade that any repository has it; `counts` is False where the analysis is claimed."""

    signal: Signal
    name: str
    grade: int
    analysis_id: str
    repository: str
    counts: bool
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class OtherEvidence:
    """Tell that there is other evidence: of which kind, and from when."""

    instrument: Instrument
    at: datetime


@dataclass(frozen=True, slots=True)
class LayerBeside:
    """Show what there is of one layer, the best signals first."""

    layer: Layer
    signals: tuple[SignalBeside, ...]
    others: tuple[OtherEvidence, ...]


def evidence_beside(session: Session, catalogue: Catalogue, review: Review) -> tuple[LayerBeside, ...]:
    """Return the evidence for each layer of a review. Three queries, and two where no repository shows anything."""
    layers = [layer for layer in catalogue.framework.layers if layer.key in review.layers]
    best = _best(session, catalogue, review.person_id, layers)
    places = _places(session, catalogue, best)
    others = _others(session, review, layers)
    return tuple(
        LayerBeside(
            layer,
            tuple(
                _signal(catalogue, catalogue.framework.signals[key], analysis, places)
                for key, analysis in sorted(best.items(), key=lambda one: (-shown(one[1]).grades[one[0]], one[0]))
                if _speaks_of(catalogue.framework.signals[key], layer)
            ),
            tuple(OtherEvidence(instrument, at) for index, instrument, at in others if index == layer.id - 1),
        )
        for layer in layers
    )


def shows_evidence(review: Review) -> bool:
    """Tell whether a reviewer may look at the evidence: while the review is open, and after it was handed in."""
    return review.state in ("asked", "submitted")


def check_look(review: Review, page: EvidencePage) -> None:
    """Return if the reviewer may look at a signal's evidence: of this person, in favour of a layer asked about.

    What speaks against, such as a committed credential, is for its owner alone. Raises NotFound.
    """
    of_layer = any(layer.key in review.layers for layer in page.layers)
    if not (shows_evidence(review) and page.person_id == review.person_id and page.signal.polarity > 0 and of_layer):
        raise NotFound("There is no such evidence beside this review.", "Open it from the page of the review.")


def _best(session: Session, catalogue: Catalogue, person_id: int, layers: Sequence[Layer]) -> dict[str, Analysis]:
    """Return for each signal of the layers that is present the newest analysis that has it at its best grade.

    One that counts comes before one that is only claimed.
    """
    query = (
        select(Analysis)
        .join(Analysis.repository)
        .options(contains_eager(Analysis.repository))
        .where(Repository.person_id == person_id, Analysis.state == "done")
        .order_by(Analysis.created_at, Analysis.id)
    )
    newest = {one.repository_id: one for one in session.scalars(query)}
    best: dict[str, Analysis] = {}
    for analysis in newest.values():
        for key, found in shown(analysis).grades.items():
            signal, known = catalogue.framework.signals.get(key), best.get(key)
            if signal is None or not any(_speaks_of(signal, layer) for layer in layers):
                continue
            if known is None or (analysis.confirmed, found) > (known.confirmed, shown(known).grades[key]):
                best[key] = analysis
    return best


def _places(
    session: Session, catalogue: Catalogue, best: Mapping[str, Analysis]
) -> Mapping[tuple[str, str], tuple[Place, ...]]:
    """Return the best findings by analysis and signal."""
    if not best:
        return {}
    order = (
        AnalysisFinding.verified_by.is_(None),
        AnalysisFinding.wired_by.is_(None),
        AnalysisFinding.alive.is_(False),
        AnalysisFinding.strength.desc(),
        AnalysisFinding.author_share.desc(),
        AnalysisFinding.id,
    )
    wanted = or_(
        *(
            (AnalysisFinding.analysis_id == analysis.id) & (AnalysisFinding.signal == key)
            for key, analysis in best.items()
        )
    )
    number = func.row_number().over(partition_by=(AnalysisFinding.analysis_id, AnalysisFinding.signal), order_by=order)
    ranked = select(AnalysisFinding.id, number.label("number")).where(wanted).subquery()
    query = select(AnalysisFinding).join(ranked, ranked.c.id == AnalysisFinding.id).where(ranked.c.number <= CANDIDATES)
    found: dict[tuple[str, str], list[Graded]] = {}
    for row in session.scalars(query):
        finding, signal = to_finding(row), catalogue.framework.signals[row.signal]
        found.setdefault((row.analysis_id, row.signal), []).append(Graded(finding, grade(finding, signal)))
    return {key: _shown_places(graded) for key, graded in found.items()}


def _shown_places(found: Sequence[Graded]) -> tuple[Place, ...]:
    ordered = sorted(found, key=lambda one: (-one.grade, one.finding.path, one.finding.line or 0))
    return tuple(Place(place(one), one.finding.message, one.grade) for one in ordered[:PLACES])


def _signal(
    catalogue: Catalogue, signal: Signal, analysis: Analysis, places: Mapping[tuple[str, str], tuple[Place, ...]]
) -> SignalBeside:
    text, found = catalogue.signal_texts.get(signal.key), shown(analysis).grades[signal.key]
    return SignalBeside(
        signal=signal,
        name=text.name if text else signal.key,
        grade=min(found, signal.cap or found),
        analysis_id=analysis.id,
        repository=analysis.repository.name,
        counts=analysis.confirmed,
        places=places.get((analysis.id, signal.key), ()),
    )


def _others(session: Session, review: Review, layers: Sequence[Layer]) -> list[tuple[int, Instrument, datetime]]:
    """Return layer, kind and date of the evidence that is no repository's, newest first, each day once.

    What a panel handed in is left out: that it exists is hidden from its other members too.
    """
    query = (
        select(Evidence.layer, Evidence.instrument, Evidence.at)
        .outerjoin(Review, Review.id == Evidence.review_id)
        .where(
            Evidence.person_id == review.person_id,
            Evidence.layer.in_([layer.id - 1 for layer in layers]),
            Evidence.instrument != "repo",
            Evidence.superseded_at.is_(None),
            Review.id.is_(None) | (Review.candidate_id.is_(None) & (Review.id != review.id)),
        )
        .order_by(Evidence.at.desc(), Evidence.id.desc())
    )
    days = {(layer, instrument, at.date()): at for layer, instrument, at in session.execute(query)}
    return [(layer, instrument, at) for (layer, instrument, _), at in days.items()]


def _speaks_of(signal: Signal, layer: Layer) -> bool:
    return any(topic.key in signal.topics for topic in layer.topics)
