"""Who may do what: one table from action to rule. What is not in the table is denied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from assessor.models.account import WorkspaceRole
from assessor.services.errors import Forbidden, NotFound, SignInNeeded

__all__ = [
    "HIRING",
    "MANAGERS",
    "RULES",
    "Actor",
    "Owned",
    "Panelled",
    "Reviewed",
    "Shared",
    "allow",
    "manager_of",
    "needs_subject",
    "not_yours",
    "require",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Name who acts: a signed-in user with their role in the active workspace, which belongs to the session.

    `candidate_id` is set for who came by a hiring panel's invitation; they have no workspace.
    """

    user_id: int
    person_id: int
    sign_in_id: int
    email: str
    name: str
    workspace_id: int | None = None
    workspace: str | None = None
    role: WorkspaceRole | None = None
    candidate_id: int | None = None
    operator: bool = False
    demo: bool = False
    seen_at: datetime


class Owned(Protocol):
    """Belong to a person."""

    @property
    def person_id(self) -> int:
        """Return whose it is."""


class Reviewed(Owned, Protocol):
    """Be a review of a person by a user."""

    @property
    def reviewer_id(self) -> int | None:
        """Return whose judgement it is; None when their account is gone."""

    @property
    def candidate_id(self) -> int | None:
        """Return the candidate it is about; None for a review that the person knows of."""


class Shared(Protocol):
    """Belong to a workspace."""

    @property
    def workspace_id(self) -> int:
        """Return the workspace."""


class Panelled(Shared, Protocol):
    """Be open to a panel beside the managers of the workspace."""

    @property
    def panel_ids(self) -> frozenset[int]:
        """Return the users who are on the panel now."""


Rule = Callable[[Actor | None, Any], bool]

MANAGERS: tuple[WorkspaceRole, ...] = ("manager", "admin")
HIRING: tuple[WorkspaceRole, ...] = ("panellist", "manager", "admin")


def anyone(_actor: Actor | None, _subject: object) -> bool:
    """Allow everybody, signed in or not."""
    return True


def signed_in(actor: Actor | None, _subject: object) -> bool:
    """Allow every signed-in user."""
    return actor is not None


def owner(actor: Actor | None, subject: Owned | None) -> bool:
    """Allow the person it belongs to, and nobody else: an engineer's data is private by default."""
    return actor is not None and subject is not None and actor.person_id == subject.person_id


def keeps_account(actor: Actor | None, _subject: object) -> bool:
    """Allow whoever has ways to sign in of their own; a candidate has their invitation, which can be revoked."""
    return actor is not None and actor.candidate_id is None


def workspace_admin(actor: Actor | None, _subject: object) -> bool:
    """Allow the admins of the active workspace."""
    return actor is not None and actor.role == "admin"


def manager(actor: Actor | None, _subject: object) -> bool:
    """Allow the managers and admins of the active workspace."""
    return actor is not None and actor.role in MANAGERS


def member(actor: Actor | None, _subject: object) -> bool:
    """Allow everybody who has a role in the active workspace, which a candidate has not."""
    return actor is not None and actor.role is not None


def hires(actor: Actor | None, _subject: object) -> bool:
    """Allow managers, admins and panellists of the active workspace."""
    return actor is not None and actor.role in HIRING


def manager_of(actor: Actor | None, subject: Shared | None) -> bool:
    """Allow the managers and admins of the workspace it belongs to."""
    return (
        subject is not None
        and manager(actor, None)
        and actor is not None
        and actor.workspace_id == subject.workspace_id
    )


def on_panel(actor: Actor | None, subject: Panelled | None) -> bool:
    """Allow who is on the panel now."""
    return actor is not None and subject is not None and actor.user_id in subject.panel_ids


def panel_or_manager(actor: Actor | None, subject: Panelled | None) -> bool:
    """Allow the panel, and the managers and admins of the workspace. What is blind to whom, the service says."""
    return on_panel(actor, subject) or manager_of(actor, subject)


def reviewer(actor: Actor | None, subject: Reviewed | None) -> bool:
    """Allow who was asked for the review."""
    return actor is not None and subject is not None and actor.user_id == subject.reviewer_id


def reviewed(actor: Actor | None, subject: Reviewed | None) -> bool:
    """Allow the person it is about, but not a candidate before the panel is done."""
    return owner(actor, subject) and subject is not None and subject.candidate_id is None


def reviewer_or_reviewed(actor: Actor | None, subject: Reviewed | None) -> bool:
    """Allow both sides of a review."""
    return reviewer(actor, subject) or reviewed(actor, subject)


def candidate(actor: Actor | None, _subject: object) -> bool:
    """Allow who came by the invitation of a hiring panel."""
    return actor is not None and actor.candidate_id is not None


