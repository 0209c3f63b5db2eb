"""What a report holds, and the choices that every form of it shares: what is best, what comes next."""

from __future__ import annotations

from dataclasses import dataclass

from assessor.analysis.facts.model import Skipped
from assessor.analysis.grading import CEILING, Graded, LayerScore, Outcome, gaining_layer
from assessor.content.schema import Framework, Layer

SCHEMA_VERSION = "1.0"
SHOWN_FINDINGS = 20
"""Findings of one signal that a report shows; `findings_total` tells how many there are."""

_EFFORTS = ("low", "medium", "high")

LIMITS = {
    "not-implemented": "signals marked unknown are not looked for yet; they widen the bounds and never count as 0",
    "max-files": "the repository has more files than are read; the report speaks of part of the tree",
    "max-bytes": "the repository has more bytes than are read; the report speaks of part of the tree",
    "max-seconds": "the time limit ended reading; the report speaks of part of the tree",
    "empty-repository": "the repository has no commit yet",
    "missing-folders": "folders of the commit are missing from this copy; the report speaks of part of the tree",
    "max-authorship": "more files are cited than authorship is asked for; findings in the others give no credit",
    "shallow-history": "the history of this copy is cut off; what was written before the cut is credited to nobody",
    "no-authorship": "an archive has no history: who wrote what is not known, the report speaks of everybody's work",
}
"""What each limit means to a reader; one that is not listed speaks for itself."""


@dataclass(frozen=True, slots=True)
class SignalReport:
    """Hold what the repository shows of one signal and what would raise it. `gain` is in levels."""

    key: str
    polarity: int
    outcome: Outcome
    grade: int | None
    remediation: str | None
    effort: str | None
    gain: float | None
    findings: tuple[Graded, ...]
    findings_total: int


@dataclass(frozen=True, slots=True)
class Quality:
    """Hold radon's figures, shown as facts; they carry no weight in a level."""

    python_files: int = 0
    sloc: int = 0
    test_sloc: int = 0
    notebooks: int = 0
    mean_complexity: float | None = None
    maintainability: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Hold the score of one repository at one commit; the fields bear the names of score-report.schema.json."""

    assessor_version: str
    framework_version: str
    source: str
    sha: str | None
    committed_at: str | None
    author: str | None
    layers: tuple[LayerScore, ...]
    signals: tuple[SignalReport, ...]
    quality: Quality
    skipped: tuple[Skipped, ...]
    limits_hit: tuple[str, ...]
    engineered: float | None = None
    schema_version: str = SCHEMA_VERSION


def best_evidence(report: Report, count: int = 3) -> list[SignalReport]:
    """Return the present signals of the highest grades; ties keep the framework's order."""
    present = [signal for signal in report.signals if signal.polarity > 0 and signal.outcome is Outcome.PRESENT]
    return sorted(present, key=lambda signal: -(signal.grade or 0))[:count]


def next_steps(report: Report, count: int = 3) -> list[SignalReport]:
    """Return the signals whose next grade adds most to a layer, the cheaper one first among equals."""
    useful = [signal for signal in report.signals if signal.remediation is not None and (signal.gain or 0) > 0]
    return sorted(useful, key=lambda signal: (-(signal.gain or 0), _EFFORTS.index(signal.effort or "high")))[:count]


def helped_layer(report: Report, told: SignalReport, framework: Framework) -> Layer:
    """Return the layer that the gain of a next step is in: held down by the signal, or raised most by its next grade."""
    for layer in report.layers:
        if told.key in layer.capped_by:
            return framework.layers[layer.id - 1]
    grades = {signal.key: signal.grade for signal in report.signals}
    held = {layer.key for layer in report.layers if layer.capped_by}
    return gaining_layer(framework, grades, framework.signals[told.key], held)


def improvable(polarity: int, outcome: Outcome, grade: int | None, cap: int | None) -> bool:
    """Tell whether a next step can be named: a higher grade that one commit can show, or a signal against to remove."""
    if outcome is Outcome.UNKNOWN:
        return False
    if polarity < 0:
        return outcome is Outcome.PRESENT
    return (grade or 0) < min(CEILING, cap if cap is not None else CEILING)


def layer_names(framework: Framework) -> dict[str, Layer]:
    """Map layer keys to layers, for the names that a reader sees."""
    return {layer.key: layer for layer in framework.layers}


def place(graded: Graded) -> str:
    """Return "path:line", with the cell of a notebook, as a reader would look it up."""
    finding = graded.finding
    if finding.path == ".":
        return "commits and tags"
    cell = f" cell {finding.cell}" if finding.cell is not None else ""
    line = f":{finding.line}" if finding.line is not None and not cell else f" line {finding.line}" if cell else ""
    return f"{finding.path}{cell}{line}"
