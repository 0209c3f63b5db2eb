"""Attempts at the quiz and every question asked in them, with what was answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from assessor.models.base import Base, one_of
from assessor.models.profile import LAYER

__all__ = ["Answer", "Attempt", "AttemptMode"]

AttemptMode = Literal["measured", "practice"]
"""Measured attempts count and explain at their end; practice explains at once and never counts."""

OPEN = "finished_at IS NULL AND mode = 'measured'"


class Attempt(Base):
    """Hold one sitting. `layer` 0..9 or None for all ten, `domain` the topic that stands for layer 8.

    `seed` makes what was drawn and how options were shuffled repeatable, `exposure` is how often each question had been
    asked in earlier tests, as a share by id; `correlation` is the one between layers that the answers speak for; `bank`
    names the questions' version.
    """

    __tablename__ = "quiz_attempt"
    __table_args__ = (
        CheckConstraint(LAYER, name="layer"),
        Index(None, "person_id", "started_at"),
        # Two tabs that start a test at the same time get the same one.
        Index("uq_quiz_attempt_open", "person_id", unique=True, sqlite_where=text(OPEN), postgresql_where=text(OPEN)),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    mode: Mapped[AttemptMode] = mapped_column(one_of(AttemptMode, "mode"))
    layer: Mapped[int | None]
    domain: Mapped[str | None] = mapped_column(String(60))
    seed: Mapped[int]
    exposure: Mapped[dict[str, Any]]
    correlation: Mapped[float] = mapped_column(default=0.5)
    bank: Mapped[str] = mapped_column(String(60))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    answers: Mapped[list[Answer]] = relationship(
        back_populates="attempt", order_by="Answer.place", cascade="all, delete-orphan", passive_deletes=True
    )


class Answer(Base):
    """Hold one question that was asked, and what was answered to it, if it was.

    `given` is what content.answers marks; `unknown` says "I do not know", which is wrong for the level; `confidence` is
    the probability of being right that the person stated, in percent.
    """

    __tablename__ = "quiz_answer"
    __table_args__ = (
        UniqueConstraint("attempt_id", "place"),
        UniqueConstraint("attempt_id", "item_id"),
        CheckConstraint(LAYER, name="layer"),
        CheckConstraint("confidence BETWEEN 0 AND 100", name="confidence"),
        CheckConstraint('(answered_at IS NULL) = ("right" IS NULL)', name="answered"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("quiz_attempt.id", ondelete="CASCADE"))
    place: Mapped[int]
    item_id: Mapped[str] = mapped_column(String(60), index=True)
    item_version: Mapped[int]
    layer: Mapped[int]
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    given: Mapped[Any | None]
    unknown: Mapped[bool] = mapped_column(default=False)
    right: Mapped[bool | None]
    confidence: Mapped[int | None]

    attempt: Mapped[Attempt] = relationship(back_populates="answers")
