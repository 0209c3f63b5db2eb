"""Read the code cells of a notebook as one module; outputs are never looked at."""

from __future__ import annotations

import ast
import json
import re
import warnings
from typing import Any

from assessor.analysis.facts.model import PythonFacts, Skipped
from assessor.analysis.facts.python import parse_module

__all__ = ["cell_sources", "read_notebook"]

MAGIC = re.compile(r"^(\s*)(?:[%!?].*|.*\?{1,2}\s*)$")
ASSIGNED = re.compile(r"^(\s*\w[\w, ]*=\s*)[%!].*$")
FOREIGN = re.compile(r"^%%(?!time|timeit|capture|prun)")
CELLS = 5_000


def read_notebook(path: str, data: bytes) -> PythonFacts | Skipped:
    """Return the facts of all code cells, or why there are none; a cell that is not Python costs itself."""
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        return Skipped(path, "no valid JSON")
    sources = cell_sources(raw)
    if sources is None:
        return Skipped(path, "no notebook of format 3 or 4")
    lines: list[str] = []
    starts: list[tuple[int, int]] = []
    for number, source in sources:
        text = _plain(source)
        if text is not None:
            starts.append((len(lines) + 1, number))
            lines += text
    return parse_module(path, "\n".join(lines) + "\n", tuple(starts))


def cell_sources(raw: Any) -> list[tuple[int, str]] | None:
    """Return number and source of every code cell, numbers counted from 1 over all cells; None for other JSON."""
    if not isinstance(raw, dict):
        return None
    cells = raw.get("cells")
    if cells is None and isinstance(raw.get("worksheets"), list):
        cells = [cell for sheet in raw["worksheets"] if isinstance(sheet, dict) for cell in sheet.get("cells") or ()]
    if not isinstance(cells, list):
        return None
    found = []
    for number, cell in enumerate(cells[:CELLS], start=1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input", ""))
            text = "".join(map(str, source)) if isinstance(source, list) else str(source)
            found.append((number, text))
    return found


def _plain(source: str) -> list[str] | None:
    """Return a cell's lines with magics and shell commands blanked; None where the cell is no Python."""
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if FOREIGN.match(source.lstrip()):
        return None
    plain = [ASSIGNED.sub(r"\1None", line) if not MAGIC.match(line) else MAGIC.sub(r"\1pass", line) for line in lines]
    text = "\n".join(plain)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return plain
