"""Reports made by hand: findings that earn the grades a test asks for, scored by the real policy."""

from __future__ import annotations

from collections.abc import Mapping

from assessor.analysis.findings import Finding, Strength
from assessor.analysis.grading import score_layers
from assessor.analysis.report.model import Quality, Report, SignalReport
from assessor.content.schema import Framework


def make_finding(signal: str, grade: int, path: str = "app/main.py", line: int = 12) -> Finding:
    """Return a finding of a grade from 0 to 4."""
    return Finding(
        signal,
        "by-hand",
        path,
        line,
        f"shows {signal}",
        Strength(min(grade, 2)),
        wired_by="a route" if grade >= 3 else None,
        verified_by="a test" if grade >= 4 else None,
        excerpt="\n".join(f"line {number}" for number in range(line - 8, line + 9)),
    )


def make_report(
    framework: Framework, grades: Mapping[str, int], *, author: str | None = None, sha: str = "a" * 40
) -> Report:
    """Return a report whose signals have these grades."""
    scores = score_layers(framework, {key: [make_finding(key, grade)] for key, grade in grades.items()})
    return Report(
        assessor_version="0",
        framework_version=framework.label,
        source="https://example.org/owner/name",
        sha=sha,
        committed_at="2026-03-01T10:00:00Z",
        author=author,
        layers=scores.layers,
        signals=tuple(
            SignalReport(
                score.key,
                score.polarity,
                score.outcome,
                score.grade,
                None,
                None,
                score.gain,
                score.findings,
                len(score.findings),
            )
            for score in scores.signals
        ),
        quality=Quality(),
        skipped=(),
        limits_hit=(),
    )
