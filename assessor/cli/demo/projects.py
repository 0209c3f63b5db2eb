"""The repositories of the demo: people commit copies of the sample projects, and have them analysed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path

from assessor.jobs.stages import Stages
from assessor.models.portfolio import Analysis
from assessor.services.unit import Unit, UnitFactory

__all__ = ["analyse", "commit"]


def commit(
    sample: Path, folder: Path, files: Sequence[str], *, name: str, email: str, message: str, at: datetime
) -> None:
    """Commit the files of a sample project that match a pattern, all without one, as their author would have done."""
    from git import Actor, Repo

    known = [path.relative_to(sample).as_posix() for path in sorted(sample.rglob("*")) if path.is_file()]
    names = [one for one in known if not files or any(fnmatch(one, pattern) for pattern in files)]
    for one in names:
        (folder / one).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sample / one, folder / one)
    repository = Repo.init(folder)
    try:
        repository.index.add(names)
        author, when = Actor(name, email), f"{int(at.timestamp())} +0000"
        repository.index.commit(message, author=author, committer=author, author_date=when, commit_date=when)
    finally:
        repository.close()


def analyse(unit: UnitFactory, add: Callable[[Unit], Analysis]) -> None:
    """Analyse what `add` queues as a worker would, without waiting for one."""
    with unit(write=True) as u:
        analysis_id = add(u).id
    stages = Stages(unit, unit.settings)
    stages.fetch(analysis_id)
    stages.score(analysis_id)
    stages.record(analysis_id)
