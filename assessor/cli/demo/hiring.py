"""What happens around the demo's requisition: candidates come, the panel reviews them blind, somebody decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from assessor.cli.demo.answers import Manner, sit
from assessor.cli.demo.story import CandidateStory, PanelReview, RequisitionStory, Story
from assessor.cli.demo.world import Scene, World, judge
from assessor.models.hiring import Candidate
from assessor.models.portfolio import Analysis
from assessor.services.unit import Unit

__all__ = ["HiringPlay"]


@dataclass(slots=True)
class _Ids:
    """Remember what the services named the requisition and its candidates."""

    requisition: int
    candidates: dict[str, int]


class HiringPlay:
    """Play the parts of manager, panel and candidates."""

    def __init__(self, world: World, story: Story, rng: np.random.Generator) -> None:
        self._world = world
        self._requisition: RequisitionStory = story.requisition
        self._people = {person.key: person for person in story.people}
        self._chances = rng.spawn(len(self._requisition.candidates))
        self._ids = _Ids(0, {})

    def scenes(self) -> Iterator[Scene]:
        """Yield everything that happens, in no order of time."""
        story = self._requisition
        yield Scene(story.opened, f"{self._people[story.by].name} opens a requisition", self._open)
        for candidate, rng in zip(story.candidates, self._chances, strict=True):
            yield from self._candidate(candidate, rng)

    def _candidate(self, one: CandidateStory, rng: np.random.Generator) -> Iterator[Scene]:
        project = one.project
        commit = partial(self._world.commit, project, project.commits[0], one.name, one.email)
        yield Scene(one.added, f"a candidate shows {project.project}", commit)
        yield Scene(one.added, "a candidate's repository is analysed", partial(self._add, one))
        if one.quiz is not None:
            yield Scene(one.quiz.months, "a candidate takes a quiz", partial(self._quiz, one, rng))
        for review in one.reviews:
            what = f"{self._people[review.by].name} reviews a candidate"
            yield Scene(review.months, what, partial(self._review, one, review, rng))
        if one.decision is not None:
            yield Scene(one.decision.months, "a candidate is decided on", partial(self._decide, one))

    def _open(self) -> None:
        story, actors = self._requisition, self._world.actors
        with self._world.unit(write=True) as u:
            requisition = u.hiring.open(actors[story.by], story.title, story.role, story.layers)
            for key in story.panel:
                u.hiring.join_panel(actors[story.by], requisition, actors[key].user_id)
            self._ids.requisition = requisition.id

    def _add(self, one: CandidateStory) -> None:
        self._world.analyse(one.project, partial(self._new, one))

    def _new(self, one: CandidateStory, u: Unit, source: str) -> Analysis:
        """Add a candidate with a repository; an invited one has opened the link and agreed before."""
        manager = self._world.actors[self._requisition.by]
        requisition = u.hiring.requisition(self._ids.requisition, lock=True)
        if one.invited:
            candidate, token = u.candidacy.invite(manager, requisition, one.contact)
            u.candidacy.accept(token, consent=True, name=one.name)
            analysis = u.hiring.add_repository(manager, candidate, source, one.email)
        else:
            candidate, analysis = u.hiring.add(manager, requisition, source, one.email, one.contact)
        self._ids.candidates[one.key] = candidate.id
        return analysis

    def _quiz(self, one: CandidateStory, rng: np.random.Generator) -> None:
        assert one.quiz is not None
        with self._world.unit(write=True) as u:
            person_id = self._load(u, one).person_id
            attempt = u.quiz.start(person_id, "measured", layer_key=one.quiz.layer, domain=one.domain)
            sit(u, attempt, Manner(one.levels, 0.0), rng, stops=one.quiz.stops, pass_time=self._world.clock.forward)

    def _review(self, one: CandidateStory, review: PanelReview, rng: np.random.Generator) -> None:
        actor, severity, said = self._world.actors[review.by], self._people[review.by].severity, review.said
        with self._world.unit(write=True) as u:
            if review.draft:
                u.panel.save_draft(actor, self._load(u, one), said.ratings, said.notes, None)
                return
            layers = self._requisition.layers
            ratings = judge(self._world, layers, said, lambda index: one.levels[index], severity, rng)
            u.panel.hand_in(actor, self._load(u, one), ratings, said.notes, None)

    def _decide(self, one: CandidateStory) -> None:
        assert one.decision is not None
        actor = self._world.actors[self._requisition.by]
        with self._world.unit(write=True) as u:
            u.panel.decide(actor, self._load(u, one, decisions=True), one.decision.verdict, one.decision.reason)

    def _load(self, u: Unit, one: CandidateStory, *, decisions: bool = False) -> Candidate:
        ids = self._ids
        return u.hiring.candidate(ids.requisition, ids.candidates[one.key], lock=True, decisions=decisions)
