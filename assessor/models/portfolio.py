"""What people show: repositories, their analyses, and every finding with what its grade was made of."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from assessor.models.base import Base, one_of
from assessor.models.profile import Person

__all__ = ["Analysis", "AnalysisFinding", "AnalysisState", "Repository", "RepositoryKind"]

RepositoryKind = Literal["git", "zip"]
AnalysisState = Literal["queued", "running", "done", "failed"]


class Repository(Base):
    """Name one repository of a person: the address of a git repository, or an uploaded zip by its SHA-256."""

    __tablename__ = "repository"
    __table_args__ = (UniqueConstraint("person_id", "source"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    kind: Mapped[RepositoryKind] = mapped_column(one_of(RepositoryKind, "kind"))
    source: Mapped[str] = mapped_column(String(600))
    name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]

    person: Mapped[Person] = relationship()
    analyses: Mapped[list[Analysis]] = relationship(
        back_populates="repository", order_by="Analysis.created_at", cascade="all, delete-orphan", passive_deletes=True
    )


class Analysis(Base):
    """Hold one analysis of one repository; the id is a random UUID and names the background workflow too.

    `author` is the address whose share was asked for; without one the analysis is claimed and moves nobody's level.
    `summary` is what pages list (levels, best next steps) without reading the whole report.
    """

    __tablename__ = "analysis"
    __table_args__ = (
        CheckConstraint("state <> 'done' OR report IS NOT NULL", name="done"),
        CheckConstraint("state <> 'failed' OR (cause IS NOT NULL AND cure IS NOT NULL)", name="failed"),
        Index(None, "repository_id", "created_at"),
        Index(None, "state", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id", ondelete="CASCADE"))
    state: Mapped[AnalysisState] = mapped_column(one_of(AnalysisState, "state"), default="queued")
    stage: Mapped[str] = mapped_column(String(60), default="")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    rev: Mapped[str | None] = mapped_column(String(200))
    author: Mapped[str | None] = mapped_column(String(254))
    confirmed: Mapped[bool] = mapped_column(default=False)
    sha: Mapped[str | None] = mapped_column(String(64))
    framework_version: Mapped[str | None] = mapped_column(String(60))
    summary: Mapped[dict[str, Any] | None]
    report: Mapped[str | None] = mapped_column(Text, deferred=True)
    cause: Mapped[str | None] = mapped_column(Text)
    cure: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    repository: Mapped[Repository] = relationship(back_populates="analyses")

    @property
    def person_id(self) -> int:
        """Return whose repository it is an analysis of."""
        return self.repository.person_id


class AnalysisFinding(Base):
    """Hold one finding as the detector made it, before policy; grading can be repeated on it without the repository."""

    __tablename__ = "analysis_finding"
    __table_args__ = (Index(None, "analysis_id", "signal"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    analysis_id: Mapped[str] = mapped_column(ForeignKey("analysis.id", ondelete="CASCADE"))
    signal: Mapped[str] = mapped_column(String(60))
    detector: Mapped[str] = mapped_column(String(120))
    path: Mapped[str] = mapped_column(Text)
    line: Mapped[int | None]
    end_line: Mapped[int | None]
    cell: Mapped[int | None]
    message: Mapped[str] = mapped_column(Text)
    strength: Mapped[int]
    setting: Mapped[str] = mapped_column(String(20))
    alive: Mapped[bool]
    wired_by: Mapped[str | None] = mapped_column(Text)
    verified_by: Mapped[str | None] = mapped_column(Text)
    author_share: Mapped[float | None]
    since: Mapped[str | None] = mapped_column(String(30))
    excerpt: Mapped[str | None] = mapped_column(Text)
