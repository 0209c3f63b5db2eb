"""Score a repository: the twenty lines that show the way from a source to a report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from assessor import __version__
from assessor.analysis import facts
from assessor.analysis.authorship import MOST_FILES, with_shares
from assessor.analysis.cache import Cache
from assessor.analysis.excerpts import in_cells, with_excerpts
from assessor.analysis.facts.model import FileFacts, Skipped
from assessor.analysis.findings import Finding
from assessor.analysis.grading import Scores, SignalScore, score_layers
from assessor.analysis.paths import Role, kind_of, role_of
from assessor.analysis.project import Project
from assessor.analysis.quality import quality_of
from assessor.analysis.reach import Reach
from assessor.analysis.report.model import Report, SignalReport, improvable
from assessor.analysis.sandbox import MAX_BYTES, MAX_SECONDS, parse_all
from assessor.analysis.signals import DETECTORS, detect
from assessor.analysis.signals.lasting import ENOUGH_COMMITS, ENOUGH_SECONDS, TAGS, is_code
from assessor.analysis.source import Limits, Progress, Snapshot, open_source
from assessor.config import resource_dir
from assessor.content.catalogue import load_catalogue
from assessor.content.schema import Catalogue

if TYPE_CHECKING:
    from assessor.analysis.gate import Gate

__all__ = ["Options", "Stats", "score"]

NOT_BUILT = "not-implemented"


@dataclass(slots=True)
class Stats:
    """Collect what a run cost; it is told apart from the report, which must not differ from run to run."""

    seconds: dict[str, float] = field(default_factory=dict)
    files: int = 0
    bytes: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    _began: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        """Note the time since the last lap under a name."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._began
        self._began = now


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Choose how a source is scored. `cache_dir` None keeps nothing, `max_seconds` None waits for the whole tree.

    With `authors` findings are graded by the share of their lines that these mail addresses wrote.
    """

    rev: str | None = None
    authors: Sequence[str] = ()
    cache_dir: Path | None = None
    max_seconds: float | None = None
    limits: Limits = field(default_factory=Limits)
    gate: Gate | None = None
    token: str | None = None
    progress: Progress | None = None
    catalogue: Catalogue | None = None
    stats: Stats = field(default_factory=Stats)


def score(source: str, options: Options | None = None) -> Report:
    """Score a folder, a bare repository, an archive or an https address. Raises SourceError with cause and cure."""
    options = options or Options()
    catalogue = options.catalogue or load_catalogue(resource_dir("rubrics"), questions=False)
    deadline = None if options.max_seconds is None else time.monotonic() + options.max_seconds
    with ExitStack() as stack:
        snapshot = stack.enter_context(
            open_source(
                source,
                rev=options.rev,
                gate=options.gate,
                limits=options.limits,
                progress=options.progress,
                token=options.token,
            )
        )
        options.stats.lap("open")
        project = _read(snapshot, options, deadline, stack)
        if snapshot.git is not None and snapshot.sha is not None and len(project.tags) >= TAGS:
            project.commits = snapshot.git.changed(snapshot.sha, is_code, ENOUGH_COMMITS, ENOUGH_SECONDS)
        options.stats.lap("read")
        found = _detect(project, snapshot, options)
        options.stats.lap("detect")
        unknown = _unknown(project, catalogue)
        scores = score_layers(catalogue.framework, found, unknown)
        report = _report(snapshot, project, scores, catalogue, options)
        options.stats.lap("score")
    return report


def _read(snapshot: Snapshot, options: Options, deadline: float | None, stack: ExitStack) -> Project:
    """Read the facts of every file that can tell something, in the limited child or from the cache."""
    cache = stack.enter_context(Cache(options.cache_dir)) if options.cache_dir is not None else None
    entries = snapshot.tree.entries()
    wanted = [entry for entry in entries if facts.wanted(entry.path) and role_of(entry.path) is not Role.VENDORED]
    known: dict[str, FileFacts | Skipped] = {}
    for entry, found in parse_all(
        snapshot.tree, wanted, limits=options.limits, cache=cache, deadline=deadline, progress=options.progress
    ):
        known[entry.path] = found
    options.stats.files, options.stats.bytes = len(wanted), sum(entry.size for entry in wanted)
    if cache is not None:
        options.stats.cache_hits, options.stats.cache_misses = cache.hits, cache.misses
    return Project(entries, known, snapshot.skipped, snapshot.git.tags() if snapshot.git is not None else ())


def _detect(project: Project, snapshot: Snapshot, options: Options) -> dict[str, list[Finding]]:
    """Find every signal, then say where each finding lies for a reader, who wrote it, and what stands around it."""
    flat = in_cells((one for group in detect(project, Reach(project)).values() for one in group), project.facts)
    if options.authors and snapshot.git is not None and snapshot.sha is not None:
        notebooks = {one.path: one for one in flat if one.cell is not None}
        if len({one.path for one in flat}) > MOST_FILES:
            snapshot.limits_hit.append("max-authorship")
        flat = with_shares(flat, snapshot.git, snapshot.sha, options.authors, notebooks, options.progress)
    flat = with_excerpts(flat, snapshot.tree, project.entries, project.facts)
    found: dict[str, list[Finding]] = {key: [] for key in DETECTORS}
    for one in flat:
        found[one.signal].append(one)
    return found


def _unknown(project: Project, catalogue: Catalogue) -> set[str]:
    """Return the signals that nobody could look for: not built, or no file of the needed kind could be read."""
    unread = {skipped.path for skipped in project.skipped}
    there = project.entries.keys() | unread  # a file whose object is missing has no entry
    unknown = set(catalogue.framework.signals.keys() - DETECTORS.keys())
    for key, detector in DETECTORS.items():
        paths = [path for path in there if kind_of(path) in detector.kinds and role_of(path) is not Role.VENDORED]
        if paths and all(path in unread for path in paths):
            unknown.add(key)
    return unknown


def _report(snapshot: Snapshot, project: Project, scores: Scores, catalogue: Catalogue, options: Options) -> Report:
    hit = list(snapshot.limits_hit)
    skipped = sorted(set(project.skipped))
    hit += [limit for limit in (MAX_SECONDS, MAX_BYTES) if any(one.reason == limit for one in skipped)]
    hit += [NOT_BUILT] if catalogue.framework.signals.keys() - DETECTORS.keys() else []
    measured = bool(options.authors) and snapshot.git is not None and snapshot.sha is not None
    hit += ["no-authorship"] if options.authors and not measured else []
    hit += ["shallow-history"] if measured and snapshot.git is not None and snapshot.git.shallow else []
    return Report(
        assessor_version=__version__,
        framework_version=catalogue.framework.label,
        source=snapshot.source,
        sha=snapshot.sha,
        committed_at=snapshot.committed_at,
        author=", ".join(sorted(options.authors)) if measured else None,
        layers=scores.layers,
        signals=tuple(_signal(score, catalogue) for score in scores.signals),
        quality=quality_of(project),
        skipped=tuple(skipped),
        limits_hit=tuple(dict.fromkeys(hit)),
    )


def _signal(scored: SignalScore, catalogue: Catalogue) -> SignalReport:
    cap = catalogue.framework.signals[scored.key].cap
    text = catalogue.signal_texts.get(scored.key)
    advice = text if improvable(scored.polarity, scored.outcome, scored.grade, cap) else None
    return SignalReport(
        key=scored.key,
        polarity=scored.polarity,
        outcome=scored.outcome,
        grade=scored.grade,
        remediation=advice.next_step if advice else None,
        effort=advice.effort if advice else None,
        gain=scored.gain if advice else None,
        findings=scored.findings,
        findings_total=len(scored.findings),
    )
