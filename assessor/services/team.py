"""Teams: who is in them, what each member lets their managers see, and where the gaps are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from assessor.content.schema import Catalogue
from assessor.models.account import Membership, UserAccount
from assessor.models.profile import Person
from assessor.models.team import Team, TeamMember
from assessor.services.audit import AuditService
from assessor.services.calibration import CalibrationService
from assessor.services.errors import Conflict, Invalid, NotFound
from assessor.services.permissions import MANAGERS, Actor
from assessor.services.team_page import Heatmap, LayerPage, heatmap, layer_page

__all__ = ["TeamLine", "TeamService"]

MOST_MEMBERS = 200
"""People of one team: a heatmap of more is no help, and every page of it fits them all."""


@dataclass(frozen=True, slots=True)
class TeamLine:
    """Show one team in the list; `member` is the own membership, if there is one, `shares` how many members decided."""

    team: Team
    members: int
    decided: int
    member: TeamMember | None


class TeamService:
    """Do what managers and members do with teams."""

    def __init__(
        self,
        session: Session,
        catalogue: Catalogue,
        clock: Callable[[], datetime],
        audit: AuditService,
        calibrations: CalibrationService,
    ) -> None:
        self._session = session
        self._catalogue = catalogue
        self._clock = clock
        self._audit = audit
        self._calibrations = calibrations

    def list(self, actor: Actor) -> Sequence[TeamLine]:
        """Return the teams of the active workspace: all of them to managers, to others the ones they are in."""
        query = select(Team).where(Team.workspace_id == actor.workspace_id).options(selectinload(Team.members))
        found = []
        for team in self._session.scalars(query.order_by(func.lower(Team.name), Team.id)):
            own = next((one for one in team.members if one.person_id == actor.person_id), None)
            if own is not None or actor.role in MANAGERS:
                decided = sum(one.shares is not None for one in team.members)
                found.append(TeamLine(team, len(team.members), decided, own))
        return found

    def create(self, actor: Actor, name: str, role_key: str) -> Team:
        """Add a team to the active workspace. Raises Invalid for an empty name or an unknown role."""
        name = " ".join(name.split())
        if not name or len(name) > 120:
            raise Invalid({"name": "Write a name of at most 120 characters."})
        self._role(role_key)
        assert actor.workspace_id is not None
        team = Team(
            workspace_id=actor.workspace_id,
            slug=self._free_slug(name),
            name=name,
            role_key=role_key,
            created_at=self._clock(),
            members=[],
        )
        self._session.add(team)
        self._session.flush()
        self._audit.write(f"user:{actor.user_id}", "team.created", f"team:{team.id}", role=role_key)
        return team

    def team(self, slug: str) -> Team:
        """Return a team with its members and their persons. Raises NotFound."""
        query = select(Team).where(Team.slug == slug)
        found = self._session.scalar(
            query.options(selectinload(Team.members).joinedload(TeamMember.person).joinedload(Person.user))
        )
        if found is None:
            raise NotFound("There is no such team, or it is not yours to see.", "Your teams are listed under Team.")
        return found

    def member(self, team: Team, member_id: int) -> TeamMember:
        """Return a member of a team. Raises NotFound."""
        found = next((one for one in team.members if one.id == member_id), None)
        if found is None:
            raise NotFound("There is no such member in this team.", "The team's page lists them.")
        return found

    def own_membership(self, actor: Actor, slug: str) -> TeamMember:
        """Return the own membership of a team. Raises NotFound."""
        query = select(TeamMember).join(Team).options(joinedload(TeamMember.team).joinedload(Team.workspace))
        found = self._session.scalar(query.where(Team.slug == slug, TeamMember.person_id == actor.person_id))
        if found is None:
            raise NotFound("You are not in this team.", "Your teams are listed under Team.")
        return found

    def colleagues(self, team: Team) -> Sequence[UserAccount]:
        """Return the users of the team's workspace who are not in the team, by name."""
        inside = {one.person_id for one in team.members}
        query = (
            select(UserAccount)
            .join(Membership, Membership.user_id == UserAccount.id)
            .join(Person, Person.user_id == UserAccount.id)
            .where(Membership.workspace_id == team.workspace_id, Person.id.not_in(inside))
        )
        return self._session.scalars(query.order_by(func.lower(UserAccount.name), UserAccount.email)).all()

    def add(self, actor: Actor, team: Team, user_id: int) -> TeamMember:
        """Put a user of the workspace into a team; they share nothing until they decide. Raises NotFound or Conflict."""
        self._session.execute(select(Team.id).where(Team.id == team.id).with_for_update())
        person_id = self._session.scalar(
            select(Person.id)
            .join(Membership, Membership.user_id == Person.user_id)
            .where(Person.user_id == user_id, Membership.workspace_id == team.workspace_id)
            .with_for_update(read=True, of=Membership)
        )
        if person_id is None:
            raise NotFound("Nobody of this workspace has this account.", "Invite them in the settings first.")
        held = self._session.scalars(select(TeamMember.person_id).where(TeamMember.team_id == team.id)).all()
        if person_id in held:
            raise Conflict("They are in this team already.", "The team's page lists them.")
        if len(held) >= MOST_MEMBERS:
            raise Conflict(f"A team has at most {MOST_MEMBERS} members.", "Make a second team.")
        member = TeamMember(team_id=team.id, person_id=person_id, shares=None, joined_at=self._clock())
        self._session.add(member)
        self._session.flush()
        self._audit.write(f"user:{actor.user_id}", "team.added", f"person:{person_id}", team=team.id)
        return member

    def remove(self, actor: Actor, member: TeamMember) -> None:
        """Take a member out of a team, with what they shared there."""
        self._audit.write(f"user:{actor.user_id}", "team.removed", f"person:{member.person_id}", team=member.team_id)
        self._session.delete(member)
        self._session.flush()

    def aim(self, actor: Actor, team: Team, role_key: str) -> None:
        """Compare a team with another role. Raises Invalid for an unknown one."""
        self._role(role_key)
        team.role_key = role_key
        self._session.flush()
        self._audit.write(f"user:{actor.user_id}", "team.target", f"team:{team.id}", role=role_key)

    def share(self, member: TeamMember, layer_keys: Collection[str]) -> None:
        """Decide which layers the team's managers see; none is a decision too. Raises Invalid for an unknown layer."""
        known = [layer.key for layer in self._catalogue.framework.layers]
        wrong = sorted(set(layer_keys) - set(known))
        if wrong:
            raise Invalid({"layers": f"There is no layer {wrong[0][:60]!r}."})
        member.shares = [key for key in known if key in layer_keys]
        member.decided_at = self._clock()
        self._session.flush()
        self._audit.write(
            f"person:{member.person_id}", "team.shared", f"person:{member.person_id}", team=member.team_id,
            layers=list(member.shares),
        )  # fmt: skip

    def heatmap(self, team: Team) -> Heatmap:
        """Return where the people of a team stand, as far as they let it be seen; one query."""
        people = [one.person_id for one in team.members if one.shares]
        role = self._catalogue.roles.get(team.role_key)
        counted = self._calibrations.counted_of(people)
        return heatmap(self._catalogue, team, role, counted, self._clock(), self._calibrations.current)

    def layer(self, team: Team, key: str) -> LayerPage:
        """Return one layer of a team: who covers it and how sure that is. Raises NotFound."""
        return layer_page(self.heatmap(team), key)

    def _role(self, role_key: str) -> None:
        if role_key not in self._catalogue.roles:
            raise Invalid({"role": f"There is no role target {role_key[:60]!r}; choose one of the list."})

    def _free_slug(self, name: str) -> str:
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
        base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50] or "team"
        taken = set(self._session.scalars(select(Team.slug).where(Team.slug.startswith(base))))
        number = 1
        while (slug := base if number == 1 else f"{base}-{number}") in taken:
            number += 1
        return slug
