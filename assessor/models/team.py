"""Teams, who is in them, and which layers each member lets the team's managers see."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from assessor.models.account import Workspace
from assessor.models.base import Base
from assessor.models.profile import Person

__all__ = ["Team", "TeamMember"]


class Team(Base):
    """Group people of a workspace who are compared with the target of one role."""

    __tablename__ = "team"

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    role_key: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime]

    workspace: Mapped[Workspace] = relationship()
    members: Mapped[list[TeamMember]] = relationship(
        back_populates="team", order_by="TeamMember.id", cascade="all, delete-orphan", passive_deletes=True
    )


class TeamMember(Base):
    """Put a person into a team. `shares` are the keys of the layers they let its managers see.

    None says that they have not decided, which shares nothing; an empty list is a decision too.
    """

    __tablename__ = "team_member"
    __table_args__ = (UniqueConstraint("team_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    shares: Mapped[list[str] | None]
    decided_at: Mapped[datetime | None]
    joined_at: Mapped[datetime]

    team: Mapped[Team] = relationship(back_populates="members")
    person: Mapped[Person] = relationship()
