"""Load the demo workspace, or remove it: a story that is played through the services, and everything of it again."""

from __future__ import annotations

import fcntl
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assessor.cli.db import ready
from assessor.cli.environment import read_settings
from assessor.config import Settings, resource_dir

if TYPE_CHECKING:
    from assessor.cli.demo.world import Clock
    from assessor.services.unit import Unit, UnitFactory

__all__ = ["command", "load_if_empty"]


@click.group(name="demo")
def command() -> None:
    """Load or remove the demo workspace."""


@command.command()
def load() -> None:
    """Load the demo workspace, unless it is there.

    What is left of one that was loaded half or by an earlier version is removed first.
    """
    settings = read_settings()
    with ready(settings):
        loaded = _load(settings, lambda u: not u.demo.loaded())
    click.echo("The demo workspace is loaded." if loaded else "The demo workspace is there already.")


@command.command()
def remove() -> None:
    """Remove the demo workspace with everything in it."""
    from assessor.factory import create_unit

    settings = read_settings()
    with ready(settings), _alone(settings), create_unit(settings)(write=True) as u:
        found = u.demo.remove()
    shutil.rmtree(settings.data_dir / "demo", ignore_errors=True)
    click.echo("The demo workspace is removed." if found else "There is no demo workspace.")


def load_if_empty(settings: Settings) -> bool:
    """Load the demo into a database that nobody uses yet, or that was left with half of it; return whether it was."""
    return _load(settings, lambda u: u.account.is_empty() or u.demo.half())


def _load(settings: Settings, wanted: Callable[[Unit], bool]) -> bool:
    from assessor.cli.demo.world import Clock
    from assessor.factory import create_unit
    from assessor.services.unit import utc_now

    clock = Clock(utc_now())
    chance = random.Random()  # noqa: S311 - draws a story, no secret
    unit = create_unit(replace(settings, source_folder=settings.data_dir / "demo"), clock=clock, chance=chance)
    try:
        with _alone(settings):
            with unit() as u:
                if not wanted(u):
                    return False
            _play(unit, clock, settings.data_dir / "demo")
    finally:
        unit.engine.dispose()
    return True


def _play(unit: UnitFactory, clock: Clock, folder: Path) -> None:
    from assessor.cli.demo.play import play
    from assessor.cli.demo.reading import read_story
    from assessor.cli.demo.world import World

    rubrics = resource_dir("rubrics")
    story = read_story(rubrics, unit.catalogue)
    unit.chance.seed(story.seed)
    with unit(write=True) as u:
        u.demo.remove()
    shutil.rmtree(folder, ignore_errors=True)
    try:
        play(World(unit, clock, clock.now, rubrics / "demo", folder), story, _tell)
    except BaseException:
        with unit(write=True) as u:
            u.demo.remove()  # half a story would pass for the whole one
        shutil.rmtree(folder, ignore_errors=True)
        raise


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Wait for another process that loads or removes the demo of the same data folder; the system frees a dead one's place."""
    with (settings.data_dir / "demo.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _tell(done: int, total: int, what: str) -> None:
    """Say on the terminal what happens now: on one line that changes, or every so often where the output is kept."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        click.echo(f"\r\033[KLoading the demo, {done} of {total}: {what}{end}", err=True, nl=False)
    elif done == total or done % 50 == 0:
        click.echo(f"Loading the demo, {done} of {total}: {what}", err=True)
