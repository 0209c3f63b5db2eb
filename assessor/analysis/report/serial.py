"""The report as JSON, by docs/score-report.schema.json, and back."""

from __future__ import annotations

import json
from typing import Any

from assessor.analysis.facts.model import Skipped
from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.grading import Graded, LayerScore, Outcome, TopicScore
from assessor.analysis.report.model import SHOWN_FINDINGS, Quality, Report, SignalReport


def to_json(report: Report) -> str:
    """Return the report as the public schema has it: equal reports give equal bytes, all of them ASCII."""
    return _dump(_report(report, stored=False))


def to_stored(report: Report) -> str:
    """Return the report with all its findings and what their grades were made of, so that they can be graded again."""
    return _dump(_report(report, stored=True))


def from_json(text: str) -> Report:
    """Return the report that `to_json` or `to_stored` wrote. Raises ValueError or KeyError where it is no such text.

    From the public form the reach, verification and excerpt of findings are not known and stay empty.
    """
    raw = json.loads(text)
    return Report(
        schema_version=raw["schema_version"],
        assessor_version=raw["assessor_version"],
        framework_version=raw["framework_version"],
        source=raw["source"],
        sha=raw["commit"]["sha"],
        committed_at=raw["commit"]["committed_at"],
        author=raw.get("author"),
        engineered=raw.get("engineered"),
        layers=tuple(_read_layer(layer) for layer in raw["layers"]),
        signals=tuple(_read_signal(signal) for signal in raw["signals"]),
        quality=Quality(**raw["quality"]),
        skipped=tuple(Skipped(item["path"], item["reason"]) for item in raw["skipped"]),
        limits_hit=tuple(raw["limits_hit"]),
    )


def _dump(raw: dict[str, Any]) -> str:
    return json.dumps(raw, indent=1, allow_nan=False) + "\n"


def _report(report: Report, *, stored: bool) -> dict[str, Any]:
    quality = report.quality
    return {
        "schema_version": report.schema_version,
        "assessor_version": report.assessor_version,
        "framework_version": report.framework_version,
        "source": report.source,
        "commit": {"sha": report.sha, "committed_at": report.committed_at},
        "author": report.author,
        "engineered": _short(report.engineered),
        "layers": [_layer(layer) for layer in report.layers],
        "signals": [_signal(signal, stored=stored) for signal in report.signals],
        "quality": {
            "python_files": quality.python_files,
            "sloc": quality.sloc,
            "test_sloc": quality.test_sloc,
            "notebooks": quality.notebooks,
            "mean_complexity": _short(quality.mean_complexity),
            "maintainability": _short(quality.maintainability),
        },
        "skipped": [{"path": item.path, "reason": item.reason} for item in report.skipped],
        "limits_hit": list(report.limits_hit),
    }


def _layer(layer: LayerScore) -> dict[str, Any]:
    raw: dict[str, Any] = {
        "id": layer.id,
        "key": layer.key,
        "level": _short(layer.level),
        "bounds": None if layer.bounds is None else [_short(bound) for bound in layer.bounds],
        "capped_by": list(layer.capped_by),
        "topics": [
            {
                "key": topic.key,
                "measurable": topic.measurable,
                "cap": topic.cap,
                "grade": topic.grade,
                "signals": list(topic.signals),
            }
            for topic in layer.topics
        ],
    }
    return raw | {"chain": list(layer.chain)} if layer.id == 6 else raw


def _signal(signal: SignalReport, *, stored: bool) -> dict[str, Any]:
    shown = signal.findings if stored else signal.findings[:SHOWN_FINDINGS]
    return {
        "key": signal.key,
        "polarity": signal.polarity,
        "outcome": signal.outcome.value,
        "grade": signal.grade,
        "remediation": signal.remediation,
        "effort": signal.effort,
        "gain": _short(signal.gain),
        "findings": [_finding(item, stored=stored) for item in shown],
        "findings_total": signal.findings_total,
    }


def _finding(graded: Graded, *, stored: bool) -> dict[str, Any]:
    finding = graded.finding
    raw: dict[str, Any] = {
        "detector": finding.detector,
        "path": finding.path,
        "line": finding.line,
        "end_line": finding.end_line,
        "cell": finding.cell,
        "grade": graded.grade,
        "message": finding.message,
        "author_share": _short(finding.author_share),
        "since": finding.since,
    }
    if stored:
        raw |= {
            "strength": finding.strength.value,
            "setting": finding.setting.value,
            "alive": finding.alive,
            "wired_by": finding.wired_by,
            "verified_by": finding.verified_by,
            "excerpt": finding.excerpt,
        }
    return raw


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _read_layer(raw: dict[str, Any]) -> LayerScore:
    bounds = raw["bounds"]
    topics = tuple(
        TopicScore(topic["key"], topic["measurable"], topic.get("cap"), topic["grade"], tuple(topic["signals"]))
        for topic in raw["topics"]
    )
    return LayerScore(
        id=raw["id"],
        key=raw["key"],
        level=raw["level"],
        bounds=None if bounds is None else (bounds[0], bounds[1]),
        capped_by=tuple(raw.get("capped_by", ())),
        topics=topics,
        chain=tuple(raw.get("chain", ())),
    )


def _read_signal(raw: dict[str, Any]) -> SignalReport:
    return SignalReport(
        key=raw["key"],
        polarity=raw["polarity"],
        outcome=Outcome(raw["outcome"]),
        grade=raw["grade"],
        remediation=raw.get("remediation"),
        effort=raw.get("effort"),
        gain=raw.get("gain"),
        findings=tuple(_read_finding(item, raw["key"]) for item in raw["findings"]),
        findings_total=raw.get("findings_total", len(raw["findings"])),
    )


def _read_finding(raw: dict[str, Any], signal: str) -> Graded:
    finding = Finding(
        signal=signal,
        detector=raw["detector"],
        path=raw["path"],
        line=raw["line"],
        message=raw["message"],
        strength=Strength(raw.get("strength", Strength.USED)),
        end_line=raw.get("end_line"),
        cell=raw.get("cell"),
        setting=Setting(raw.get("setting", Setting.CODE)),
        alive=raw.get("alive", True),
        wired_by=raw.get("wired_by"),
        verified_by=raw.get("verified_by"),
        author_share=raw.get("author_share"),
        since=raw.get("since"),
        excerpt=raw.get("excerpt"),
    )
    return Graded(finding, raw["grade"] if raw["grade"] is not None else 0)
