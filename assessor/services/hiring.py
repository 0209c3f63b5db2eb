"""Hiring as managers do it: requisitions, who is on their panels, candidates and their repositories, how long they stay."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session, joinedload, raiseload

from assessor.config import Settings
from assessor.content.schema import Catalogue, RoleTarget
from assessor.models.account import Membership, UserAccount
from assessor.models.hiring import Candidate, Panellist, Requisition
from assessor.models.portfolio import Analysis
from assessor.models.profile import Look, Person
from assessor.models.review import Review
from assessor.services.account import NOWHERE, AccountService
from assessor.services.audit import AuditService
from assessor.services.code_names import CODE_NAMES, draw_code_name
from assessor.services.errors import Conflict, Invalid, NotFound
from assessor.services.identity import IdentityService, normal_email
from assessor.services.leaving import leave_panel
from assessor.services.looks import COMPARED
from assessor.services.permissions import HIRING, Actor
from assessor.services.portfolio import PortfolioService
from assessor.services.rubric import plain

__all__ = ["CONTACT_LENGTH", "HEAVIEST", "PANEL_LIMIT", "TITLE_LENGTH", "HiringService", "default_layers", "look_place"]

HEAVIEST = 3
"""Layers that a panel reviews unless told otherwise."""

TITLE_LENGTH, CONTACT_LENGTH = 120, 254
PANEL_LIMIT = 12


class HiringService:
    """Do what managers do."""

    def __init__(
        self,
        session: Session,
        catalogue: Catalogue,
        clock: Callable[[], datetime],
        settings: Settings,
        *,
        audit: AuditService,
        accounts: AccountService,
        identities: IdentityService,
        portfolios: PortfolioService,
        chance: random.Random,
    ) -> None:
        self._session = session
        self._catalogue = catalogue
        self._clock = clock
        self._settings = settings
        self._audit = audit
        self._accounts = accounts
        self._identities = identities
        self._portfolios = portfolios
        self._chance = chance

    # Read

    def requisition(self, requisition_id: int, *, lock: bool = False) -> Requisition:
        """Return a requisition with its panel and their users, locked until the unit ends if wanted. Raises NotFound.

        Everything that depends on who is on the panel, or on whether the requisition is open, locks it first.
        """
        query = (
            select(Requisition)
            .where(Requisition.id == requisition_id)
            .options(joinedload(Requisition.panel).joinedload(Panellist.user))
        )
        if lock:
            self.lock(requisition_id)
            query = query.execution_options(populate_existing=True)
        found = self._session.scalars(query).unique().one_or_none()
        if found is None:
            raise NotFound("There is no such requisition.", "Hiring lists those that are yours to see.")
        return found

    def candidate(
        self, requisition_id: int, candidate_id: int, *, lock: bool = False, decisions: bool = False
    ) -> Candidate:
        """Return a candidate with identities, repositories, and the requisition with its panel. Raises NotFound.

        With `lock` the requisition is locked, as in `requisition`; decisions are loaded where they are asked for.
        """
        query = (
            select(Candidate)
            .where(Candidate.id == candidate_id, Candidate.requisition_id == requisition_id)
            .options(
                joinedload(Candidate.requisition).joinedload(Requisition.panel).joinedload(Panellist.user),
                joinedload(Candidate.person).joinedload(Person.identities),
                joinedload(Candidate.repositories),
                joinedload(Candidate.decisions) if decisions else raiseload(Candidate.decisions),
            )
        )
        if lock:
            self.lock(requisition_id)
            query = query.execution_options(populate_existing=True)
        found = self._session.scalars(query).unique().one_or_none()
        if found is None:
            raise NotFound(
                "There is no such candidate; they may have withdrawn, and then everything of theirs is gone.",
                "The page of the requisition lists who is there.",
            )
        return found

    def colleagues(self, requisition: Requisition) -> Sequence[tuple[int, str]]:
        """Return id and name of the users who could join the panel, by name."""
        query = (
            select(UserAccount.id, UserAccount.name, UserAccount.email)
            .join(Membership)
            .where(
                Membership.workspace_id == requisition.workspace_id,
                Membership.role.in_(HIRING),
                UserAccount.id.not_in(requisition.panel_ids),
                UserAccount.active,
            )
            .order_by(func.lower(UserAccount.name), UserAccount.email)
        )
        return [(user_id, name or email) for user_id, name, email in self._session.execute(query)]

    # Requisitions

    def open(self, actor: Actor, title: str, role_key: str, layers: Collection[str] = ()) -> Requisition:
        """Open a requisition in the active workspace. Without `layers` the panel reviews the three heaviest of the role.

        Raises Invalid; Conflict without an active workspace.
        """
        if actor.workspace_id is None:
            raise Conflict("No workspace is active.", "Choose one in the settings.")
        title, role = plain(title), self._catalogue.roles.get(role_key)
        keys = [layer.key for layer in self._catalogue.framework.layers]
        wrong = {}
        if not 0 < len(title) <= TITLE_LENGTH:
            wrong["title"] = f"Write a title of 1 to {TITLE_LENGTH} characters, such as ML engineer, Berlin."
        if role is None:
            wrong["role"] = "Choose a role of the list."
        if not set(layers) <= set(keys):
            wrong["layers"] = "Choose layers of the list."
        if wrong or role is None:
            raise Invalid(wrong)
        requisition = Requisition(
            workspace_id=actor.workspace_id,
            title=title,
            role_key=role.key,
            role_version=role.version,
            layers=[key for key in keys if key in layers] or default_layers(self._catalogue, role),
            created_at=self._clock(),
        )
        self._session.add(requisition)
        self._session.flush()
        self._write(actor, "hiring.opened", requisition, role=role.key, layers=requisition.layers)
        return requisition

    def close(self, actor: Actor, requisition: Requisition) -> None:
        """Close a requisition: nothing in it changes any more, and its candidates' time begins to run. Twice does nothing."""
        if requisition.closed_at is None:
            requisition.closed_at = self._clock()
            self._write(actor, "hiring.closed", requisition)

    def reopen(self, actor: Actor, requisition: Requisition) -> None:
        """Open a closed requisition again; twice does nothing."""
        if requisition.closed_at is not None:
            requisition.closed_at = None
            self._write(actor, "hiring.reopened", requisition)

    # Panels

    def join_panel(self, actor: Actor, requisition: Requisition, user_id: int) -> None:
        """Put a user of the workspace on the panel; one who is on it stays.

        Raises Invalid for somebody who cannot be on a panel; Conflict for somebody who has seen what it said of a candidate
        whom they did not review themselves, and where the panel is full or the requisition closed.
        """
        self.check_open(requisition)
        if user_id in requisition.panel_ids:
            return
        here = select(Membership.id).where(
            Membership.user_id == user_id, Membership.workspace_id == requisition.workspace_id
        )
        self._session.execute(here.with_for_update(read=True))  # who leaves now is no colleague any more
        if user_id not in {known for known, _ in self.colleagues(requisition)}:
            raise Invalid({"user": "Choose a panellist, manager or admin of this workspace."})
        if len(requisition.panel_ids) >= PANEL_LIMIT:
            raise Conflict(f"{PANEL_LIMIT} people are on this panel.", "Take somebody off it first.")
        if self._has_seen(requisition, user_id):
            raise Conflict(
                "They have seen reviews of this requisition, so a review of theirs would not be blind.",
                "Ask somebody who has not looked at the comparison.",
            )
        known = next((one for one in requisition.panel if one.user_id == user_id), None)
        if known is None:
            requisition.panel.append(Panellist(user_id=user_id, added_at=self._clock()))
        else:
            known.left_at = None
        self._session.flush()
        self._write(actor, "hiring.panel_joined", requisition, user=user_id)

    def leave_panel(self, actor: Actor, requisition: Requisition, user_id: int) -> None:
        """Take a user off the panel: reviews they began end, those they handed in stay. Raises NotFound, or Conflict."""
        self.check_open(requisition)
        if user_id not in requisition.panel_ids:
            raise NotFound("They are not on this panel.", "Reload the page.")
        ended = leave_panel(self._session, self._clock, user_id, requisition.id)
        self._write(actor, "hiring.panel_left", requisition, user=user_id, reviews_withdrawn=ended)

    # Candidates

    def add(
        self, actor: Actor, requisition: Requisition, source: str, email: str | None = None, contact: str | None = None
    ) -> tuple[Candidate, Analysis]:
        """Add a candidate by a repository, and queue its analysis.

        `email` is what they commit with, which the panel says is theirs; without it the analysis stays claimed and moves no
        level. Raises Invalid, or Conflict where the requisition is closed or full.
        """
        candidate = self.new_candidate(actor, requisition, contact, how="repository")
        return candidate, self.add_repository(actor, candidate, source, email)

    def new_candidate(self, actor: Actor, requisition: Requisition, contact: str | None, *, how: str) -> Candidate:
        """Add a candidate under a code name that is free. Raises Invalid, or Conflict."""
        self.check_open(requisition)
        contact = plain(contact or "")
        if len(contact) > CONTACT_LENGTH:
            raise Invalid({"contact": f"A contact has at most {CONTACT_LENGTH} characters."})
        taken = self._session.scalars(select(Candidate.code_name).where(Candidate.requisition_id == requisition.id))
        name = draw_code_name(set(taken), self._chance)
        if name is None:
            raise Conflict(f"{len(CODE_NAMES)} candidates are in this requisition.", "Open another one.")
        person = Person(created_at=self._clock())
        candidate = Candidate(
            requisition=requisition, person=person, code_name=name, contact=contact or None, created_at=self._clock()
        )
        self._session.add(candidate)
        self._session.flush()
        self._write(actor, "hiring.candidate_added", candidate, requisition=requisition.id, how=how)
        return candidate

    def add_repository(self, actor: Actor, candidate: Candidate, source: str, email: str | None = None) -> Analysis:
        """Add a repository of a candidate, with the address they commit with if it is another. Raises Invalid, Conflict."""
        self.check_open(candidate.requisition)
        if email and email.strip():
            by = f"user:{actor.user_id}"
            self._identities.confirm(candidate.person_id, normal_email(email), "panel", actor=by)
        return self._portfolios.add(candidate.person_id, source)

    def rescan(self, candidate: Candidate, repository_id: int) -> Analysis:
        """Queue a new analysis of a candidate's repository. Raises NotFound for another's, Conflict."""
        self.check_open(candidate.requisition)
        if self._portfolios.repository(repository_id).person_id != candidate.person_id:
            raise NotFound("There is no such repository.", "The page of the candidate lists theirs.")
        return self._portfolios.rescan(repository_id)

    def remove(self, actor: Actor, candidate: Candidate) -> None:
        """Delete a candidate with everything of theirs, as they may ask for."""
        self.forget(candidate, f"user:{actor.user_id}", "hiring.candidate_removed")

    # How long candidates stay

    def forget(self, candidate: Candidate, by: str, action: str) -> None:
        """Delete a candidate, their person and account; the log keeps that it happened, and its chain still verifies."""
        name, requisition_id = f"candidate:{candidate.id}", candidate.requisition_id
        self._delete(candidate.person_id, candidate.person.user_id)
        self._audit.erase_details(name)
        self._audit.write(by, action, name, requisition=requisition_id)

    def forget_expired(self) -> int:
        """Delete the candidates whose time is over, and return how many there were.

        That is `candidate_days` after their requisition was closed, and at once where it went with its workspace.
        """
        over = self._clock() - timedelta(days=self._settings.candidate_days)
        expired = (
            select(Candidate)
            .join(Candidate.requisition)
            .where(Requisition.closed_at <= over)
            .options(joinedload(Candidate.person))
            .with_for_update(of=Candidate, skip_locked=True)
        )
        found = self._session.scalars(expired).all()
        for candidate in found:
            self.forget(candidate, "worker", "hiring.candidate_expired")
        return len(found) + self._forget_left_behind()

    def _forget_left_behind(self) -> int:
        left_behind = (
            select(Person.id, Person.user_id)
            .outerjoin(Candidate, Candidate.person_id == Person.id)
            .outerjoin(UserAccount, UserAccount.id == Person.user_id)
            .where(Candidate.id.is_(None), or_(Person.user_id.is_(None), UserAccount.email.like(f"%@{NOWHERE}")))
            .with_for_update(of=Person, skip_locked=True)
        )
        found = self._session.execute(left_behind).all()
        for person_id, user_id in found:
            self._delete(person_id, user_id)
        return len(found)

    def _delete(self, person_id: int, user_id: int | None) -> None:
        if user_id is not None:
            self._accounts.delete(user_id)  # the person and the candidate go with it
        self._session.execute(delete(Person).where(Person.id == person_id))
        self._audit.erase_details(f"person:{person_id}")

    # Checks

    def check_open(self, requisition: Requisition) -> None:
        """Return if a requisition is open. Raises Conflict."""
        if requisition.closed_at is not None:
            raise Conflict("This requisition is closed; nothing in it changes any more.", "A manager can reopen it.")

    def _has_seen(self, requisition: Requisition, user_id: int) -> bool:
        """Tell whether somebody was shown reviews of a candidate of whom they handed in none themselves."""
        own = select(Review.id).where(
            Review.candidate_id == Candidate.id, Review.reviewer_id == user_id, Review.state == "submitted"
        )
        seen = (
            select(Look.id)
            .join(Candidate, Candidate.person_id == Look.person_id)
            .where(Look.viewer_id == user_id, Look.place == look_place(requisition, reviews=True), ~own.exists())
        )
        return self._session.scalar(seen.limit(1)) is not None

    def lock(self, requisition_id: int) -> None:
        """Let what depends on a requisition's panel or state come one after the other, until the unit ends."""
        self._session.execute(select(Requisition.id).where(Requisition.id == requisition_id).with_for_update())

    def _write(self, actor: Actor, action: str, subject: Requisition | Candidate, **details: object) -> None:
        self._audit.write(f"user:{actor.user_id}", action, f"{type(subject).__name__.lower()}:{subject.id}", **details)


def default_layers(catalogue: Catalogue, role: RoleTarget) -> list[str]:
    """Return the keys of a role's heaviest layers, by weight and then by level, in the order of the framework."""
    heaviest = sorted(range(len(role.weights)), key=lambda index: (-role.weights[index], -role.levels[index], index))
    return [catalogue.framework.layers[index].key for index in sorted(heaviest[:HEAVIEST])]


def look_place(requisition: Requisition, *, reviews: bool) -> str:
    """Return the place of a look at a candidate: with what the panel said, or without."""
    return f"hiring:{requisition.id}{COMPARED}" if reviews else f"hiring:{requisition.id}"
