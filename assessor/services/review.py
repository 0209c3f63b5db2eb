"""Reviews by rubric: ask, draft, hand in once, amend with a trace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from assessor.content.schema import Catalogue
from assessor.services.audit import AuditService

__all__ = ["ReviewService"]


class ReviewService:
    """Do what people do with it."""

    def __init__(
        self, session: Session, catalogue: Catalogue, clock: Callable[[], datetime], audit: AuditService
    ) -> None:
        self._session = session
        self._catalogue = catalogue
        self._clock = clock
        self._audit = audit
