"""What the people of the demo do: join, rate themselves, take quizzes, commit, ask one another for reviews, share with teams."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from assessor.cli.demo.answers import Manner, sit
from assessor.cli.demo.story import Member, Person, Quiz, ReviewStory, Story, TeamStory
from assessor.cli.demo.world import Scene, World, half, judge
from assessor.models.review import Review
from assessor.services.demo import WORKSPACE
from assessor.services.permissions import Actor

__all__ = ["PeoplePlay"]

ROLES = {"engineer": "member", "manager": "manager", "panellist": "panellist"}

RATED = 0.25
"""Standard deviation of self-ratings around what somebody thinks of themselves, in levels."""

LOOKED = 0.5
"""Months ago at which managers looked at their teams last."""


class PeoplePlay:
    """Play the parts of everybody who works here."""

    def __init__(self, world: World, story: Story, rng: np.random.Generator) -> None:
        self._world = world
        self._story = story
        self._people = {person.key: person for person in story.people}
        self._chances = dict(zip(self._people, rng.spawn(len(self._people)), strict=True))
        self._reviewing = rng.spawn(len(story.reviews))
        self._layers = [layer.key for layer in world.unit.catalogue.framework.layers]

    def scenes(self) -> Iterator[Scene]:
        """Yield everything that happens, in no order of time."""
        for person in self._story.people:
            yield Scene(person.joined, f"{person.name} joins", partial(self._join, person))
        for team in self._story.teams:
            yield from self._team(team)
        for person in self._story.people:
            for months in person.rates:
                yield Scene(months, f"{person.name} rates the ten layers", partial(self._rate, person, months))
            for quiz in person.quizzes:
                yield Scene(quiz.months, f"{person.name} takes a quiz", partial(self._quiz, person, quiz))
        yield from self._projects()
        for review, rng in zip(self._story.reviews, self._reviewing, strict=True):
            yield from self._review(review, rng)

    def _join(self, person: Person) -> None:
        world = self._world
        with world.unit(write=True) as u:
            role = ROLES[person.part]
            user = u.account.create(person.email, None, name=person.name, workspace=WORKSPACE, roles=(role,), demo=True)
            assert user.person is not None
            u.identity.confirm(user.person.id, person.email, "mail", actor=f"user:{user.id}")
            if person.aims_at:
                u.profile.target(user.person.id, person.aims_at)
            world.actors[person.key] = Actor(
                user_id=user.id,
                person_id=user.person.id,
                sign_in_id=0,  # nobody signs in here
                email=person.email,
                name=person.name,
                workspace_id=user.memberships[0].workspace_id,
                workspace=WORKSPACE,
                role=user.memberships[0].role,
                demo=True,
                seen_at=world.clock(),
            )

    def _rate(self, person: Person, months: float) -> None:
        rng = self._chances[person.key]
        ratings = {}
        for index, key in enumerate(self._layers):
            rating = half(person.level(index, months) + person.bias + rng.normal(0, RATED))
            ratings[key] = None if key in person.silent else rating
        with self._world.unit(write=True) as u:
            u.profile.rate(self._id(person.key), person.aims_at, ratings)

    def _quiz(self, person: Person, quiz: Quiz) -> None:
        manner = Manner([person.level(index, quiz.months) for index in range(len(self._layers))], person.bias)
        with self._world.unit(write=True) as u:
            attempt = u.quiz.start(self._id(person.key), "measured", layer_key=quiz.layer, domain=person.domain)
            rng, forward = self._chances[person.key], self._world.clock.forward
            sit(u, attempt, manner, rng, stops=quiz.stops, pass_time=forward)

    def _projects(self) -> Iterator[Scene]:
        for project in self._story.projects:
            for one in project.commits:
                by = self._people[one.by]
                act = partial(self._world.commit, project, one, by.name, by.email)
                yield Scene(one.months, f"{by.name} commits to {project.project}", act)
            for scan in project.scans:
                what = f"{self._people[scan.by].name} has {project.project} analysed"
                add = partial(self._world.add, scan.by)
                yield Scene(scan.months, what, partial(self._world.analyse, project, add))

    # Teams

    def _team(self, team: TeamStory) -> Iterator[Scene]:
        slugs: list[str] = []
        yield Scene(team.opened, f"the team {team.name} begins", partial(self._open_team, team, slugs))
        for member in team.members:
            what = f"{self._people[member.who].name} joins {team.name}"
            yield Scene(member.joined, what, partial(self._join_team, team, member, slugs))
        what = f"{self._people[team.by].name} looks at {team.name}"
        yield Scene(LOOKED, what, partial(self._look, team, slugs))

    def _open_team(self, team: TeamStory, slugs: list[str]) -> None:
        with self._world.unit(write=True) as u:
            slugs.append(u.team.create(self._actor(team.by), team.name, team.role).slug)

    def _join_team(self, team: TeamStory, member: Member, slugs: list[str]) -> None:
        with self._world.unit(write=True) as u:
            found = u.team.team(slugs[0])
            own = u.team.add(self._actor(team.by), found, self._actor(member.who).user_id)
            if member.shares is not None:
                u.team.share(own, member.shares)

    def _look(self, team: TeamStory, slugs: list[str]) -> None:
        people = [self._id(member.who) for member in team.members if member.shares]
        with self._world.unit(write=True) as u:
            u.looks.record(self._actor(team.by), people, f"team:{slugs[0]}")

    # Reviews

    def _review(self, review: ReviewStory, rng: np.random.Generator) -> Iterator[Scene]:
        of, by = self._people[review.of].name, self._people[review.by].name
        made: list[int] = []
        asks = f"{of} asks {by} for a review" if of != by else f"{of} begins a review of their own"
        yield Scene(review.asked, asks, partial(self._ask, review, made))
        if review.handed_in is not None:
            yield Scene(review.handed_in, f"{by} reviews {of}", partial(self._hand_in, review, rng, made))
        if review.declined is not None:
            yield Scene(review.declined, f"{by} declines to review {of}", partial(self._decline, review, made))
        if review.amended is not None:
            yield Scene(review.amended.months, f"{by} amends a review", partial(self._amend, review, made))

    def _ask(self, review: ReviewStory, made: list[int]) -> None:
        actor = self._actor(review.of)
        with self._world.unit(write=True) as u:
            if review.of == review.by:
                made.append(u.review.start_self(actor, review.layer).id)
            else:
                made.append(u.review.ask_peer(actor, self._actor(review.by).user_id, review.layer).id)

    def _hand_in(self, review: ReviewStory, rng: np.random.Generator, made: list[int]) -> None:
        of, by = self._people[review.of], self._people[review.by]
        severity = of.bias if of is by else by.severity

        def level(index: int) -> float:
            return of.level(index, review.asked)

        ratings = judge(self._world, [review.layer], review.said, level, severity, rng)
        with self._world.unit(write=True) as u:
            u.review.submit(u.review.get(made[0]), ratings, review.said.notes)

    def _decline(self, review: ReviewStory, made: list[int]) -> None:
        with self._world.unit(write=True) as u:
            u.review.decline(self._actor(review.by), u.review.get(made[0]))

    def _amend(self, review: ReviewStory, made: list[int]) -> None:
        change = review.amended
        assert change is not None
        with self._world.unit(write=True) as u:
            found: Review = u.review.get(made[0])
            last = found.versions[-1]
            ratings, notes = {**last.ratings, **change.said.ratings}, {**last.notes, **change.said.notes}
            u.review.amend(found, ratings, notes, change.reason)

    def _actor(self, key: str) -> Actor:
        return self._world.actors[key]

    def _id(self, key: str) -> int:
        return self._world.actors[key].person_id
