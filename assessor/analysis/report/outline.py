"""What a reader of a report is told, in which order and words; text, Markdown and HTML differ in signs alone."""

from __future__ import annotations

from dataclasses import dataclass

from assessor.analysis.grading import GRADE_NAMES, NOTEBOOKS_ONLY, TESTS_ONLY, Graded, Outcome
from assessor.analysis.report.model import LIMITS, Report, SignalReport, best_evidence, helped_layer, next_steps, place
from assessor.content.schema import Catalogue

__all__ = ["Evidence", "LayerLine", "Outline", "Step", "outline", "printable"]

RULES = {NOTEBOOKS_ONLY: "notebooks only", TESTS_ONLY: "tests and examples only"}
SHOWN_SKIPPED = 10


@dataclass(frozen=True, slots=True)
class LayerLine:
    """Hold one layer: its level is None where it could not be assessed."""

    id: int
    name: str
    level: float | None
    bounds: tuple[float, float] | None
    held: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Hold one signal that is there, with the places that show it best."""

    name: str
    grade: str
    against: bool
    message: str
    place: str
    more: int


@dataclass(frozen=True, slots=True)
class Step:
    """Hold one next step; `gain` is in levels of `layer`."""

    name: str
    advice: str
    effort: str
    gain: float
    layer: str


@dataclass(frozen=True, slots=True)
class Outline:
    """Hold the report as a reader meets it."""

    title: str
    facts: tuple[tuple[str, str], ...]
    layers: tuple[LayerLine, ...]
    best: tuple[Evidence, ...]
    steps: tuple[Step, ...]
    present: tuple[Evidence, ...]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]


def printable(text: str) -> str:
    """Return text without signs that move a cursor, turn the direction of writing or hide: repositories may hold any."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)


def outline(report: Report, catalogue: Catalogue) -> Outline:
    """Put a report into words."""
    found = [signal for signal in report.signals if signal.outcome is Outcome.PRESENT and signal.findings]
    return Outline(
        title=report.source,
        facts=tuple(_facts(report)),
        layers=tuple(
            LayerLine(
                layer.id,
                catalogue.framework.layers[layer.id - 1].name,
                layer.level,
                layer.bounds,
                ", ".join(RULES.get(rule) or _name(rule, catalogue) for rule in layer.capped_by),
            )
            for layer in report.layers
        ),
        best=tuple(_evidence(signal, catalogue) for signal in best_evidence(report) if signal.findings),
        steps=tuple(_step(signal, report, catalogue) for signal in next_steps(report)),
        present=tuple(_evidence(signal, catalogue) for signal in found),
        unknown=tuple(_name(one.key, catalogue) for one in report.signals if one.outcome is Outcome.UNKNOWN),
        notes=tuple(_notes(report)),
    )


def _facts(report: Report) -> list[tuple[str, str]]:
    quality = report.quality
    commit = (
        f"{report.sha[:12]} of {(report.committed_at or '')[:10]}".removesuffix(" of ") if report.sha else "none yet"
    )
    modules = f"{quality.python_files:,} modules, {quality.sloc:,} lines of source, {quality.test_sloc:,} of tests"
    return [
        ("Commit", commit),
        ("Work of", report.author or "everybody"),
        ("Python", modules + (f", {quality.notebooks:,} notebooks" if quality.notebooks else "")),
        ("Framework", f"{report.framework_version}, Assessor {report.assessor_version}"),
    ]


def _evidence(signal: SignalReport, catalogue: Catalogue) -> Evidence:
    first: Graded = signal.findings[0]
    return Evidence(
        name=_name(signal.key, catalogue),
        grade=f"{signal.grade} {GRADE_NAMES[signal.grade or 0]}",
        against=signal.polarity < 0,
        message=first.finding.message,
        place=place(first),
        more=signal.findings_total - 1,
    )


def _step(signal: SignalReport, report: Report, catalogue: Catalogue) -> Step:
    layer = helped_layer(report, signal, catalogue.framework)
    return Step(
        _name(signal.key, catalogue),
        signal.remediation or "",
        signal.effort or "medium",
        signal.gain or 0.0,
        layer.name,
    )


def _name(key: str, catalogue: Catalogue) -> str:
    text = catalogue.signal_texts.get(key)
    return text.name if text is not None else key


def _notes(report: Report) -> list[str]:
    notes = [f"{limit}: {LIMITS[limit]}" if limit in LIMITS else limit for limit in report.limits_hit]
    notes += [f"skipped {one.path}: {one.reason}" for one in report.skipped[:SHOWN_SKIPPED]]
    more = len(report.skipped) - SHOWN_SKIPPED
    return notes + ([f"and {more} more files were skipped; the JSON report lists all"] if more > 0 else [])
