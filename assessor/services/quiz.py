"""Attempts at the quiz: start, ask, answer, finish; one row of evidence per layer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from assessor.content.schema import Catalogue

__all__ = ["QuizService"]


class QuizService:
    """Do what people do with it."""

    def __init__(self, session: Session, catalogue: Catalogue, clock: Callable[[], datetime]) -> None:
        self._session = session
        self._catalogue = catalogue
        self._clock = clock
