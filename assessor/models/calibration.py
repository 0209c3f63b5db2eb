"""Parameters of measurement that were estimated from evidence: each set is kept for good, the newest one is in use."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from assessor.models.base import Base, one_of

__all__ = ["Calibration", "CalibrationKind"]

CalibrationKind = Literal["people"]
"""What was calibrated: how people change and how far instruments and raters are off."""


class Calibration(Base):
    """Hold one set of parameters, never changed; `number` counts the sets of a kind from 1.

    `parameters` holds {"hyper": {name: value}, "severities": {rater: [mean, sd]}, "estimated": [name]}, `people` and
    `rows` how much evidence they were estimated from, `made_by` who stored them, such as "operator".
    """

    __tablename__ = "calibration"
    __table_args__ = (
        UniqueConstraint("kind", "number"),
        CheckConstraint("number > 0", name="number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[CalibrationKind] = mapped_column(one_of(CalibrationKind, "kind"))
    number: Mapped[int]
    at: Mapped[datetime]
    parameters: Mapped[dict[str, Any]]
    people: Mapped[int]
    rows: Mapped[int]
    made_by: Mapped[str] = mapped_column(String(60))
