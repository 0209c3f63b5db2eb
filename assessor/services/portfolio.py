"""Repositories and their analyses: what people add, what workers do to it, what follows for the person's levels."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload, undefer

from assessor.analysis.report.model import Report
from assessor.analysis.report.serial import from_json, to_json
from assessor.analysis.union import LayerRow, shown_by, union_rows
from assessor.config import Settings
from assessor.content.schema import Catalogue
from assessor.models.portfolio import Analysis, AnalysisFinding, Repository
from assessor.models.profile import Evidence, Identity
from assessor.services.errors import Conflict, NotFound
from assessor.services.evidence_page import EvidencePage, evidence_page
from assessor.services.identity import IdentityService
from assessor.services.profile_view import shown
from assessor.services.sources import named_source
from assessor.services.uploads import remove_unnamed

__all__ = ["PortfolioService", "Task"]

PENDING_LIMIT = 20
"""Analyses of one person that may wait at a time."""

MOVED = 0.1
"""Levels by which a repository row must differ from the one before it to stand beside it."""

APART = timedelta(days=90)
SAME = timedelta(hours=24)
"""Repositories added within a day are one statement about the person, however many there are."""

ARRIVING = timedelta(hours=1)
"""How long a stored archive may be without a repository that names it."""

BATCH = 500


@dataclass(frozen=True, slots=True)
class Task:
    """Tell a worker what to analyse. `challenges` maps what a commit must contain to the address it confirms."""

    analysis_id: str
    person_id: int
    kind: str
    source: str
    rev: str | None
    authors: tuple[str, ...]
    challenges: dict[str, str]


class PortfolioService:
    """Do what people and workers do with repositories and analyses."""

    def __init__(
        self,
        session: Session,
        catalogue: Catalogue,
        clock: Callable[[], datetime],
        settings: Settings,
        identities: IdentityService,
    ) -> None:
        self._session = session
        self._catalogue = catalogue
        self._clock = clock
        self._settings = settings
        self._identities = identities

    # People

    def add(self, person_id: int, source: str, rev: str | None = None) -> Analysis:
        """Add a repository by its address and queue its analysis; one that is there already is analysed again.

        Raises Invalid for an address that may not be fetched, Conflict for too many waiting analyses.
        """
        address, name = named_source(source, self._settings)
        return self._queue(self._repository(person_id, "git", address, name), rev)

    def add_zip(self, person_id: int, filename: str, digest: str) -> Analysis:
        """Add an archive that `uploads.save_upload` stored, and queue its analysis. Raises Conflict."""
        name = filename.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".zip")[:200] or "archive"
        return self._queue(self._repository(person_id, "zip", digest, name), None)

    def rescan(self, repository_id: int) -> Analysis:
        """Queue a new analysis; one that waits already is returned instead. Raises NotFound or Conflict."""
        return self._queue(self.repository(repository_id), None)

    def remove(self, repository_id: int) -> None:
        """Remove a repository with its analyses, and take what it showed out of the person's levels. Raises NotFound."""
        repository = self.repository(repository_id)
        person_id = repository.person_id
        self._session.delete(repository)
        self._session.flush()
        self._session.expire_all()
        self._count(person_id, None)

    def list(self, person_id: int) -> Sequence[Repository]:
        """Return the repositories of a person with their analyses, the newest last; reports are not read."""
        query = (
            select(Repository)
            .where(Repository.person_id == person_id)
            .options(selectinload(Repository.analyses))
            .order_by(func.lower(Repository.name), Repository.id)
        )
        return self._session.scalars(query).all()

    def repository(self, repository_id: int) -> Repository:
        """Return a repository with its analyses, oldest first. Raises NotFound."""
        query = select(Repository).where(Repository.id == repository_id).options(selectinload(Repository.analyses))
        found = self._session.scalar(query)
        if found is None:
            raise NotFound("There is no such repository.", "Your portfolio lists the ones you added.")
        return found

    def analysis(self, analysis_id: str, *, report: bool = False) -> Analysis:
        """Return an analysis with its repository, and with the text of its report where asked for. Raises NotFound."""
        query = select(Analysis).where(Analysis.id == analysis_id).options(joinedload(Analysis.repository))
        found = self._session.scalar(query.options(undefer(Analysis.report)) if report else query)
        if found is None:
            raise NotFound("There is no such analysis.", "Your portfolio lists the ones that were made.")
        return found

    def report(self, analysis_id: str) -> Report:
        """Return the report of a finished analysis. Raises NotFound before it is finished."""
        text = self.analysis(analysis_id, report=True).report
        if text is None:
            raise NotFound("This analysis has no report yet.", "Wait until it is finished.")
        return from_json(text)

    def evidence(self, analysis_id: str, signal_key: str) -> EvidencePage:
        """Return what an analysis found for one signal, graded by today's policy. Raises NotFound."""
        signal = self._catalogue.framework.signals.get(signal_key)
        analysis = self.analysis(analysis_id, report=True)
        if signal is None or analysis.report is None:
            raise NotFound("There is no such evidence.", "Open it from the page of a repository.")
        return evidence_page(
            self._catalogue, analysis, from_json(analysis.report), signal, self._findings(analysis_id, signal.key)
        )

    # Workers

    def sweepable(self) -> Sequence[str]:
        """Return the analyses that are not finished; queueing one that is queued already does nothing."""
        query = select(Analysis.id).where(Analysis.state.in_(("queued", "running"))).order_by(Analysis.created_at)
        return self._session.scalars(query).all()

    def begin(self, analysis_id: str) -> Task:
        """Mark an analysis as running and return what to do. Raises NotFound for one that was removed meanwhile."""
        analysis = self.analysis(analysis_id)
        if analysis.state == "queued":
            analysis.state, analysis.started_at = "running", self._clock()
        repository = analysis.repository
        identities = self._session.scalars(select(Identity).where(Identity.person_id == repository.person_id)).all()
        return Task(
            analysis_id=analysis.id,
            person_id=repository.person_id,
            kind=repository.kind,
            source=repository.source,
            rev=analysis.rev,
            authors=tuple(sorted(one.email for one in identities if one.confirmed_by)),
            challenges={one.challenge: one.email for one in identities if not one.confirmed_by},
        )

    def confirm(self, task: Task, email: str) -> None:
        """Confirm an address of the person by the challenge that one of its commits contains."""
        try:
            self._identities.confirm(task.person_id, email, "commit")
        except Conflict:
            return  # somebody else proved it first; the settings go on to show it as not confirmed

    def progress(self, analysis_id: str, stage: str, done: int = 0, total: int = 0) -> None:
        """Store how far an analysis is."""
        self._session.execute(
            update(Analysis)
            .where(Analysis.id == analysis_id, Analysis.state == "running")
            .values(stage=stage, done=done, total=total)
        )

    def keep(self, analysis_id: str, report: Report) -> None:
        """Store a report with every finding; doing it again replaces what was stored. Raises NotFound."""
        analysis = self.analysis(analysis_id)
        self._session.execute(delete(AnalysisFinding).where(AnalysisFinding.analysis_id == analysis_id))
        rows = [_stored(analysis_id, signal.key, item.finding) for signal in report.signals for item in signal.findings]
        for start in range(0, len(rows), BATCH):
            self._session.execute(insert(AnalysisFinding), rows[start : start + BATCH])
        seen = shown_by(report)
        analysis.report = to_json(report)
        analysis.sha, analysis.author = report.sha, report.author
        analysis.framework_version = report.framework_version
        analysis.confirmed = report.author is not None
        analysis.summary = {
            "levels": [layer.level for layer in report.layers],
            "grades": dict(seen.grades),
            "capped": dict(seen.capped),
            "committed_at": report.committed_at,
        }
        self._session.flush()

    def finish(self, analysis_id: str) -> None:
        """End an analysis whose report is kept, and count it for the person's levels; twice does nothing. Raises NotFound."""
        analysis = self.analysis(analysis_id)
        if analysis.state == "done":
            return
        analysis.state, analysis.finished_at, analysis.stage = "done", self._clock(), ""
        self._session.flush()
        self._count(analysis.repository.person_id, analysis_id)

    def fail(self, analysis_id: str, cause: str, cure: str) -> None:
        """End an analysis that could not be made, with what the person can do; a finished one stays as it is."""
        self._session.execute(
            update(Analysis)
            .where(Analysis.id == analysis_id, Analysis.state.in_(("queued", "running")))
            .values(state="failed", cause=cause, cure=cure, stage="", finished_at=self._clock())
        )

    def forget_uploads(self) -> int:
        """Delete the archives that no repository names any more and return how many there were."""
        named = self._session.scalars(select(Repository.source).where(Repository.kind == "zip").distinct())
        return remove_unnamed(self._settings.data_dir, set(named), self._clock() - ARRIVING)

    def _repository(self, person_id: int, kind: str, source: str, name: str) -> Repository:
        query = (
            select(Repository)
            .where(Repository.person_id == person_id, Repository.source == source)
            .options(selectinload(Repository.analyses))
        )
        found = self._session.scalar(query)
        if found is None:
            found = Repository(
                person_id=person_id, kind=kind, source=source, name=name, created_at=self._clock(), analyses=[]
            )
            self._session.add(found)
            self._session.flush()
        return found

    def _queue(self, repository: Repository, rev: str | None) -> Analysis:
        waiting = next((one for one in repository.analyses if one.state in ("queued", "running")), None)
        if waiting is not None:
            return waiting
        pending = (
            select(func.count())
            .select_from(Analysis)
            .join(Repository)
            .where(Repository.person_id == repository.person_id, Analysis.state.in_(("queued", "running")))
        )
        if (self._session.scalar(pending) or 0) >= PENDING_LIMIT:
            raise Conflict(f"{PENDING_LIMIT} of your analyses are waiting.", "Add the next one when some are finished.")
        analysis = Analysis(id=str(uuid.uuid4()), rev=rev, state="queued", created_at=self._clock())
        repository.analyses.append(analysis)
        self._session.flush()
        return analysis

    def _findings(self, analysis_id: str, signal: str) -> Sequence[AnalysisFinding]:
        query = select(AnalysisFinding).where(
            AnalysisFinding.analysis_id == analysis_id, AnalysisFinding.signal == signal
        )
        return self._session.scalars(query.order_by(AnalysisFinding.id)).all()

    def _count(self, person_id: int, analysis_id: str | None) -> None:
        """Bring the person's rows of evidence up to what their repositories show now."""
        query = (
            select(Analysis)
            .join(Analysis.repository)
            .options(contains_eager(Analysis.repository))
            .where(Repository.person_id == person_id, Analysis.state == "done", Analysis.confirmed)
            .order_by(Analysis.created_at, Analysis.id)
        )
        newest = {one.repository_id: one for one in self._session.scalars(query)}
        rows = {row.layer: row for row in union_rows(self._catalogue.framework, map(shown, newest.values()))}
        open_rows = (
            select(Evidence)
            .where(Evidence.person_id == person_id, Evidence.instrument == "repo", Evidence.superseded_at.is_(None))
            .order_by(Evidence.at, Evidence.id)
        )
        last = {row.layer: row for row in self._session.scalars(open_rows)}
        for layer in sorted(rows.keys() | last.keys()):
            self._replace(person_id, analysis_id, last.get(layer), rows.get(layer))
        self._session.flush()

    def _replace(self, person_id: int, analysis_id: str | None, last: Evidence | None, row: LayerRow | None) -> None:
        """Add a row; the last one stays beside it where it is older than a day and the level moved, or after 90 days."""
        now = self._clock()
        if last is not None:
            age = now - last.at
            moved = row is not None and abs(row.level - last.level) > MOVED
            if row is None or age < SAME or (not moved and age < APART):
                last.superseded_at = now
        if row is not None:
            self._session.add(
                Evidence(
                    person_id=person_id,
                    at=now,
                    layer=row.layer,
                    level=row.level,
                    noise_sd=row.noise_sd,
                    instrument="repo",
                    source="repositories",
                    at_ceiling=row.at_ceiling,
                    analysis_id=analysis_id if analysis_id is not None else (last.analysis_id if last else None),
                )
            )


def _stored(analysis_id: str, signal: str, finding: object) -> dict[str, object]:
    names = (
        *("detector", "path", "line", "end_line", "cell", "message", "alive"),
        *("wired_by", "verified_by", "author_share", "since", "excerpt"),
    )
    kept = {name: getattr(finding, name) for name in names}
    strength, setting = getattr(finding, "strength"), getattr(finding, "setting")  # noqa: B009
    return kept | {"analysis_id": analysis_id, "signal": signal, "strength": int(strength), "setting": str(setting)}
