"""Hiring: requisitions, their panels, candidates under code names, and decisions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from assessor.models.account import UserAccount
from assessor.models.base import Base, one_of
from assessor.models.portfolio import Repository
from assessor.models.profile import Person

__all__ = ["Candidate", "Decision", "Panellist", "Requisition", "Verdict"]

Verdict = Literal["definitely not", "no", "yes", "strong yes", "no decision"]


class Requisition(Base):
    """Look for somebody for a role; `layers` are the keys of those that the panel reviews."""

    __tablename__ = "requisition"

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(120))
    role_key: Mapped[str] = mapped_column(String(60))
    role_version: Mapped[int]
    layers: Mapped[list[str]]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    panel: Mapped[list[Panellist]] = relationship(
        back_populates="requisition", order_by="Panellist.id", cascade="all, delete-orphan", passive_deletes=True
    )
    candidates: Mapped[list[Candidate]] = relationship(
        back_populates="requisition", order_by="Candidate.id", cascade="all, delete-orphan", passive_deletes=True
    )

    @property
    def panel_ids(self) -> frozenset[int]:
        """Return the users who are on the panel now."""
        return frozenset(one.user_id for one in self.panel if one.left_at is None)


class Panellist(Base):
    """Put a user on the panel of a requisition; one who left it keeps the row, for what they did stays."""

    __tablename__ = "panellist"
    __table_args__ = (UniqueConstraint("requisition_id", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    requisition_id: Mapped[int] = mapped_column(ForeignKey("requisition.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    added_at: Mapped[datetime]
    left_at: Mapped[datetime | None]

    requisition: Mapped[Requisition] = relationship(back_populates="panel")
    user: Mapped[UserAccount] = relationship()


class Candidate(Base):
    """Name one candidate of one requisition, whose person is measured for it alone.

    Panels see the code name. `contact` is what the managers need to reach them. An invitation's token is stored hashed;
    it signs the candidate in until it is revoked or over.
    """

    __tablename__ = "candidate"
    __table_args__ = (UniqueConstraint("requisition_id", "code_name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    requisition_id: Mapped[int] = mapped_column(ForeignKey("requisition.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), unique=True)
    code_name: Mapped[str] = mapped_column(String(40))
    contact: Mapped[str | None] = mapped_column(String(254))
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime | None]
    consented_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    requisition: Mapped[Requisition] = relationship(back_populates="candidates")
    person: Mapped[Person] = relationship()
    repositories: Mapped[list[Repository]] = relationship(
        primaryjoin=lambda: foreign(Repository.person_id) == Candidate.person_id,
        order_by=lambda: Repository.id,
        viewonly=True,
    )
    decisions: Mapped[list[Decision]] = relationship(
        back_populates="candidate", order_by="Decision.id", cascade="all, delete-orphan", passive_deletes=True
    )


class Decision(Base):
    """Record what a person decided about a candidate and why; the newest holds, earlier ones stay.

    `basis` is what they decided on: the versions of framework, questions, role and commits, how many reviews were in, and
    the levels with their intervals.
    """

    __tablename__ = "decision"
    __table_args__ = (Index(None, "candidate_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id", ondelete="CASCADE"))
    verdict: Mapped[Verdict] = mapped_column(one_of(Verdict, "verdict"))
    reason: Mapped[str] = mapped_column(Text)
    basis: Mapped[dict[str, Any]]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    decided_by_name: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime]

    candidate: Mapped[Candidate] = relationship(back_populates="decisions")
