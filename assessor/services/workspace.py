"""Workspaces: who is in which, the active one of a session, invitations."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import get_args

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session, joinedload

from assessor.models.account import Invite, Membership, SignIn, UserAccount, Workspace, WorkspaceRole
from assessor.services.audit import AuditService
from assessor.services.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from assessor.services.identity import normal_email
from assessor.services.leaving import leave
from assessor.services.permissions import Actor
from assessor.services.tokens import hash_token, new_token

__all__ = ["WorkspaceService"]

INVITE_DAYS = 14
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class WorkspaceService:
    """Do what users do with workspaces."""

    def __init__(self, session: Session, clock: Callable[[], datetime], audit: AuditService) -> None:
        self._session = session
        self._clock = clock
        self._audit = audit

    def of(self, user_id: int) -> Sequence[Membership]:
        """Return the memberships of a user with their workspaces, by name."""
        query = select(Membership).join(Workspace).options(joinedload(Membership.workspace))
        return self._session.scalars(query.where(Membership.user_id == user_id).order_by(Workspace.name)).all()

    def switch(self, actor: Actor, workspace_id: int) -> None:
        """Make a workspace the active one of this session. Raises NotFound for one the user is no member of."""
        if not any(membership.workspace_id == workspace_id for membership in self.of(actor.user_id)):
            raise NotFound("You are no member of this workspace.", "Ask one of its admins for an invitation.")
        self._session.execute(update(SignIn).where(SignIn.id == actor.sign_in_id).values(workspace_id=workspace_id))

    def invite(self, actor: Actor, role: WorkspaceRole, email: str | None = None) -> str:
        """Invite one person to the active workspace and return the token, which is shown once. Raises Invalid, Conflict."""
        if actor.workspace_id is None:
            raise Conflict("No workspace is active.", "Choose one in the settings.")
        if role not in get_args(WorkspaceRole):
            raise Invalid({"role": f"There is no role {role!r}."})
        now, token = self._clock(), new_token()
        self._session.add(
            Invite(
                token_hash=hash_token(token),
                workspace_id=actor.workspace_id,
                role=role,
                email=normal_email(email) if email else None,
                created_by=actor.user_id,
                created_at=now,
                expires_at=now + timedelta(days=INVITE_DAYS),
            )
        )
        self._session.flush()
        self._audit.write(f"user:{actor.user_id}", "account.invited", f"workspace:{actor.workspace_id}", role=role)
        return token

    def invites(self, workspace_id: int) -> Sequence[Invite]:
        """Return the invitations of a workspace that can still be used, newest first."""
        query = select(Invite).where(
            Invite.workspace_id == workspace_id,
            Invite.used_at.is_(None),
            Invite.revoked_at.is_(None),
            Invite.expires_at > self._clock(),
        )
        return self._session.scalars(query.order_by(Invite.id.desc())).all()

    def revoke_invite(self, actor: Actor, invite_id: int) -> None:
        """End an invitation of the active workspace. Raises NotFound."""
        invite = self._session.get(Invite, invite_id)
        if invite is None or invite.workspace_id != actor.workspace_id:
            raise NotFound("There is no such invitation.", "Reload the list of invitations.")
        if invite.revoked_at is None:
            invite.revoked_at = self._clock()
            self._audit.write(
                f"user:{actor.user_id}", "account.invite_revoked", f"workspace:{invite.workspace_id}", role=invite.role
            )

    def valid_invite(self, token: str, email: str, *, lock: bool = False) -> Invite:
        """Return the invitation of a token, locked until the unit ends if it is to be used.

        Raises NotFound, Gone, or Forbidden if it is for another address.
        """
        query = select(Invite).where(Invite.token_hash == hash_token(token))
        if lock:
            query = query.with_for_update().execution_options(populate_existing=True)
        invite = self._session.scalar(query)
        if invite is None:
            raise NotFound("There is no such invitation.", "Check that the whole link was copied.")
        if invite.used_at or invite.revoked_at or invite.expires_at <= self._clock():
            raise Gone("This invitation was used, revoked, or is over.", "Ask for a new one.")
        if invite.email is not None and invite.email != email.strip().lower():
            raise Forbidden("This invitation is for another address.", f"Register as {invite.email}.")
        return invite

    def invited_to(self, token: str) -> tuple[Invite, Workspace]:
        """Return an invitation that can still be used, and its workspace. Raises NotFound or Gone."""
        invite = self._session.scalar(select(Invite).where(Invite.token_hash == hash_token(token)))
        valid = self.valid_invite(token, (invite.email if invite else None) or "")
        return valid, self._session.get_one(Workspace, valid.workspace_id)

    def accept(self, actor: Actor, token: str) -> Workspace:
        """Take who acts into the workspace of an invitation, and make it the active one of this session.

        Raises NotFound, Gone, Forbidden for an invitation to another address, Conflict for who is a member already.
        """
        invite = self.valid_invite(token, actor.email, lock=True)
        if any(one.workspace_id == invite.workspace_id for one in self.of(actor.user_id)):
            raise Conflict("You are a member of this workspace already.", "Make it the active one in the settings.")
        invite.used_at = self._clock()
        user = self._session.get_one(UserAccount, actor.user_id)
        self.join(user, invite.workspace_id, invite.role)
        self.switch(actor, invite.workspace_id)
        self._audit.write(
            f"user:{actor.user_id}", "account.joined", f"workspace:{invite.workspace_id}", role=invite.role
        )
        return self._session.get_one(Workspace, invite.workspace_id)

    def find(self, slug: str) -> Workspace | None:
        """Return the workspace of a slug, or None."""
        return self._session.scalar(select(Workspace).where(Workspace.slug == slug))

    def add(self, slug: str, name: str, *, demo: bool = False) -> Workspace:
        """Add a workspace. Raises Invalid for a slug that is not lower-case words with hyphens."""
        if not SLUG.fullmatch(slug):
            raise Invalid({"workspace": f"{slug[:60]!r} cannot name a workspace; write lower-case words with hyphens."})
        workspace = Workspace(slug=slug, name=name, demo=demo, created_at=self._clock())
        self._session.add(workspace)
        self._session.flush()
        return workspace

    def join(self, user: UserAccount, workspace_id: int, role: WorkspaceRole) -> None:
        """Give a user a role in a workspace, in place of the one they had there."""
        held = next((one for one in user.memberships if one.workspace_id == workspace_id), None)
        if held is not None:
            held.role = role
        else:
            user.memberships.append(Membership(workspace_id=workspace_id, role=role, created_at=self._clock()))
        self._session.flush()

    def leave(self, actor: Actor, workspace_id: int) -> None:
        """Take who acts out of a workspace; what they began there ends, what they handed in stays.

        Raises NotFound for one they are no member of, Conflict for its last admin while others are in it.
        """
        # One after the other, so that the last two admins do not leave at once.
        self._session.execute(select(Workspace.id).where(Workspace.id == workspace_id).with_for_update())
        held = next((one for one in self.of(actor.user_id) if one.workspace_id == workspace_id), None)
        if held is None:
            raise NotFound("You are no member of this workspace.", "Reload the page.")
        others = self._session.scalars(
            select(Membership.role).where(Membership.workspace_id == workspace_id, Membership.user_id != actor.user_id)
        ).all()
        if held.role == "admin" and others and "admin" not in others:
            raise Conflict(
                "You are the last admin of this workspace.",
                "Invite another one first, or ask the operator of this installation to make a member one.",
            )
        leave(self._session, self._clock, self._audit, actor.user_id, workspace_id, by=f"user:{actor.user_id}")
        self._session.execute(
            update(SignIn)
            .where(SignIn.user_id == actor.user_id, SignIn.workspace_id == workspace_id)
            .values(workspace_id=None)
        )
        self.remove_empty([workspace_id])

    def remove_empty(self, workspace_ids: Sequence[int]) -> None:
        """Delete those of the workspaces that have no members left."""
        members = exists().where(Membership.workspace_id == Workspace.id)
        self._session.execute(delete(Workspace).where(Workspace.id.in_(workspace_ids), ~members))
