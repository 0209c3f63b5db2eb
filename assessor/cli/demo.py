"""Load the demo workspace: one script that does through the services what people do, at the times they would."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assessor.cli.environment import read_settings
from assessor.config import Settings, resource_dir

if TYPE_CHECKING:
    from assessor.services.unit import UnitFactory

__all__ = ["command", "load_if_empty"]

EMAIL, NAME, WORKSPACE = "sam@demo.invalid", "Sam Rivera", "demo"
ROLE = "ml-engineer"
REPOSITORY = "churn-service"

MONTH = timedelta(days=30.4)
RATINGS = (
    # months ago, one self-rating per layer
    (24, (3.0, 2.5, 2.0, 1.0, 1.5, 1.0, 0.5, 2.0, 0.5, 0.5)),
    (12, (3.0, 3.0, 2.5, 2.0, 2.0, 2.0, 1.0, 2.5, 1.0, 1.0)),
    (1, (3.0, 3.5, 3.0, 3.0, 3.0, 2.5, 2.0, 3.0, 1.5, 2.0)),
)

FIRST_VERSION = (
    "README.md",
    "requirements.txt",
    "churn/__init__.py",
    "churn/data.py",
    "churn/model.py",
    "churn/train.py",
)
SCANS: tuple[tuple[int, tuple[str, ...] | None], ...] = (
    # months ago, the files that had been committed by then; None stands for all
    (15, FIRST_VERSION),
    (2, None),
)


@click.group(name="demo")
def command() -> None:
    """Load or remove the demo workspace."""


@command.command()
def load() -> None:
    """Load the demo workspace, unless it is there."""
    loaded = _load(read_settings())
    click.echo("The demo workspace is loaded." if loaded else "The demo workspace is there already.")


@command.command()
def remove() -> None:
    """Remove the demo workspace with everything in it."""
    from assessor.factory import create_unit

    settings = read_settings()
    found = _forget(create_unit(settings))
    shutil.rmtree(settings.data_dir / "demo", ignore_errors=True)
    click.echo("The demo workspace is removed." if found else "There is no demo workspace.")


def load_if_empty(settings: Settings) -> bool:
    """Load the demo into a database that nobody uses yet; return whether it was."""
    from assessor.factory import create_unit

    unit = create_unit(settings)
    try:
        with unit() as u:
            empty = u.account.is_empty()
    finally:
        unit.engine.dispose()
    return empty and _load(settings)


def _load(settings: Settings) -> bool:
    from assessor.factory import create_unit
    from assessor.services.unit import utc_now

    folder = settings.data_dir / "demo"
    now = utc_now()
    times = _Times(now)
    unit = create_unit(replace(settings, source_folder=folder), clock=times)
    try:
        with unit() as u:
            if u.account.demo_user() is not None:
                return False
        shutil.rmtree(folder, ignore_errors=True)
        try:
            _play(unit, times, now, folder)
        except BaseException:
            _forget(unit)  # half a story would pass for the whole one at the next start
            raise
    finally:
        unit.engine.dispose()
    return True


def _play(unit: UnitFactory, times: _Times, now: datetime, folder: Path) -> None:
    times.now = now - 24 * MONTH
    person_id = _person(unit)
    scans, ratings = dict(SCANS), dict(RATINGS)
    layers = [layer.key for layer in unit.catalogue.framework.layers]
    for months in sorted(scans.keys() | ratings.keys(), reverse=True):
        times.now = now - months * MONTH
        if months in ratings:
            with unit(write=True) as u:
                u.profile.rate(person_id, ROLE, dict(zip(layers, ratings[months], strict=True)))
        if months in scans:
            _commit(folder / REPOSITORY, scans[months], times.now)
            _scan(unit, person_id)


def _forget(unit: UnitFactory) -> bool:
    with unit(write=True) as u:
        user_id = u.account.demo_user()
        if user_id is not None:
            u.account.delete(user_id)
    return user_id is not None


class _Times:
    """Be a clock that stands where the story is."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def _person(unit: UnitFactory) -> int:
    with unit(write=True) as u:
        user = u.account.create(EMAIL, None, name=NAME, workspace=WORKSPACE, demo=True)
        assert user.person is not None
        u.identity.confirm(user.person.id, EMAIL, "mail")
        return user.person.id


def _commit(folder: Path, files: tuple[str, ...] | None, at: datetime) -> None:
    """Commit part of the sample project as its author would have done at that time."""
    from git import Actor, Repo

    source = resource_dir("rubrics") / "demo" / REPOSITORY
    names = files or tuple(path.relative_to(source).as_posix() for path in sorted(source.rglob("*")) if path.is_file())
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, folder / name)
    repository = Repo.init(folder)
    try:
        repository.index.add(list(names))
        author, when = Actor(NAME, EMAIL), f"{int(at.timestamp())} +0000"
        message = "Predict churn from monthly accounts" if files else "Serve, watch and test the model"
        repository.index.commit(message, author=author, committer=author, author_date=when, commit_date=when)
    finally:
        repository.close()


def _scan(unit: UnitFactory, person_id: int) -> None:
    """Analyse the sample project as a worker would, without waiting for one."""
    from assessor.jobs.stages import Stages

    with unit(write=True) as u:
        analysis_id = u.portfolio.add(person_id, f"folder:{REPOSITORY}").id
    stages = Stages(unit, unit.settings)
    stages.fetch(analysis_id)
    stages.score(analysis_id)
    stages.record(analysis_id)
