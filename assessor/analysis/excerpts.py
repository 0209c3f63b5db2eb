"""Cut the lines around a finding out of its file, with whatever is secret in them masked."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from assessor.analysis.facts.model import FileFacts, PythonFacts
from assessor.analysis.facts.notebook import cell_sources
from assessor.analysis.facts.python import decoded
from assessor.analysis.findings import Finding
from assessor.analysis.tree import Entry, Tree

__all__ = ["AROUND", "LINES", "WIDTH", "in_cells", "with_excerpts"]

AROUND, LINES, WIDTH = 8, 17, 200
"""Lines before and after a finding, lines in all, characters of one line (architecture.md, "Append-only truth")."""

MASKED = "… a line with a credential, not shown …"


def in_cells(findings: Iterable[Finding], facts: Mapping[str, FileFacts]) -> list[Finding]:
    """Return findings whose notebook lines are counted inside their cell; detectors count through all cells."""
    return [_in_cell(finding, facts.get(finding.path)) for finding in findings]


def _in_cell(finding: Finding, found: FileFacts | None) -> Finding:
    known = found.facts if found is not None else None
    if not isinstance(known, PythonFacts) or not known.cells or finding.line is None or finding.cell is not None:
        return finding
    place = bisect_right([first for first, _ in known.cells], finding.line) - 1
    if place < 0:
        return finding
    first, cell = known.cells[place]
    last = None if finding.end_line is None else finding.end_line - first + 1
    return replace(finding, line=finding.line - first + 1, end_line=last, cell=cell)


def with_excerpts(
    findings: Sequence[Finding], tree: Tree, entries: Mapping[str, Entry], facts: Mapping[str, FileFacts]
) -> list[Finding]:
    """Return findings with the lines around them; files are read once, only cited ones, in one go."""
    cited: dict[str, list[int]] = defaultdict(list)
    for index, finding in enumerate(findings):
        if finding.path in entries:
            cited[finding.path].append(index)
    cut = list(findings)
    for entry, data in tree.read(entries[path] for path in sorted(cited)):
        if data is None:
            continue
        hidden = {secret.line for secret in facts[entry.path].secrets} if entry.path in facts else set()
        cells = _cells(data) if entry.path.lower().endswith(".ipynb") else None
        lines = None if cells is not None else (decoded(data) or data.decode("utf-8", "replace")).split("\n")
        for index in cited[entry.path]:
            finding = cut[index]
            if (
                cells is not None
            ):  # a credential's line counts through the file, not the cell: hide nothing less than it
                source = [] if finding.cell is None or hidden else cells.get(finding.cell, [])
                cut[index] = replace(finding, excerpt=_excerpt(source, finding.line, ()))
            elif lines is not None:
                cut[index] = replace(finding, excerpt=_excerpt(lines, finding.line, hidden))
    return cut


def _cells(data: bytes) -> dict[int, list[str]]:
    # The limited child has parsed these very bytes already, so they are no danger here.
    try:
        return {number: source.split("\n") for number, source in cell_sources(json.loads(data)) or ()}
    except (ValueError, RecursionError):
        return {}


def _excerpt(lines: Sequence[str], line: int | None, hidden: Collection[int]) -> str | None:
    if not lines:
        return None
    first = max(1, (line or 1) - AROUND)
    shown = [
        MASKED if number in hidden else text.rstrip()[:WIDTH]
        for number, text in enumerate(lines[first - 1 : (line or 1) + AROUND], start=first)
    ]
    return "\n".join(shown[:LINES])
