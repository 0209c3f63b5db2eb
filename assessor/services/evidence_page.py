"""What the page of one signal shows: findings with the lines around them, why they count, what would raise them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.grading import Outcome, grade
from assessor.analysis.report.model import Report
from assessor.content.schema import Catalogue, Layer, Signal, SignalText
from assessor.models.portfolio import Analysis, AnalysisFinding
from assessor.services.grade_reasons import Reason, grade_reasons

__all__ = ["EvidencePage", "FindingView", "Line", "evidence_page", "to_finding"]

AROUND = 8
"""Lines shown before and after a finding; excerpts are stored that way."""


@dataclass(frozen=True, slots=True)
class Line:
    """Show one line of an excerpt; `cited` marks those that the finding names."""

    number: int
    text: str
    cited: bool


@dataclass(frozen=True, slots=True)
class FindingView:
    """Show one finding with its grade by today's policy, and why it has it."""

    finding: Finding
    grade: int
    reasons: tuple[Reason, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class EvidencePage:
    """Show what one analysis found for one signal, the best finding first."""

    analysis: Analysis
    signal: Signal
    text: SignalText | None
    layers: tuple[Layer, ...]
    outcome: Outcome
    grade: int | None
    gain: float | None
    findings: tuple[FindingView, ...]

    @property
    def person_id(self) -> int:
        """Return whose it is."""
        return self.analysis.repository.person_id


def evidence_page(
    catalogue: Catalogue, analysis: Analysis, report: Report, signal: Signal, rows: Sequence[AnalysisFinding]
) -> EvidencePage:
    """Put the page of a signal together from the stored report and findings."""
    told = next((one for one in report.signals if one.key == signal.key), None)
    views = [_view(to_finding(row), signal) for row in rows]
    views.sort(key=lambda view: (-view.grade, view.finding.path, view.finding.cell or 0, view.finding.line or 0))
    return EvidencePage(
        analysis=analysis,
        signal=signal,
        text=catalogue.signal_texts.get(signal.key),
        layers=tuple(
            layer for layer in catalogue.framework.layers if any(topic.key in signal.topics for topic in layer.topics)
        ),
        outcome=told.outcome if told else Outcome.UNKNOWN,
        grade=told.grade if told else None,
        gain=told.gain if told else None,
        findings=tuple(views),
    )


def to_finding(row: AnalysisFinding) -> Finding:
    """Return a stored finding as its detector made it."""
    return Finding(
        signal=row.signal,
        detector=row.detector,
        path=row.path,
        line=row.line,
        message=row.message,
        strength=Strength(row.strength),
        end_line=row.end_line,
        cell=row.cell,
        setting=Setting(row.setting),
        alive=row.alive,
        wired_by=row.wired_by,
        verified_by=row.verified_by,
        author_share=row.author_share,
        since=row.since,
        excerpt=row.excerpt,
    )


def _view(finding: Finding, signal: Signal) -> FindingView:
    first, last = finding.line or 1, finding.end_line or finding.line or 1
    start = max(1, first - AROUND)
    lines = (finding.excerpt or "").split("\n") if finding.excerpt else []
    return FindingView(
        finding,
        grade(finding, signal),
        grade_reasons(finding, signal),
        tuple(Line(start + place, text, first <= start + place <= last) for place, text in enumerate(lines)),
    )
