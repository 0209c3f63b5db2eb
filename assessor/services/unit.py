"""One transaction: a session, the services as typed properties, commit at the end and rollback on an exception."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session, sessionmaker

from assessor.config import Settings
from assessor.content.schema import Catalogue
from assessor.models.session import writing
from assessor.services.account import AccountService
from assessor.services.audit import AuditService
from assessor.services.calibration import CalibrationService
from assessor.services.candidacy import CandidacyService
from assessor.services.demo import DemoService
from assessor.services.hiring import HiringService
from assessor.services.identity import IdentityService
from assessor.services.looks import LookService
from assessor.services.panel import PanelService
from assessor.services.portfolio import PortfolioService
from assessor.services.profile import ProfileService
from assessor.services.quiz import QuizService
from assessor.services.review import ReviewService
from assessor.services.team import TeamService
from assessor.services.work import WorkService
from assessor.services.workspace import WorkspaceService

__all__ = ["Unit", "UnitFactory", "utc_now"]


def utc_now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)


class Unit:
    """Hand out the services of one transaction; they share its session and never commit."""

    def __init__(
        self,
        session: Session,
        catalogue: Catalogue,
        clock: Callable[[], datetime],
        settings: Settings,
        chance: random.Random,
    ) -> None:
        self.session = session
        self.catalogue = catalogue
        self._clock = clock
        self._settings = settings
        self._chance = chance

    @cached_property
    def audit(self) -> AuditService:
        """Return the append-only log."""
        return AuditService(self.session, self._clock)

    @cached_property
    def calibration(self) -> CalibrationService:
        """Return the parameters that profiles are fitted with, the same for everything in this unit."""
        return CalibrationService(self.session, self._clock, self.audit)

    @cached_property
    def account(self) -> AccountService:
        """Return what users do with their accounts and sessions."""
        return AccountService(
            self.session,
            self._clock,
            self._settings,
            audit=self.audit,
            workspaces=self.workspace,
            identities=self.identity,
            profiles=self.profile,
            calibrations=self.calibration,
        )

    @cached_property
    def workspace(self) -> WorkspaceService:
        """Return what users do with workspaces and invitations."""
        return WorkspaceService(self.session, self._clock, self.audit)

    @cached_property
    def identity(self) -> IdentityService:
        """Return what people do with the git addresses that are theirs."""
        return IdentityService(self.session, self._clock, self.audit)

    @cached_property
    def profile(self) -> ProfileService:
        """Return what people do with ratings and levels."""
        return ProfileService(self.session, self.catalogue, self._clock, self.calibration)

    @cached_property
    def portfolio(self) -> PortfolioService:
        """Return what people and workers do with repositories and analyses."""
        return PortfolioService(self.session, self.catalogue, self._clock, self._settings, self.identity)

    @cached_property
    def quiz(self) -> QuizService:
        """Return what people do with the quiz."""
        return QuizService(self.session, self.catalogue, self._clock, self.audit, self._chance)

    @cached_property
    def review(self) -> ReviewService:
        """Return what people do with reviews by rubric."""
        return ReviewService(self.session, self.catalogue, self._clock, self.audit)

    @cached_property
    def team(self) -> TeamService:
        """Return what managers and members do with teams."""
        return TeamService(self.session, self.catalogue, self._clock, self.audit, self.calibration)

    @cached_property
    def hiring(self) -> HiringService:
        """Return what managers do with requisitions, panels and candidates."""
        return HiringService(
            self.session,
            self.catalogue,
            self._clock,
            self._settings,
            audit=self.audit,
            accounts=self.account,
            identities=self.identity,
            portfolios=self.portfolio,
            chance=self._chance,
        )

    @cached_property
    def panel(self) -> PanelService:
        """Return what panels and those who decide do."""
        return PanelService(
            self.session,
            self.catalogue,
            self._clock,
            audit=self.audit,
            hiring=self.hiring,
            portfolios=self.portfolio,
            reviews=self.review,
            looks=self.looks,
            calibrations=self.calibration,
        )

    @cached_property
    def candidacy(self) -> CandidacyService:
        """Return what candidates do."""
        return CandidacyService(
            self.session,
            self._clock,
            self._settings,
            audit=self.audit,
            accounts=self.account,
            hiring=self.hiring,
            looks=self.looks,
        )

    @cached_property
    def demo(self) -> DemoService:
        """Return whether the demo is there, and how it goes."""
        return DemoService(
            self.session,
            self._clock,
            audit=self.audit,
            accounts=self.account,
            workspaces=self.workspace,
            hiring=self.hiring,
        )

    @cached_property
    def looks(self) -> LookService:
        """Return who looked at whose levels."""
        return LookService(self.session, self._clock)

    @cached_property
    def work(self) -> WorkService:
        """Return what workers say of themselves."""
        return WorkService(self.session, self._clock)


class UnitFactory:
    """Open units: `with unit() as u` reads, `with unit(write=True) as u` writes.

    `chance` draws what may be drawn again, such as code names and the seeds of quizzes; tokens and keys never come from it.
    """

    def __init__(
        self,
        engine: Engine,
        catalogue: Catalogue,
        settings: Settings,
        clock: Callable[[], datetime] = utc_now,
        chance: random.Random | None = None,
    ) -> None:
        self.engine = engine
        self.catalogue = catalogue
        self.settings = settings
        self.clock = clock
        self.chance = chance or random.SystemRandom()
        # What a read unit loaded stays readable after it closed: a view renders when the transaction is over.
        self._reads = sessionmaker(engine, autoflush=False, expire_on_commit=False)
        self._writes = sessionmaker(writing(engine), expire_on_commit=False)

    @contextmanager
    def __call__(self, *, write: bool = False) -> Iterator[Unit]:
        """Open one transaction; it is committed when the block ends and rolled back when the block raises."""
        with (self._writes if write else self._reads)() as session:
            if not write:
                event.listen(session, "before_flush", _refuse)
            with session.begin():
                yield Unit(session, self.catalogue, self.clock, self.settings, self.chance)


def _refuse(*_arguments: object) -> None:
    raise RuntimeError("this unit reads; open it with unit(write=True) to change something")
