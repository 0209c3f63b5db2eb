"""The demo's place: whether its story was told to the end, and how everything of it goes again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, joinedload

from assessor.models.account import AuditEntry, UserAccount, Workspace
from assessor.models.hiring import Candidate, Requisition
from assessor.services.account import OPERATOR, AccountService
from assessor.services.audit import AuditService
from assessor.services.errors import Conflict
from assessor.services.hiring import HiringService
from assessor.services.workspace import WorkspaceService

__all__ = ["WORKSPACE", "DemoService"]

WORKSPACE = "demo"
BEGUN, LOADED, REMOVED = "demo.begun", "demo.loaded", "demo.removed"


class DemoService:
    """Do what the operator does with the demo."""

    def __init__(
        self,
        session: Session,
        clock: Callable[[], datetime],
        *,
        audit: AuditService,
        accounts: AccountService,
        workspaces: WorkspaceService,
        hiring: HiringService,
    ) -> None:
        self._session = session
        self._clock = clock
        self._audit = audit
        self._accounts = accounts
        self._workspaces = workspaces
        self._hiring = hiring

    def loaded(self) -> bool:
        """Tell whether the whole demo is there."""
        return self._last() == LOADED

    def half(self) -> bool:
        """Tell whether a part of it is there, because loading it was stopped in the middle."""
        return self._last() == BEGUN

    def begin(self, name: str) -> Workspace:
        """Make the workspace that everything of the demo happens in. Raises Conflict where another one is called so."""
        if self._workspaces.find(WORKSPACE) is not None:
            raise Conflict(
                f"There is a workspace {WORKSPACE!r} already, and it is not the demo's.",
                "The demo needs this name for itself.",
            )
        workspace = self._workspaces.add(WORKSPACE, name, demo=True)
        self._audit.write(OPERATOR, BEGUN, f"workspace:{workspace.id}")
        return workspace

    def finish(self, workspace: Workspace) -> None:
        """Say that nothing is missing."""
        self._audit.write(OPERATOR, LOADED, f"workspace:{workspace.id}")

    def remove(self) -> bool:
        """Delete the demo's candidates, users, persons and workspace, and return whether there was anything.

        The log keeps that it happened, and its chain still verifies.
        """
        places = self._session.scalars(select(Workspace).where(Workspace.demo)).all()
        users = self._session.scalars(select(UserAccount.id).where(UserAccount.demo).order_by(UserAccount.id)).all()
        candidates = (
            select(Candidate)
            .join(Candidate.requisition)
            .where(Requisition.workspace_id.in_([one.id for one in places]))
            .options(joinedload(Candidate.person))
            .order_by(Candidate.id)
        )
        for candidate in self._session.scalars(candidates).all():
            self._hiring.forget(candidate, OPERATOR, "hiring.candidate_removed")
        for user_id in users:
            self._accounts.delete(user_id)
        self._session.execute(delete(Workspace).where(Workspace.demo))
        if places or users:
            self._audit.write(OPERATOR, REMOVED, WORKSPACE)
        return bool(places or users)

    def _last(self) -> str | None:
        """Return what was done with the demo last. A log that was begun before this was logged says nothing: None."""
        told = select(AuditEntry.action).where(AuditEntry.action.in_((BEGUN, LOADED, REMOVED)))
        return self._session.scalar(told.order_by(AuditEntry.id.desc()).limit(1))
