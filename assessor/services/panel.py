"""Panels: what each member sees of a candidate, blind reviews, and decisions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

from sqlalchemy import ColumnElement, and_, exists, func, select, true
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from assessor.content.schema import Catalogue
from assessor.models.hiring import Candidate, Decision, Panellist, Requisition, Verdict
from assessor.models.portfolio import Analysis, Repository
from assessor.models.profile import Person
from assessor.models.review import Review, ReviewVersion
from assessor.services.audit import AuditService
from assessor.services.blind import Sight
from assessor.services.calibration import CalibrationService
from assessor.services.candidate_page import CandidatePage, candidate_page
from assessor.services.compare_page import ComparePage, compare_page
from assessor.services.errors import Conflict, Invalid, NotFound
from assessor.services.evidence_beside import LayerBeside, evidence_beside
from assessor.services.evidence_page import EvidencePage
from assessor.services.hiring import HiringService, look_place
from assessor.services.hiring_page import RequisitionLine, RequisitionPage, requisition_layers, requisition_page
from assessor.services.looks import LookService
from assessor.services.permissions import MANAGERS, Actor, manager_of
from assessor.services.portfolio import PortfolioService
from assessor.services.review import ReviewService
from assessor.services.rubric import plain
from assessor.services.scrub import Scrubber, scrubber

__all__ = ["REASON_LENGTH", "PanelService"]

REASON_LENGTH = 5_000
LISTED = 200
"""Requisitions that are listed at most, the open and newest ones first."""

Ratings = Mapping[str, float | None]
Notes = Mapping[str, str]


class PanelService:
    """Do what panels and those who decide do."""

    def __init__(
        self,
        session: Session,
        catalogue: Catalogue,
        clock: Callable[[], datetime],
        *,
        audit: AuditService,
        hiring: HiringService,
        portfolios: PortfolioService,
        reviews: ReviewService,
        looks: LookService,
        calibrations: CalibrationService,
    ) -> None:
        self._session = session
        self._catalogue = catalogue
        self._clock = clock
        self._audit = audit
        self._hiring = hiring
        self._portfolios = portfolios
        self._reviews = reviews
        self._looks = looks
        self._calibrations = calibrations

    # Read

    def requisitions(self, actor: Actor) -> tuple[RequisitionLine, ...]:
        """Return the requisitions of the active workspace that somebody may see, the open ones first. Two queries."""
        own = Requisition.panel.any((Panellist.user_id == actor.user_id) & Panellist.left_at.is_(None))
        query = (
            select(Requisition)
            .where(Requisition.workspace_id == actor.workspace_id, own if actor.role not in MANAGERS else true())
            .options(selectinload(Requisition.panel))
            .order_by(Requisition.closed_at.is_not(None), Requisition.id.desc())
            .limit(LISTED)
        )
        found = self._session.scalars(query).all()
        mine = and_(
            Review.candidate_id == Candidate.id, Review.reviewer_id == actor.user_id, Review.state == "submitted"
        )
        counts = self._session.execute(
            select(Candidate.requisition_id, func.count(Candidate.id), func.count(Review.id))
            .outerjoin(Review, mine)
            .where(Candidate.requisition_id.in_([one.id for one in found]))
            .group_by(Candidate.requisition_id)
        )
        known = {requisition_id: (candidates, reviewed) for requisition_id, candidates, reviewed in counts}
        return tuple(
            RequisitionLine(
                requisition=one,
                role=self._catalogue.roles.get(one.role_key),
                candidates=known.get(one.id, (0, 0))[0],
                panel=len(one.panel_ids),
                reviewed=known.get(one.id, (0, 0))[1] if actor.user_id in one.panel_ids else None,
            )
            for one in found
        )

    def page(self, actor: Actor, requisition: Requisition) -> RequisitionPage:
        """Return what the page of a requisition shows to somebody. Four queries."""
        candidates = self._candidates(requisition, repositories=True)
        manages = manager_of(actor, requisition)
        return requisition_page(
            self._catalogue,
            actor,
            requisition,
            candidates,
            self._analyses([one.person_id for one in candidates]),
            self._all_reviews(requisition, versions=False),
            self._hiring.colleagues(requisition) if manages else (),
            self._clock(),
        )

    def candidate_page(self, actor: Actor, candidate: Candidate, *, decisions: bool = False) -> CandidatePage:
        """Return what the page of a candidate shows to somebody, and that of the decision. Three queries."""
        return candidate_page(
            self._catalogue,
            actor,
            candidate,
            analyses=self._analyses([candidate.person_id]),
            evidence=self._calibrations.evidence_of([candidate.person_id])[candidate.person_id],
            reviews=self._reviews_of(candidate),
            decisions=candidate.decisions if decisions else (),
            now=self._clock(),
            parameters=self._calibrations.current,
        )

    def compare_page(
        self, actor: Actor, requisition: Requisition, part: slice | None = None
    ) -> tuple[ComparePage, int]:
        """Return what the comparison of some candidates shows to somebody, and how many there are. Three queries."""
        everybody = self._candidates(requisition, repositories=False)
        candidates = everybody if part is None else everybody[part]
        page = compare_page(
            self._catalogue,
            actor,
            requisition,
            candidates,
            evidence=self._calibrations.evidence_of([one.person_id for one in candidates]),
            reviews=self._all_reviews(requisition, versions=True),
            now=self._clock(),
            parameters=self._calibrations.current,
        )
        return page, len(everybody)

    def evidence(self, actor: Actor, candidate: Candidate, analysis_id: str, signal_key: str) -> EvidencePage:
        """Return what a candidate's analysis found for one signal, scrubbed for who does not manage. Raises NotFound.

        What speaks against somebody, such as a committed credential, is for them alone.
        """
        page = self._portfolios.evidence(analysis_id, signal_key)
        if page.person_id != candidate.person_id or page.signal.polarity < 0:
            raise NotFound("There is no such evidence.", "Open it from the page of the candidate.")
        scrub = self._scrubber(actor, candidate)
        return page if scrub is None else scrub.page(page)

    def beside(self, actor: Actor, candidate: Candidate, review: Review) -> tuple[LayerBeside, ...]:
        """Return the evidence that lies beside a rubric, scrubbed for who does not manage."""
        found = evidence_beside(self._session, self._catalogue, review)
        scrub = self._scrubber(actor, candidate)
        return found if scrub is None else scrub.beside(found)

    def own_review(self, actor: Actor, candidate: Candidate) -> Review:
        """Return the own review of a candidate; before anything of it was stored one that is in no session."""
        query = (
            select(Review)
            .where(Review.candidate_id == candidate.id, Review.reviewer_id == actor.user_id)
            .options(joinedload(Review.versions))
        )
        found = self._session.scalars(query).unique().one_or_none()
        return found or Review(
            kind="panel",
            person_id=candidate.person_id,
            reviewer_id=actor.user_id,
            rater=f"user:{actor.user_id}",
            layers=list(candidate.requisition.layers),
            candidate_id=candidate.id,
            framework_version=self._catalogue.framework.label,
            state="asked",
            created_at=self._clock(),
            versions=[],
        )

    # Looks

    def unrecorded(self, actor: Actor, requisition: Requisition, shown: Mapping[int, bool]) -> dict[int, str]:
        """Return the looks to record, as places by person; `shown` tells for each person whether reviews were shown."""
        places = {person_id: look_place(requisition, reviews=reviews) for person_id, reviews in shown.items()}
        return self._looks.missing_at(actor, places)

    def looked(self, actor: Actor, requisition: Requisition, places: Mapping[int, str]) -> None:
        """Record looks before what was looked at is handed out.

        Who is not on the panel must not join it at the same moment: one of the two comes first, and the other fails.
        Raises Conflict.
        """
        outside = actor.user_id not in requisition.panel_ids
        if outside:
            self._hiring.lock(requisition.id)
        on_panel = _on_panel(actor, requisition)
        new = self._looks.record_at(actor, places, provided=~on_panel if outside else None)
        if outside and new < len(places) and self._session.scalar(select(on_panel)):
            raise Conflict(
                "You have just joined this panel, and see of the others what a member sees.", "Reload the page."
            )

    # Review

    def save_draft(self, actor: Actor, candidate: Candidate, ratings: Ratings, notes: Notes, stamp: str | None) -> None:
        """Keep what was written. Raises Invalid, Conflict; see ReviewService. The requisition must be locked."""
        self._reviews.save_draft(self._mine(actor, candidate), ratings, notes, stamp=stamp)

    def hand_in(
        self, actor: Actor, candidate: Candidate, ratings: Ratings, notes: Notes, stamp: str | None
    ) -> ReviewVersion:
        """Hand the own review in, once. Raises Invalid, Conflict; see ReviewService. The requisition must be locked."""
        return self._reviews.submit(self._mine(actor, candidate), ratings, notes, stamp=stamp)

    def amend(
        self, actor: Actor, candidate: Candidate, ratings: Ratings, notes: Notes, reason: str, stamp: str | None
    ) -> ReviewVersion:
        """Change the own review for a reason. Raises Invalid, Conflict; see ReviewService. The requisition must be locked."""
        return self._reviews.amend(self._mine(actor, candidate), ratings, notes, reason, stamp=stamp)

    # Decide

    def decide(self, actor: Actor, candidate: Candidate, verdict: str, reason: str) -> Decision:
        """Record what somebody decides about a candidate and why; earlier decisions stay, and the same one sent again is one.

        Raises Invalid; Conflict where the reviews may not be seen yet, or the requisition is closed. It must be locked.
        """
        self._hiring.check_open(candidate.requisition)
        reason = plain(reason)
        wrong = {}
        if verdict not in get_args(Verdict):
            wrong["verdict"] = "Choose one of the five."
        if not 0 < len(reason) <= REASON_LENGTH:
            wrong["reason"] = f"Say why in 1 to {REASON_LENGTH:,} characters; a decision without a reason is none."
        if wrong:
            raise Invalid(wrong)
        page = self.candidate_page(actor, candidate, decisions=True)
        if not page.sight.open:
            raise _not_yet(page.sight)
        last = page.decisions[0] if page.decisions else None
        if last is not None and (last.decided_by, last.verdict, last.reason) == (actor.user_id, verdict, reason):
            return last
        decision = Decision(
            candidate_id=candidate.id,
            verdict=verdict,
            reason=reason,
            basis=self._basis(page),
            decided_by=actor.user_id,
            decided_by_name=(actor.name or actor.email)[:120],
            at=self._clock(),
        )
        self._session.add(decision)
        self._session.flush()
        self._audit.write(
            f"user:{actor.user_id}",
            "hiring.decided",
            f"candidate:{candidate.id}",
            verdict=verdict,
            decision=decision.id,
        )
        return decision

    def _basis(self, page: CandidatePage) -> dict[str, Any]:
        """Return what a decision was made on."""
        role = page.role
        return {
            "framework": self._catalogue.framework.label,
            "questions": self._catalogue.items_label,
            "calibration": page.profile.parameters.number,
            "role": f"{role.key}@{role.version}" if role else None,
            "commits": dict(page.commits),
            "reviews": [page.sight.handed_in, page.sight.asked],
            "versions": {one.rater: one.versions[-1].number for one in page.reviews},
            "levels": {
                one.layer.key: [round(value, 3) for value in (one.level, one.low, one.high) if value is not None]
                for one in page.profile.layers
                if one.measured
            },
        }

    # Rows

    def _mine(self, actor: Actor, candidate: Candidate) -> Review:
        self._hiring.check_open(candidate.requisition)
        layers = requisition_layers(self._catalogue, candidate.requisition)  # the framework may have one no more
        return self._reviews.panel(candidate, actor.user_id, [layer.key for layer in layers])

    def _scrubber(self, actor: Actor, candidate: Candidate) -> Scrubber | None:
        if manager_of(actor, candidate.requisition):
            return None
        return scrubber(candidate.person, candidate.repositories, candidate.contact)

    def _candidates(self, requisition: Requisition, *, repositories: bool) -> Sequence[Candidate]:
        """Return the candidates by the time they came, with persons and either their repositories or their decisions."""
        more = (
            (joinedload(Candidate.person).joinedload(Person.identities), joinedload(Candidate.repositories))
            if repositories
            else (joinedload(Candidate.person), joinedload(Candidate.decisions))
        )
        query = select(Candidate).where(Candidate.requisition_id == requisition.id).order_by(Candidate.id)
        return self._session.scalars(query.options(*more)).unique().all()

    def _analyses(self, person_ids: Collection[int]) -> dict[int, list[Analysis]]:
        """Return the analyses of persons by repository, the newest last."""
        query = (
            select(Analysis)
            .join(Analysis.repository)
            .options(contains_eager(Analysis.repository).load_only(Repository.id))
            .where(Repository.person_id.in_(person_ids))
            .order_by(Analysis.created_at, Analysis.id)
        )
        found: dict[int, list[Analysis]] = {}
        for one in self._session.scalars(query):
            found.setdefault(one.repository_id, []).append(one)
        return found

    def _reviews_of(self, candidate: Candidate) -> Sequence[Review]:
        query = (
            select(Review)
            .where(Review.candidate_id == candidate.id)
            .options(joinedload(Review.versions), joinedload(Review.reviewer))
            .order_by(Review.id)
        )
        return self._session.scalars(query).unique().all()

    def _all_reviews(self, requisition: Requisition, *, versions: bool) -> dict[int, list[Review]]:
        """Return the reviews of all candidates by candidate."""
        query = select(Review).join(Candidate, Candidate.id == Review.candidate_id).order_by(Review.id)
        if versions:
            query = query.options(joinedload(Review.versions), joinedload(Review.reviewer))
        found: dict[int, list[Review]] = {}
        for one in self._session.scalars(query.where(Candidate.requisition_id == requisition.id)).unique():
            assert one.candidate_id is not None
            found.setdefault(one.candidate_id, []).append(one)
        return found


def _on_panel(actor: Actor, requisition: Requisition) -> ColumnElement[bool]:
    return exists().where(
        Panellist.requisition_id == requisition.id, Panellist.user_id == actor.user_id, Panellist.left_at.is_(None)
    )


def _not_yet(seen: Sight) -> Conflict:
    if seen.on_panel:
        return Conflict("Your own review of this candidate is not handed in.", "Hand it in first; then decide.")
    return Conflict(
        f"{seen.handed_in} of {seen.asked} reviews are handed in.",
        "Decide when all are, or take whoever cannot review off the panel.",
    )
