"""Users: registration, sessions, export of everything, deletion."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, get_args

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session, joinedload

from assessor.config import Settings
from assessor.models.account import Membership, Role, SignIn, UserAccount, Workspace, WorkspaceRole, user_role
from assessor.models.hiring import Candidate
from assessor.models.profile import Person
from assessor.services.audit import AuditService
from assessor.services.calibration import CalibrationService
from assessor.services.errors import Conflict, Forbidden, Invalid, NotFound
from assessor.services.export import export_user
from assessor.services.identity import IdentityService, normal_email
from assessor.services.leaving import leave
from assessor.services.permissions import Actor
from assessor.services.profile import ProfileService
from assessor.services.rubric import plain
from assessor.services.tokens import hash_token, new_token
from assessor.services.workspace import WorkspaceService

__all__ = ["NOWHERE", "OPERATOR", "PASSWORD_LENGTH", "SESSION_DAYS", "AccountService", "SessionLine", "UserLine"]

SESSION_DAYS = 30
PASSWORD_LENGTH = 12
SEEN_EVERY = timedelta(minutes=5)
"""How exactly it is known when a session was last used: one write in five minutes, not one in every request."""

OPERATOR = "operator"
"""The role over the whole installation; every other right is given per workspace."""

NOWHERE = "candidate.invalid"
"""Where the addresses of candidates are, who have none here: a name that no mail can reach (RFC 2606)."""

MAIN = "main"
"""The workspace that the command line puts users into unless told otherwise."""


@dataclass(frozen=True, slots=True)
class SessionLine:
    """Show one signed-in browser in the list of sessions."""

    id: int
    browser: str
    created_at: datetime
    seen_at: datetime
    current: bool


@dataclass(frozen=True, slots=True)
class UserLine:
    """Show one user in the list of users; `roles` reads "main: admin"."""

    id: int
    email: str
    active: bool
    roles: tuple[str, ...]
    created_at: datetime


class AccountService:
    """Do what users do with their accounts."""

    def __init__(
        self,
        session: Session,
        clock: Callable[[], datetime],
        settings: Settings,
        *,
        audit: AuditService,
        workspaces: WorkspaceService,
        identities: IdentityService,
        profiles: ProfileService,
        calibrations: CalibrationService,
    ) -> None:
        self._session = session
        self._clock = clock
        self._settings = settings
        self._audit = audit
        self._workspaces = workspaces
        self._identities = identities
        self._profiles = profiles
        self._calibrations = calibrations

    # Registration

    def check_registration(self, email: str, invite: str | None = None) -> None:
        """Return if somebody may register with this address. Raises Forbidden, Gone, or NotFound for an unknown invite."""
        match self._settings.registration:
            case "closed":
                raise Forbidden("Registration is closed on this installation.", "Ask its operator for an account.")
            case "invite" if invite is None:
                raise Forbidden("Registration needs an invitation here.", "Open the link of your invitation.")
        if invite is not None:
            self._workspaces.valid_invite(invite, email)

    def welcome(self, user_id: int, invite: str | None = None) -> Person:
        """Give a new user a person and a workspace; for one who has both this does nothing.

        With an invitation the workspace is the inviter's, otherwise one of their own; a candidate has none. Raises Gone or
        Forbidden for an invitation that cannot be used.
        """
        user = self._user(user_id)
        if user.person is None:
            user.person = Person(name=user.name, created_at=self._clock())
            self._session.flush()
            self._audit.write(f"user:{user.id}", "account.registered", f"user:{user.id}")
        if invite is not None:
            used = self._workspaces.valid_invite(invite, user.email, lock=True)
            used.used_at = self._clock()
            self._workspaces.join(user, used.workspace_id, used.role)
        elif not user.memberships and not self._is_candidate(user.person.id):
            owner = user.name or user.email.partition("@")[0]
            workspace = self._workspaces.add(self._own_slug(user.id), f"Workspace of {owner}")
            self._workspaces.join(user, workspace.id, "admin")
        return user.person

    def create(
        self,
        email: str,
        password_hash: str | None,
        *,
        name: str = "",
        workspace: str = MAIN,
        roles: Sequence[str] = ("member",),
        demo: bool = False,
        by: str = OPERATOR,
    ) -> UserAccount:
        """Create a user with a hash made by Flask-Security, or None for one who has no password to sign in with.

        `roles` are one role in the workspace and, where wanted, "operator". Raises Invalid, or Conflict for an address
        that has an account.
        """
        address = normal_email(email)
        if self.find(address) is not None:
            raise Conflict(f"{address} has an account already.", "Use `assessor user reset` to set a new password.")
        user = self._add(address, password_hash, Person(name=plain(name), created_at=self._clock()), demo=demo)
        self._audit.write(by, "account.created", f"user:{user.id}", roles=list(roles), workspace=workspace)
        for role in roles:
            self.set_role(address, role, workspace=workspace, by=by)
        return user

    def admit(self, person: Person) -> UserAccount:
        """Give a candidate an account that has no password and no workspace; for one who has an account this does nothing."""
        if person.user is not None:
            return person.user
        user = self._add(f"candidate-{secrets.token_hex(16)}@{NOWHERE}", None, person)
        self._audit.write(f"user:{user.id}", "account.admitted", f"user:{user.id}")
        return user

    def set_role(self, email: str, role: str, *, workspace: str = MAIN, by: str = OPERATOR) -> None:
        """Give a user a role in a workspace, which is made if it does not exist, or the role "operator".

        Raises NotFound for an unknown address, Invalid for an unknown role, Conflict for a workspace of the demo: whom
        everybody can be works with nobody else.
        """
        user = self._by_email(email)
        if role == OPERATOR:
            if not any(held.name == OPERATOR for held in user.roles):
                user.roles.append(self._operator_role())
        elif role in get_args(WorkspaceRole):
            place = self._workspaces.find(workspace) or self._workspaces.add(workspace, workspace, demo=user.demo)
            if place.demo != user.demo:
                raise Conflict(
                    f"The demo has a workspace of its own, and {workspace!r} would be both.", "Choose another."
                )
            self._workspaces.join(user, place.id, role)  # type: ignore[arg-type]
        else:
            allowed = ", ".join((*get_args(WorkspaceRole), OPERATOR))
            raise Invalid({"role": f"There is no role {role!r}; use one of {allowed}."})
        self._audit.write(by, "account.role", f"user:{user.id}", role=role, workspace=workspace)

    def set_password(self, email: str, password_hash: str, *, by: str = OPERATOR) -> None:
        """Set a new password and end every session of the user. Raises NotFound."""
        user = self._by_email(email)
        user.password = password_hash
        user.fs_uniquifier = secrets.token_hex(16)
        self.revoke_all(user.id)
        self._audit.write(by, "account.password", f"user:{user.id}")

    def find(self, email: str) -> UserAccount | None:
        """Return the user with an address, or None."""
        return self._session.scalar(select(UserAccount).where(UserAccount.email == email.strip().lower()))

    def demo_user(self, role: WorkspaceRole = "member") -> int | None:
        """Return the id of the first demo user with a role in a workspace, or None before the demo was loaded."""
        query = select(UserAccount.id).join(Membership).where(UserAccount.demo, Membership.role == role)
        return self._session.scalar(query.order_by(UserAccount.id).limit(1))

    def is_empty(self) -> bool:
        """Tell whether nobody has an account yet."""
        return self._session.scalar(select(UserAccount.id).limit(1)) is None

    def everybody(self) -> list[UserLine]:
        """Return all users by address."""
        query = (
            select(UserAccount)
            .options(
                joinedload(UserAccount.memberships).joinedload(Membership.workspace), joinedload(UserAccount.roles)
            )
            .order_by(UserAccount.email)
        )
        return [
            UserLine(
                user.id,
                user.email,
                user.active,
                (
                    *(role.name for role in user.roles),
                    *(f"{membership.workspace.slug}: {membership.role}" for membership in user.memberships),
                ),
                user.create_datetime,
            )
            for user in self._session.scalars(query).unique()
        ]

    # Sessions

    def sign_in(self, user_id: int, browser: str = "") -> str:
        """Start a session and return its key, which the browser keeps in its signed cookie and nobody else stores."""
        person = self.welcome(user_id)
        now, key = self._clock(), new_token()
        newest = select(Membership.workspace_id).where(Membership.user_id == user_id).order_by(Membership.id).limit(1)
        entry = SignIn(
            key_hash=hash_token(key),
            user_id=user_id,
            workspace_id=self._session.scalar(newest),
            browser=browser[:200],
            created_at=now,
            seen_at=now,
            expires_at=now + timedelta(days=SESSION_DAYS),
        )
        self._session.add(entry)
        self._session.flush()
        self._audit.write(f"user:{user_id}", "account.sign_in", f"person:{person.id}")
        return key

    def actor(self, key: str | None) -> Actor | None:
        """Return who a session's key belongs to, in one query; None for no key or one that is unknown, revoked or over."""
        if not key:
            return None
        operator = exists().where(
            user_role.c.user_id == UserAccount.id, user_role.c.role_id == Role.id, Role.name == OPERATOR
        )
        row = self._session.execute(
            select(
                SignIn,
                UserAccount.email,
                UserAccount.name,
                UserAccount.demo,
                Person.id,
                Workspace.name,
                Membership.role,
                Candidate.id,
                operator,
            )
            .join(UserAccount, UserAccount.id == SignIn.user_id)
            .join(Person, Person.user_id == UserAccount.id)
            .outerjoin(
                Membership,
                (Membership.user_id == SignIn.user_id) & (Membership.workspace_id == SignIn.workspace_id),
            )
            .outerjoin(Workspace, Workspace.id == Membership.workspace_id)
            .outerjoin(Candidate, Candidate.person_id == Person.id)
            .where(
                SignIn.key_hash == hash_token(key),
                SignIn.revoked_at.is_(None),
                SignIn.expires_at > self._clock(),
                UserAccount.active,
            )
        ).one_or_none()
        if row is None:
            return None
        entry, email, name, demo, person_id, workspace, role, candidate_id, is_operator = row
        return Actor(
            user_id=entry.user_id,
            person_id=person_id,
            sign_in_id=entry.id,
            email=email,
            name=name,
            workspace_id=entry.workspace_id if role else None,
            workspace=workspace,
            role=role,
            candidate_id=candidate_id,
            operator=is_operator,
            demo=demo,
            seen_at=entry.seen_at,
        )

    def seen(self, actor: Actor) -> None:
        """Note that a session is in use."""
        self._session.execute(update(SignIn).where(SignIn.id == actor.sign_in_id).values(seen_at=self._clock()))

    def due(self, actor: Actor) -> bool:
        """Tell whether `seen` is worth a write."""
        return self._clock() - actor.seen_at >= SEEN_EVERY

    def sessions(self, user_id: int, current: int | None = None) -> list[SessionLine]:
        """Return the open sessions of a user, the one used last first."""
        query = select(SignIn).where(
            SignIn.user_id == user_id, SignIn.revoked_at.is_(None), SignIn.expires_at > self._clock()
        )
        return [
            SessionLine(entry.id, entry.browser, entry.created_at, entry.seen_at, entry.id == current)
            for entry in self._session.scalars(query.order_by(SignIn.seen_at.desc(), SignIn.id.desc()))
        ]

    def revoke(self, user_id: int, sign_in_id: int) -> None:
        """End one session of a user at once. Raises NotFound if it is not theirs."""
        entry = self._session.scalar(select(SignIn).where(SignIn.id == sign_in_id, SignIn.user_id == user_id))
        if entry is None:
            raise NotFound("There is no such session.", "Reload the list of sessions.")
        entry.revoked_at = entry.revoked_at or self._clock()
        self._audit.write(f"user:{user_id}", "account.session_revoked", f"user:{user_id}")

    def revoke_all(self, user_id: int, *, but: int | None = None) -> None:
        """End every session of a user, or every one but one."""
        query = update(SignIn).where(SignIn.user_id == user_id, SignIn.revoked_at.is_(None))
        if but is not None:
            query = query.where(SignIn.id != but)
        self._session.execute(query.values(revoked_at=self._clock()))

    def sign_out(self, key: str) -> None:
        """End the session of a key; an unknown key does nothing."""
        query = update(SignIn).where(SignIn.key_hash == hash_token(key), SignIn.revoked_at.is_(None))
        self._session.execute(query.values(revoked_at=self._clock()))

    # Everything of a person

    def export(self, user_id: int) -> dict[str, Any]:
        """Return all data of a user as JSON values: account, sessions, identities, ratings, evidence, repositories, log."""
        return export_user(self._session, self._user(user_id), self._audit, self._profiles, self._calibrations)

    def delete(self, user_id: int) -> None:
        """Delete a user with everything that is theirs; the log keeps that it happened, and its chain still verifies.

        They leave their workspaces first, which ends the reviews they began; see services/leaving.py. Workspaces nobody else
        is a member of go with them. Uploads are removed by the worker's sweep once no repository
        names them.
        """
        user = self._user(user_id)
        names = [f"user:{user_id}"] + ([f"person:{user.person.id}"] if user.person else [])
        places = [membership.workspace_id for membership in user.memberships]
        for place in places:
            leave(self._session, self._clock, self._audit, user_id, place, by=f"user:{user_id}")
        self._session.expire(user)
        self._session.delete(user)
        self._session.flush()
        self._workspaces.remove_empty(places)
        for name in names:
            self._audit.erase_details(name)
        self._audit.write(f"user:{user_id}", "account.deleted", f"user:{user_id}")

    def confirm_mail(self, user_id: int) -> None:
        """Take over the address that a user has just confirmed by a mailed link as a confirmed identity."""
        person = self.welcome(user_id)
        self._identities.confirm(person.id, self._user(user_id).email, "mail", actor=f"user:{user_id}")

    def _add(self, address: str, password_hash: str | None, person: Person, *, demo: bool = False) -> UserAccount:
        user = UserAccount(
            email=address,
            password=password_hash,
            active=True,
            fs_uniquifier=secrets.token_hex(16),
            fs_webauthn_user_handle=secrets.token_hex(16),
            confirmed_at=self._clock(),
            name=person.name,
            demo=demo,
        )
        user.person = person
        self._session.add(user)
        self._session.flush()
        return user

    def _own_slug(self, user_id: int) -> str:
        """Return a free slug; the first may belong to others now, who were invited before the user left."""
        slugs = (f"own-{user_id}" if number == 1 else f"own-{user_id}-{number}" for number in count(1))
        return next(slug for slug in slugs if self._workspaces.find(slug) is None)

    def _is_candidate(self, person_id: int) -> bool:
        return self._session.scalar(select(Candidate.id).where(Candidate.person_id == person_id)) is not None

    def _user(self, user_id: int) -> UserAccount:
        user = self._session.get(UserAccount, user_id)
        if user is None:
            raise NotFound("There is no such user.")
        return user

    def _by_email(self, email: str) -> UserAccount:
        user = self.find(email)
        if user is None:
            raise NotFound(f"Nobody has an account with {email}.", "`assessor user list` shows all addresses.")
        return user

    def _operator_role(self) -> Role:
        role = self._session.scalar(select(Role).where(Role.name == OPERATOR))
        return role or Role(name=OPERATOR, description="Runs this installation")
