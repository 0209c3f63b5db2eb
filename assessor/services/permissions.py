"""Who may do what: one table from action to rule. What is not in the table is denied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from assessor.models.account import WorkspaceRole
from assessor.services.errors import Forbidden, NotFound, SignInNeeded

__all__ = ["RULES", "Actor", "Owned", "allow", "require"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Name who acts: a signed-in user with their role in the active workspace, which belongs to the session."""

    user_id: int
    person_id: int
    sign_in_id: int
    email: str
    name: str
    workspace_id: int | None = None
    workspace: str | None = None
    role: WorkspaceRole | None = None
    operator: bool = False
    demo: bool = False
    seen_at: datetime


class Owned(Protocol):
    """Belong to a person."""

    @property
    def person_id(self) -> int:
        """Return whose it is."""


Rule = Callable[[Actor | None, Owned | None], bool]


def anyone(_actor: Actor | None, _subject: Owned | None) -> bool:
    """Allow everybody, signed in or not."""
    return True


def signed_in(actor: Actor | None, _subject: Owned | None) -> bool:
    """Allow every signed-in user."""
    return actor is not None


def owner(actor: Actor | None, subject: Owned | None) -> bool:
    """Allow the person it belongs to, and nobody else: an engineer's data is private by default."""
    return actor is not None and subject is not None and actor.person_id == subject.person_id


def owner_no_demo(actor: Actor | None, subject: Owned | None) -> bool:
    """Allow the owner, but not the demo user, whom everybody can be."""
    return owner(actor, subject) and actor is not None and not actor.demo


def signed_in_no_demo(actor: Actor | None, _subject: Owned | None) -> bool:
    """Allow every signed-in user but the demo user, whom everybody can be."""
    return actor is not None and not actor.demo


def workspace_admin(actor: Actor | None, _subject: Owned | None) -> bool:
    """Allow the admins of the active workspace."""
    return actor is not None and actor.role == "admin" and not actor.demo


RULES: Mapping[str, Rule] = {
    "home.see": anyone,
    "home.health": anyone,
    "account.sign_up": anyone,
    "account.sign_in": anyone,
    "account.sign_out": signed_in,
    "account.demo": anyone,
    "account.see": signed_in,
    "account.change": signed_in_no_demo,
    "account.export": signed_in,
    "account.delete": signed_in_no_demo,
    "account.invite": workspace_admin,
    "account.switch": signed_in,
    "profile.start": anyone,
    "profile.rate": signed_in_no_demo,
    "profile.see": signed_in,
    "profile.demo": anyone,
    "profile.explain": anyone,
    "portfolio.list": signed_in,
    "portfolio.add": signed_in_no_demo,
    "portfolio.see": owner,
    "portfolio.rescan": owner_no_demo,
    "portfolio.delete": owner_no_demo,
    "portfolio.evidence": owner,
}
"""Every action of the service. The web names one for each of its routes; a test fails where it names none."""


def allow(action: str, actor: Actor | None, subject: Owned | None = None) -> bool:
    """Tell whether somebody may do something to a subject; an unknown action is denied."""
    rule = RULES.get(action)
    return rule is not None and rule(actor, subject)


def require(action: str, actor: Actor | None, subject: Owned | None = None) -> None:
    """Return if it is allowed.

    Raises SignInNeeded for a visitor, NotFound where a thing of somebody else is asked for (that it exists is private
    too), Forbidden otherwise.
    """
    if allow(action, actor, subject):
        return
    if actor is None:
        raise SignInNeeded("This page is for signed-in users.", "Sign in, then open it again.")
    if subject is not None and actor.person_id != subject.person_id:
        raise NotFound(
            "There is no such page, or it is not yours to see.", "Check the address, or start from your profile."
        )
    if actor.demo:
        raise Forbidden(
            "The demo user can look at everything and change nothing.", "Sign up to work with your own data."
        )
    raise Forbidden("Your role in this workspace does not allow this.", "Ask an admin of the workspace.")
