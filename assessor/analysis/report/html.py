"""The report as one HTML file that needs nothing else; whatever the repository wrote is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable

from assessor.analysis.report.model import Report
from assessor.analysis.report.outline import Evidence, LayerLine, outline, printable
from assessor.content.schema import Catalogue

__all__ = ["to_html"]

STYLE = """
:root { color-scheme: light dark; --accent: light-dark(#0b5c99, #6cb8f0); --quiet: light-dark(#57606a, #9aa4af);
  --line: light-dark(#d0d7de, #3a424c); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  font-variant-numeric: tabular-nums; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } .wide { overflow-x: auto; }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; } dt, small { color: var(--quiet); } dd { margin: 0; }
meter { width: 8rem; } code { overflow-wrap: anywhere; }
"""


def to_html(report: Report, catalogue: Catalogue) -> str:
    """Return the report as a page of its own, without script."""
    told = outline(report, catalogue)
    title = f"Score of {_escape(told.title)}"
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>",
        "<dl>" + "".join(f"<dt>{name}</dt><dd>{_escape(value)}</dd>" for name, value in told.facts) + "</dl>",
        _table(("#", "Layer", "Level", "", "Bounds", "Held down by"), map(_layer, told.layers)),
        "<h2>Most useful next steps</h2>",
        "<ol>",
        *(
            f"<li><strong>{_escape(step.name)}</strong> <small>+{step.gain:.1f} {_escape(step.layer)}, effort {step.effort}</small>"
            f"<br>{_escape(step.advice)}</li>"
            for step in told.steps
        ),
        "</ol>",
        "<h2>Evidence</h2>",
        _table(("Signal", "Grade", "Where", "What"), map(_evidence, told.present)),
    ]
    if told.unknown:
        parts.append(f"<p><small>Not looked for or not readable: {_escape(', '.join(told.unknown))}.</small></p>")
    if told.notes:
        parts.append("<h2>Notes</h2>\n<ul>" + "".join(f"<li>{_escape(note)}</li>" for note in told.notes) + "</ul>")
    return "\n".join(parts) + "\n</body>\n</html>\n"


def _table(heads: tuple[str, ...], rows: Iterable[str]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{"".join(rows)}</tbody></table></div>'


def _layer(layer: LayerLine) -> str:
    level = "not assessed" if layer.level is None else f"{layer.level:.1f}"
    meter = "" if layer.level is None else f'<meter min="0" max="5" value="{layer.level:.2f}">{level} of 5</meter>'
    bounds = f"{layer.bounds[0]:.1f}–{layer.bounds[1]:.1f}" if layer.bounds else ""
    return (
        f"<tr><td>{layer.id}</td><td>{_escape(layer.name)}</td><td>{level}</td><td>{meter}</td>"
        f"<td>{bounds}</td><td>{_escape(layer.held)}</td></tr>\n"
    )


def _evidence(one: Evidence) -> str:
    more = f" <small>and {one.more} more</small>" if one.more else ""
    grade = "against" if one.against else one.grade
    return (
        f"<tr><td>{_escape(one.name)}</td><td>{grade}</td><td><code>{_escape(one.place)}</code>{more}</td>"
        f"<td>{_escape(one.message)}</td></tr>\n"
    )


def _escape(text: str) -> str:
    return html.escape(printable(text))
