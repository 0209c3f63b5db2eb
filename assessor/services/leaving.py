"""What happens to the work of somebody who leaves a workspace: what they began ends, what they handed in stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from assessor.models.account import Membership
from assessor.models.hiring import Candidate, Panellist, Requisition
from assessor.models.profile import Person
from assessor.models.review import Review
from assessor.models.team import Team, TeamMember
from assessor.services.audit import AuditService

__all__ = ["leave", "leave_panel"]


def leave(
    session: Session, clock: Callable[[], datetime], audit: AuditService, user_id: int, workspace_id: int, *, by: str
) -> None:
    """Take a user out of a workspace.

    They leave its teams and panels. Reviews they were asked for and did not hand in are withdrawn with their drafts, and
    so are peer reviews that they asked of others there; a review that was handed in stays, under their name, and counts.
    """
    now = clock()
    panels = (
        select(Requisition.id)
        .where(Requisition.workspace_id == workspace_id, Requisition.panel.any(Panellist.user_id == user_id))
        .order_by(Requisition.id)
    )
    session.execute(panels.with_for_update())  # so that nothing is handed in by who has just left the panel
    own = select(Membership.id).where(Membership.user_id == user_id, Membership.workspace_id == workspace_id)
    session.execute(own.with_for_update())  # so that nobody asks, adds or appoints them while they leave
    person_id = session.scalar(select(Person.id).where(Person.user_id == user_id))
    teams = select(Team.id).where(Team.workspace_id == workspace_id)
    session.execute(delete(TeamMember).where(TeamMember.team_id.in_(teams), TeamMember.person_id == person_id))
    requisitions = select(Requisition.id).where(Requisition.workspace_id == workspace_id)
    session.execute(
        update(Panellist)
        .where(Panellist.requisition_id.in_(requisitions), Panellist.user_id == user_id, Panellist.left_at.is_(None))
        .values(left_at=now)
    )
    users = select(Membership.user_id).where(Membership.workspace_id == workspace_id)
    people = select(Person.id).where(Person.user_id.in_(users))
    candidates = select(Candidate.id).where(Candidate.requisition_id.in_(requisitions))
    mine = (Review.reviewer_id == user_id) & (Review.candidate_id.in_(candidates) | Review.person_id.in_(people))
    asked_by_me = (Review.person_id == person_id) & Review.reviewer_id.in_(users)
    ended = session.execute(
        update(Review)
        .where(Review.state == "asked", Review.kind != "self", mine | asked_by_me)
        .values(state="withdrawn", draft=None, closed_at=now)
        .execution_options(synchronize_session="fetch")
    )
    session.execute(delete(Membership).where(Membership.user_id == user_id, Membership.workspace_id == workspace_id))
    audit.write(
        by, "account.left", f"user:{user_id}", workspace=workspace_id, reviews_withdrawn=getattr(ended, "rowcount", 0)
    )


def leave_panel(session: Session, clock: Callable[[], datetime], user_id: int, requisition_id: int) -> int:
    """Take a user off one panel and return how many of the reviews they had begun ended with that.

    Reviews that were handed in stay and count.
    """
    now = clock()
    session.execute(
        update(Panellist)
        .where(Panellist.requisition_id == requisition_id, Panellist.user_id == user_id, Panellist.left_at.is_(None))
        .values(left_at=now)
        .execution_options(synchronize_session="fetch")
    )
    candidates = select(Candidate.id).where(Candidate.requisition_id == requisition_id)
    ended = session.execute(
        update(Review)
        .where(Review.state == "asked", Review.reviewer_id == user_id, Review.candidate_id.in_(candidates))
        .values(state="withdrawn", draft=None, closed_at=now)
        .execution_options(synchronize_session="fetch")
    )
    return getattr(ended, "rowcount", 0)
