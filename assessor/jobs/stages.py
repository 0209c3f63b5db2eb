"""What one analysis consists of; each stage can be repeated, and none holds a database session while it works."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

from assessor.analysis.authorship import confirmed_challenges
from assessor.analysis.engine import Options, score
from assessor.analysis.gate import Gate
from assessor.analysis.source import SourceError, fetch, open_source
from assessor.config import Settings
from assessor.services.identity import CHALLENGE_FILE
from assessor.services.portfolio import Task
from assessor.services.sources import FOLDER, folder_path
from assessor.services.unit import UnitFactory
from assessor.services.uploads import upload_path

__all__ = ["Stages", "sweep_folders"]

LONGEST = 600.0
"""Seconds that the files of one analysis may take; what is left over then is told on the report."""

TELL_EVERY = 0.5
"""Seconds between two stored states of progress: a page that refreshes each second sees it move, the database rests."""


class Stages:
    """Fetch, score and record one analysis; the gate decides which addresses may be fetched, tests hand in another."""

    def __init__(self, unit: UnitFactory, settings: Settings, gate: Gate | None = None) -> None:
        self._unit = unit
        self._settings = settings
        self._gate = gate or Gate(hosts=settings.git_hosts)

    def fetch(self, analysis_id: str) -> None:
        """Clone what has to be fetched, and confirm the identities whose challenges a commit answers. Raises SourceError."""
        task = self._begin(analysis_id)
        path = self._path(task)
        if not task.challenges:
            return
        with open_source(str(path), rev=task.rev) as snapshot:
            answered = confirmed_challenges(snapshot, CHALLENGE_FILE, task.challenges)
        with self._unit(write=True) as u:
            for email in answered:
                u.portfolio.confirm(task, email)

    def score(self, analysis_id: str) -> None:
        """Score the source and keep the report; what another machine fetched is fetched again. Raises SourceError."""
        task = self._begin(analysis_id)
        options = Options(
            rev=task.rev,
            authors=task.authors,
            cache_dir=self._settings.data_dir / "cache",
            max_seconds=LONGEST,
            catalogue=self._unit.catalogue,
            progress=_Teller(self._unit, analysis_id),
        )
        report = score(str(self._path(task)), options)
        with self._unit(write=True) as u:
            u.portfolio.keep(analysis_id, replace(report, source=_shown(task)))

    def record(self, analysis_id: str) -> None:
        """Count a kept report for the person's levels, and delete the clone."""
        with self._unit(write=True) as u:
            u.portfolio.finish(analysis_id)
        self.clean(analysis_id)

    def fail(self, analysis_id: str, cause: str, cure: str) -> None:
        """End an analysis that could not be made, and delete the clone."""
        with self._unit(write=True) as u:
            u.portfolio.fail(analysis_id, cause, cure)
        self.clean(analysis_id)

    def clean(self, analysis_id: str) -> None:
        """Delete the clone of an analysis."""
        shutil.rmtree(self._folder(analysis_id), ignore_errors=True)

    def _begin(self, analysis_id: str) -> Task:
        with self._unit(write=True) as u:
            return u.portfolio.begin(analysis_id)

    def _folder(self, analysis_id: str) -> Path:
        return self._settings.data_dir / "work" / analysis_id

    def _path(self, task: Task) -> Path:
        """Return where the source lies on this machine, fetched first if it has to be."""
        if task.kind == "zip":
            path = upload_path(self._settings.data_dir, task.source)
            if not path.exists():
                raise SourceError("The archive is not on this server any more.", "Upload it again.")
            return path
        if task.source.startswith(FOLDER):
            folder = folder_path(task.source.removeprefix(FOLDER), self._settings)
            if folder is None:
                raise SourceError("This folder is not on the server any more.", "Ask its operator, or add an address.")
            return folder
        clone = self._folder(task.analysis_id) / "repository"
        if not clone.exists():
            # Fetched beside its place and moved in when whole: a killed worker leaves nothing that looks finished.
            draft = clone.with_name("draft")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True, mode=0o700)
            fetch(task.source, draft, gate=self._gate, progress=_Teller(self._unit, task.analysis_id))
            draft.replace(clone)
        return clone


class _Teller:
    """Store progress, yet not oftener than the database and a reader need."""

    def __init__(self, unit: UnitFactory, analysis_id: str) -> None:
        self._unit, self._analysis_id = unit, analysis_id
        self._told, self._stage = 0.0, ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage == self._stage and now - self._told < TELL_EVERY:
            return
        self._told, self._stage = now, stage
        with self._unit(write=True) as u:
            u.portfolio.progress(self._analysis_id, stage, done, total)


def sweep_folders(settings: Settings, unfinished: set[str]) -> None:
    """Delete the clones of analyses that are finished or gone; a worker that was killed could not do it itself."""
    folder = settings.data_dir / "work"
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in unfinished:
            shutil.rmtree(path, ignore_errors=True)


def _shown(task: Task) -> str:
    return f"zip:{task.source[:12]}" if task.kind == "zip" else task.source
