"""Hiring: requisitions, candidates under code names, blind panels, decisions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from assessor.content.schema import Catalogue
from assessor.services.account import AccountService
from assessor.services.audit import AuditService
from assessor.services.identity import IdentityService
from assessor.services.portfolio import PortfolioService
from assessor.services.review import ReviewService

__all__ = ["HiringService"]


class HiringService:
    """Do what people do with it."""

    def __init__(
        self,
        session: Session,
        catalogue: Catalogue,
        clock: Callable[[], datetime],
        *,
        audit: AuditService,
        accounts: AccountService,
        identities: IdentityService,
        portfolios: PortfolioService,
        reviews: ReviewService,
    ) -> None:
        self._session = session
        self._catalogue = catalogue
        self._clock = clock
        self._audit = audit
        self._accounts = accounts
        self._identities = identities
        self._portfolios = portfolios
        self._reviews = reviews
