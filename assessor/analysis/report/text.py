"""The report for a terminal: a table with bars, the best evidence, the most useful next steps."""

from __future__ import annotations

import textwrap

from assessor.analysis.report.model import Report
from assessor.analysis.report.outline import Evidence, LayerLine, outline, printable
from assessor.content.schema import Catalogue

__all__ = ["to_text"]

BAR, TOP = 20, 5.0
EIGHTHS = " ▏▎▍▌▋▊▉"


def to_text(report: Report, catalogue: Catalogue, width: int = 100) -> str:
    """Return the report as lines of at most `width` columns; text of the repository cannot move the cursor."""
    told = outline(report, catalogue)
    lines = [told.title, *(f"  {name:<10} {value}" for name, value in told.facts), ""]
    lines += [f"  {'Layer':<34}{'Level':>5}  {'0   1   2   3   4   5':<{BAR + 4}}Bounds"]
    lines += [_layer(layer) for layer in told.layers]
    lines += ["", "Best evidence"]
    lines += [line for one in told.best for line in _evidence(one, width)] or ["  Nothing was found yet."]
    lines += ["", "Most useful next steps"]
    for step in told.steps:
        lines.append(f"  {step.name}: +{step.gain:.1f} {step.layer}, effort {step.effort}")
        lines += textwrap.wrap(step.advice, width - 6, initial_indent="    ", subsequent_indent="    ")
    lines += [] if told.steps else ["  None: every signal that is looked for stands at its ceiling."]
    against = [one for one in told.present if one.against]
    if against:
        lines += ["", "Holding levels down", *(line for one in against for line in _evidence(one, width))]
    if told.unknown:
        lines += [
            "",
            f"{len(told.unknown)} of {len(report.signals)} signals could not be looked for and count neither way.",
        ]
    lines += [line for note in told.notes for line in textwrap.wrap(f"Note: {note}", width, subsequent_indent="  ")]
    return "\n".join(map(printable, lines)) + "\n"


def _layer(layer: LayerLine) -> str:
    head = f"  {layer.id:>2} {layer.name:<31}"
    if layer.level is None:
        return f"{head}{'–':>5}  not assessed"
    filled = layer.level / TOP * BAR
    bar = "█" * int(filled) + (EIGHTHS[int(filled % 1 * 8)] if filled < BAR else "")
    bounds = f"{layer.bounds[0]:.1f}–{layer.bounds[1]:.1f}" if layer.bounds else ""
    held = f"  held down by: {layer.held}" if layer.held else ""
    return f"{head}{layer.level:>5.1f}  {bar.strip().ljust(BAR, '·')}    {bounds}{held}"


def _evidence(one: Evidence, width: int) -> list[str]:
    more = f"  and {one.more} more" if one.more else ""
    grade = "" if one.against else f" ({one.grade})"
    return [f"  {one.name}{grade}: {one.message}"[:width], f"    {one.place}{more}"]
