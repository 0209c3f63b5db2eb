"""The report as Markdown, for a pull request or a wiki; whatever the repository wrote is escaped."""

from __future__ import annotations

import re

from assessor.analysis.report.model import Report
from assessor.analysis.report.outline import Evidence, LayerLine, outline, printable
from assessor.content.schema import Catalogue

__all__ = ["to_markdown"]

SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~-])")


def to_markdown(report: Report, catalogue: Catalogue) -> str:
    """Return the report as Markdown with tables."""
    told = outline(report, catalogue)
    lines = [f"# Score of {_escape(told.title)}", ""]
    lines += [f"- {name}: {_escape(value)}" for name, value in told.facts]
    lines += ["", "| # | Layer | Level | Bounds | Held down by |", "|--:|---|--:|---|---|"]
    lines += [_layer(layer) for layer in told.layers]
    lines += ["", "## Most useful next steps", ""]
    lines += [
        f"1. **{_escape(step.name)}** (+{step.gain:.1f} {_escape(step.layer)}, effort {step.effort}): {_escape(step.advice)}"
        for step in told.steps
    ]
    lines += ["", "## Evidence", "", "| Signal | Grade | Where | What |", "|---|---|---|---|"]
    lines += [_evidence(one) for one in told.present]
    if told.unknown:
        lines += ["", f"Not looked for or not readable: {', '.join(map(_escape, told.unknown))}."]
    if told.notes:
        lines += ["", "## Notes", "", *(f"- {_escape(note)}" for note in told.notes)]
    return "\n".join(lines) + "\n"


def _layer(layer: LayerLine) -> str:
    level = "not assessed" if layer.level is None else f"{layer.level:.1f}"
    bounds = f"{layer.bounds[0]:.1f}–{layer.bounds[1]:.1f}" if layer.bounds else ""
    return f"| {layer.id} | {_escape(layer.name)} | {level} | {bounds} | {_escape(layer.held)} |"


def _evidence(one: Evidence) -> str:
    more = f" and {one.more} more" if one.more else ""
    grade = "against" if one.against else one.grade
    return f"| {_escape(one.name)} | {grade} | {_escape(one.place)}{more} | {_escape(one.message)} |"


def _escape(text: str) -> str:
    return SPECIAL.sub(r"\\\1", printable(text)).replace("&", "&amp;")
