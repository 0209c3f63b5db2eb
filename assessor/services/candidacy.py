"""Candidates: the link they come in by, what is stored about them and who looked, and how they go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session, joinedload

from assessor.config import Settings
from assessor.models.account import Workspace
from assessor.models.hiring import Candidate, Requisition
from assessor.models.portfolio import Analysis, Repository
from assessor.models.profile import Identity, Person, SelfRating
from assessor.models.quiz import Attempt
from assessor.services.account import AccountService
from assessor.services.audit import AuditService
from assessor.services.errors import Gone, Invalid, NotFound
from assessor.services.hiring import HiringService
from assessor.services.looks import LookLine, LookService
from assessor.services.permissions import Actor
from assessor.services.rubric import plain
from assessor.services.tokens import hash_token, new_token

__all__ = ["LINK_DAYS", "NAME_LENGTH", "Application", "CandidacyService", "Invited"]

LINK_DAYS = 30
"""How long an invitation signs its candidate in."""

NAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Invited:
    """Show an invitation to whoever opens its link: who asks, for what, and for how many days what is kept."""

    workspace: str
    requisition: Requisition
    candidate: Candidate
    days: int

    @property
    def consented(self) -> bool:
        """Tell whether the candidate agreed before."""
        return self.candidate.consented_at is not None


@dataclass(frozen=True, slots=True)
class Application:
    """Show a candidate what is stored about them, how far they are, and when it goes; nothing of what a panel says."""

    workspace: str
    requisition: Requisition
    candidate: Candidate
    repositories: int
    analysed: int
    counted: int
    addresses: int
    confirmed: int
    quizzes: int
    quiz_open: bool
    ratings: int
    days: int
    looks: Sequence[LookLine]

    @property
    def step(self) -> int:
        """Return the step to do next: 1 repositories, 2 quiz, 3 none, all is done."""
        return 1 if not self.repositories else 2 if not self.quizzes else 3

    @property
    def deleted_at(self) -> datetime | None:
        """Return when everything is deleted, None while the requisition is open."""
        closed = self.requisition.closed_at
        return closed + timedelta(days=self.days) if closed else None


class CandidacyService:
    """Do what candidates do, and make the links they come by."""

    def __init__(
        self,
        session: Session,
        clock: Callable[[], datetime],
        settings: Settings,
        *,
        audit: AuditService,
        accounts: AccountService,
        hiring: HiringService,
        looks: LookService,
    ) -> None:
        self._session = session
        self._clock = clock
        self._settings = settings
        self._audit = audit
        self._accounts = accounts
        self._hiring = hiring
        self._looks = looks

    # Links

    def invite(self, actor: Actor, requisition: Requisition, contact: str | None = None) -> tuple[Candidate, str]:
        """Add a candidate who brings their work themselves, and return the token of their link, which is shown once.

        Raises Invalid, or Conflict where the requisition is closed or full.
        """
        candidate = self._hiring.new_candidate(actor, requisition, contact, how="invitation")
        return candidate, self.renew(actor, candidate)

    def renew(self, actor: Actor, candidate: Candidate) -> str:
        """Make a link anew and return its token; the one before ends, with every browser signed in by it. Raises Conflict."""
        self._hiring.check_open(candidate.requisition)
        token = new_token()
        candidate.token_hash = hash_token(token)
        candidate.expires_at = self._clock() + timedelta(days=LINK_DAYS)
        self._end_sessions(candidate)
        self._write(actor, "hiring.invited", candidate)
        return token

    def revoke(self, actor: Actor, candidate: Candidate) -> None:
        """End a link at once, with every browser signed in by it; without one this does nothing."""
        now = self._clock()
        if candidate.expires_at is not None and candidate.expires_at > now:
            candidate.expires_at = now
            self._end_sessions(candidate)
            self._write(actor, "hiring.invitation_revoked", candidate)

    def invitation(self, token: str, *, lock: bool = False) -> Invited:
        """Return what a link is an invitation to. Raises NotFound for an unknown one, Gone for one that is over."""
        this = Candidate.token_hash == hash_token(token)
        if lock:  # first, and by itself: what is joined to a row that was waited for would be as old as the wait
            self._session.execute(select(Candidate.id).where(this).with_for_update())
        query = (
            select(Candidate, Workspace.name)
            .join(Candidate.requisition)
            .join(Workspace, Workspace.id == Requisition.workspace_id)
            .where(this)
            .options(joinedload(Candidate.requisition), joinedload(Candidate.person).joinedload(Person.user))
        )
        row = self._session.execute(query).one_or_none()
        if row is None:
            raise NotFound(
                "There is no such invitation.",
                "Check that the whole link was copied. Where a newer one was made, only that one is valid.",
            )
        candidate, workspace = row
        if candidate.requisition.closed_at is not None:
            raise Gone("This requisition is closed.", "Ask whoever invited you, if you did not expect that.")
        if candidate.expires_at is None or candidate.expires_at <= self._clock():
            raise Gone("This invitation was revoked, or its 30 days are over.", "Ask whoever sent it for a new one.")
        return Invited(workspace, candidate.requisition, candidate, self._settings.candidate_days)

    def accept(self, token: str, *, consent: bool, name: str = "") -> int:
        """Let a candidate in and return the id of their account, which the first time is made.

        It has no password: the link signs in again while it is valid. Raises NotFound, Gone; Invalid without consent.
        """
        candidate = self.invitation(token, lock=True).candidate
        if candidate.consented_at is None:
            name = plain(name)
            wrong = {}
            if not consent:
                wrong["consent"] = "Without your consent nothing is stored, and nothing can be shown to the panel."
            if len(name) > NAME_LENGTH:
                wrong["name"] = f"A name has at most {NAME_LENGTH} characters."
            if wrong:
                raise Invalid(wrong)
            candidate.person.name = name
            candidate.consented_at = self._clock()
        user = self._accounts.admit(candidate.person)
        self._audit.write(
            f"user:{user.id}",
            "hiring.invitation_opened",
            f"candidate:{candidate.id}",
            requisition=candidate.requisition_id,
        )
        return user.id

    # What a candidate sees of themselves, and how they go

    def application(self, actor: Actor) -> Application:
        """Return how far the application is of who acts, and what is stored of it. Two queries. Raises NotFound."""
        whose = actor.person_id

        def count(column: object, *where: object) -> ScalarSelect[int]:
            return select(func.count(column)).where(*where).scalar_subquery()  # type: ignore[arg-type]

        analyses = (Analysis.repository_id == Repository.id, Repository.person_id == whose, Analysis.state == "done")
        measured = (Attempt.person_id == whose, Attempt.mode == "measured")
        row = self._session.execute(
            select(
                Candidate,
                Workspace.name,
                count(Repository.id, Repository.person_id == whose),
                count(Repository.id.distinct(), *analyses),
                count(Repository.id.distinct(), *analyses, Analysis.confirmed),
                count(Identity.id, Identity.person_id == whose),
                count(Identity.id, Identity.person_id == whose, Identity.confirmed_by.is_not(None)),
                count(Attempt.id, *measured, Attempt.finished_at.is_not(None)),
                count(Attempt.id, *measured, Attempt.finished_at.is_(None)),
                count(SelfRating.id, SelfRating.person_id == whose, SelfRating.level.is_not(None)),
            )
            .join(Candidate.requisition)
            .join(Workspace, Workspace.id == Requisition.workspace_id)
            .where(Candidate.id == actor.candidate_id)
            .options(joinedload(Candidate.requisition), joinedload(Candidate.person))
        ).one_or_none()
        if row is None:
            raise NotFound("There is no such application.", "It was withdrawn, or its time is over.")
        candidate, workspace, repositories, analysed, counted, addresses, confirmed, quizzes, waiting, ratings = row
        return Application(
            workspace=workspace,
            requisition=candidate.requisition,
            candidate=candidate,
            repositories=repositories,
            analysed=analysed,
            counted=counted,
            addresses=addresses,
            confirmed=confirmed,
            quizzes=quizzes,
            quiz_open=waiting > 0,
            ratings=ratings,
            days=self._settings.candidate_days,
            looks=self._looks.at(whose),
        )

    def withdraw(self, actor: Actor) -> None:
        """Delete who acts as a candidate, with everything of theirs; they cannot come back by the same link. Raises NotFound."""
        query = select(Candidate).where(Candidate.id == actor.candidate_id).options(joinedload(Candidate.person))
        candidate = self._session.scalar(query)
        if candidate is None:
            raise NotFound("There is no such application.", "It was withdrawn already, or its time is over.")
        self._hiring.forget(candidate, f"user:{actor.user_id}", "hiring.withdrawn")

    def _end_sessions(self, candidate: Candidate) -> None:
        if candidate.person.user_id is not None:
            self._accounts.revoke_all(candidate.person.user_id)

    def _write(self, actor: Actor, action: str, candidate: Candidate) -> None:
        self._audit.write(
            f"user:{actor.user_id}", action, f"candidate:{candidate.id}", requisition=candidate.requisition_id
        )
