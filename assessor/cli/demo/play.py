"""Play the story of the demo: everybody does through the services what they did, in the order and at the times they did it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from assessor.cli.demo.hiring import HiringPlay
from assessor.cli.demo.people import PeoplePlay
from assessor.cli.demo.story import Story
from assessor.cli.demo.world import World

__all__ = ["Tell", "play"]

Tell = Callable[[int, int, str], None]
"""Hear how many scenes are over, of how many, and what comes now."""


def play(world: World, story: Story, tell: Tell) -> None:
    """Play a story from its begin to now, in a world in which nothing has happened.

    Chance comes from the story's seed alone, so that levels are the same wherever it is played; dates count back from now.
    """
    people, hiring = np.random.default_rng(story.seed).spawn(2)
    scenes = [*PeoplePlay(world, story, people).scenes(), *HiringPlay(world, story, hiring).scenes()]
    scenes.sort(key=lambda scene: -scene.months)  # stable: at one time, in the order in which they were told
    world.at(scenes[0].months)
    with world.unit(write=True) as u:
        workspace = u.demo.begin(story.workspace)
    for number, scene in enumerate(scenes):
        tell(number, len(scenes), scene.what)
        world.at(scene.months)
        scene.act()
    world.at(0)
    with world.unit(write=True) as u:
        u.demo.finish(workspace)
    tell(len(scenes), len(scenes), "done")
