"""What every scene of the demo needs: the services, the time of the story, and who is who in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np

from assessor.cli.demo.projects import analyse, commit
from assessor.cli.demo.story import Commit, Judgement, Project
from assessor.models.portfolio import Analysis
from assessor.services.permissions import Actor
from assessor.services.rubric import RATINGS
from assessor.services.sources import FOLDER
from assessor.services.unit import Unit, UnitFactory

__all__ = ["Clock", "Scene", "World", "half", "judge"]

MONTH = timedelta(days=30.4)

SPREAD = 0.35
"""Standard deviation of a reviewer's ratings of single topics around what they think of the layer, in levels."""

CANNOT_JUDGE = 0.12
"""Share of topics that a reviewer has seen too little of."""


class Scene(NamedTuple):
    """Do something so many months ago."""

    months: float
    what: str
    act: Callable[[], None]


class Clock:
    """Be a clock that stands where the story is."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by: timedelta) -> None:
        """Move on."""
        self.now += by


@dataclass(slots=True)
class World:
    """Hold the services on the story's clock, the folders of sample projects and of copies, and everybody by their key."""

    unit: UnitFactory
    clock: Clock
    now: datetime
    samples: Path
    folder: Path
    actors: dict[str, Actor] = field(default_factory=dict)

    def at(self, months: float) -> None:
        """Set the clock so many months before now."""
        self.clock.now = self.now - months * MONTH

    def commit(self, project: Project, one: Commit, name: str, email: str) -> None:
        """Commit to somebody's copy of a sample project."""
        sample, folder = self.samples / project.project, self.folder / project.folder
        commit(sample, folder, one.files, name=name, email=email, message=one.message, at=self.clock())

    def add(self, who: str, u: Unit, source: str) -> Analysis:
        """Add a repository to somebody's portfolio; one that is there is analysed again."""
        return u.portfolio.add(self.actors[who].person_id, source)

    def analyse(self, project: Project, add: Callable[[Unit, str], Analysis]) -> None:
        """Add a copy by its address, and analyse it."""
        analyse(self.unit, lambda u: add(u, FOLDER + project.folder))


def judge(
    world: World,
    layers: Sequence[str],
    said: Judgement,
    levels: Callable[[int], float],
    severity: float,
    rng: np.random.Generator,
) -> dict[str, float | None]:
    """Return a reviewer's ratings of every topic of some layers: those written down, the others around the true level.

    `levels` gives the true level in a layer, 0..9. Of a layer that people choose one topic of, only what is written counts.
    """
    ratings: dict[str, float | None] = {}
    for index, layer in enumerate(world.unit.catalogue.framework.layers):
        for topic in layer.topics if layer.key in layers else ():
            seen = rng.random() >= CANNOT_JUDGE and layer.choose is None
            drawn = half(levels(index) + severity + rng.normal(0, SPREAD))
            ratings[topic.key] = said.ratings.get(topic.key, drawn if seen else None)
    return ratings


def half(level: float) -> float:
    """Return the rating that is nearest to a level."""
    return min(RATINGS, key=lambda rating: abs(rating - level))