def no_demo(rule: Rule) -> Rule:
    """Return a rule that allows the same but never a demo user, whom everybody can be."""

    def changed(actor: Actor | None, subject: Any) -> bool:
        return rule(actor, subject) and actor is not None and not actor.demo

    changed.needs_subject = rule in NEEDS_SUBJECT  # type: ignore[attr-defined]
    return changed


NEEDS_SUBJECT: frozenset[Rule] = frozenset(
    (owner, manager_of, on_panel, panel_or_manager, reviewer, reviewed, reviewer_or_reviewed)
)
"""Rules that allow nobody anything without a thing to look at; routes of such actions must be `owned`."""

RULES: Mapping[str, Rule] = {
    "home.see": anyone,
    "home.health": anyone,
    "account.sign_up": anyone,
    "account.sign_in": anyone,
    "account.sign_out": signed_in,
    "account.demo": anyone,
    "account.see": signed_in,
    "account.change": no_demo(signed_in),
    "account.secure": no_demo(keeps_account),
    "account.export": signed_in,
    "account.delete": no_demo(signed_in),
    "account.invite": no_demo(workspace_admin),
    "account.switch": signed_in,
    "account.leave": no_demo(member),
    "account.invited": anyone,
    "account.join": no_demo(signed_in),
    "profile.start": anyone,
    "profile.rate": no_demo(signed_in),
    "profile.see": signed_in,
    "profile.demo": anyone,
    "profile.explain": anyone,
    "portfolio.list": signed_in,
    "portfolio.add": no_demo(signed_in),
    "portfolio.see": owner,
    "portfolio.rescan": no_demo(owner),
    "portfolio.delete": no_demo(owner),
    "portfolio.evidence": owner,
    "quiz.list": signed_in,
    "quiz.start": no_demo(signed_in),
    "quiz.see": owner,
    "quiz.answer": no_demo(owner),
    "review.list": signed_in,
    "review.ask": no_demo(signed_in),
    "review.see": reviewer_or_reviewed,
    "review.write": no_demo(reviewer),
    "review.end": no_demo(reviewer_or_reviewed),
    "team.list": member,
    "team.create": no_demo(manager),
    "team.see": manager_of,
    "team.manage": no_demo(manager_of),
    "team.membership": owner,
    "team.share": no_demo(owner),
    "hiring.list": hires,
    "hiring.create": no_demo(manager),
    "hiring.see": panel_or_manager,
    "hiring.manage": no_demo(manager_of),
    "hiring.review": no_demo(on_panel),
    "hiring.decide": no_demo(manager_of),
    "hiring.invitation": anyone,
    "hiring.application": candidate,
    "hiring.withdraw": no_demo(candidate),
}
"""Every action of the service. The web names one for each of its routes; a test fails where it names none."""


def needs_subject(action: str) -> bool:
    """Tell whether an action is decided by a thing and not by who acts alone."""
    rule = RULES[action]
    return rule in NEEDS_SUBJECT or getattr(rule, "needs_subject", False)


def allow(action: str, actor: Actor | None, subject: Owned | Shared | None = None) -> bool:
    """Tell whether somebody may do something to a subject; an unknown action is denied."""
    rule = RULES.get(action)
    return rule is not None and rule(actor, subject)


def require(action: str, actor: Actor | None, subject: Owned | Shared | None = None) -> None:
    """Return if it is allowed.

    Raises SignInNeeded for a visitor, NotFound where a thing of somebody else is asked for (that it exists is private
    too), Forbidden otherwise.
    """
    if allow(action, actor, subject):
        return
    if actor is None:
        raise SignInNeeded("This page is for signed-in users.", "Sign in, then open it again.")
    if subject is not None and not _knows(actor, subject):
        raise not_yours()
    if actor.demo:
        raise Forbidden(
            "The demo user can look at everything and change nothing.", "Sign up to work with your own data."
        )
    raise Forbidden("Your role in this workspace does not allow this.", "Ask an admin of the workspace.")


def not_yours() -> NotFound:
    """Return what is said of a thing that does not exist and of one that somebody may not know of: the same."""
    return NotFound(
        "There is no such page, or it is not yours to see.", "Check the address, or start from your profile."
    )


def _knows(actor: Actor, subject: Any) -> bool:
    """Tell whether somebody may know that a thing exists, whatever they may do to it."""
    if hasattr(subject, "reviewer_id"):
        return reviewer_or_reviewed(actor, subject)
    if hasattr(subject, "panel_ids"):
        return panel_or_manager(actor, subject)
    return manager_of(actor, subject) if hasattr(subject, "workspace_id") else owner(actor, subject)
