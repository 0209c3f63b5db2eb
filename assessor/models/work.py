"""Who executes background work, and when they were last seen."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from assessor.models.base import Base

__all__ = ["WorkerBeat"]


class WorkerBeat(Base):
    """Record when a worker, by its stable name, last said that it is alive."""

    __tablename__ = "worker_beat"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    seen_at: Mapped[datetime]
