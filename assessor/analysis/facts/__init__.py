"""Say what one file contains, computed once per blob and kept by blob id: no opinion, no knowledge of other files."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from assessor.analysis.facts import model
from assessor.analysis.facts.model import FileFacts, Skipped
from assessor.analysis.facts.notebook import read_notebook
from assessor.analysis.facts.python import read_python
from assessor.analysis.paths import Kind, kind_of

__all__ = ["EXTRACTORS", "FACTS_VERSION", "FileFacts", "Skipped", "decode", "encode", "extract", "wanted"]

FACTS_VERSION = "1"
"""Raised with every change of what extractors find or how facts are written: kept facts of another version are not read."""

EXTRACTORS: dict[Kind, Callable[[str, bytes], Any]] = {
    Kind.PYTHON: read_python,
    Kind.NOTEBOOK: read_notebook,
}

_ROWS: dict[str, tuple[type[Any], dict[str, type[Any]]]] = {
    "python": (
        model.PythonFacts,
        {
            "definitions": model.Definition,
            "calls": model.Call,
            "imports": model.Import,
            "references": model.Reference,
            "assigns": model.Assign,
            "assertions": model.Assertion,
            "handlers": model.Handler,
        },
    ),
}
"""By tag: the record, and which of its fields are lists of records."""

_TAGS = {kind: tag for tag, (kind, _) in _ROWS.items()}


def wanted(path: str) -> bool:
    """Tell whether a file of this name can give facts."""
    return kind_of(path) in EXTRACTORS


def extract(path: str, data: bytes) -> FileFacts | Skipped:
    """Return the facts of one file, or why there are none."""
    found = EXTRACTORS[kind_of(path)](path, data)
    return found if isinstance(found, Skipped) else FileFacts(found)


def encode(found: FileFacts | Skipped) -> bytes:
    """Return facts as one line of JSON: what crosses from a process that read hostile files is data and never code."""
    if isinstance(found, Skipped):
        return json.dumps(["skipped", *found]).encode()
    tag = "none" if found.facts is None else _TAGS[type(found.facts)]
    return json.dumps([tag, found.facts, found.secrets], separators=(",", ":")).encode()


def decode(line: bytes) -> FileFacts | Skipped:
    """Return what `encode` wrote. Raises ValueError, TypeError or KeyError for anything else."""
    raw = json.loads(line)
    tag = raw[0]
    if tag == "skipped":
        return Skipped(str(raw[1]), str(raw[2]))
    secrets = tuple(map(model.Secret._make, raw[2]))
    if tag == "none":
        return FileFacts(None, secrets)
    kind, rows = _ROWS[tag]
    values = dict(zip(kind._fields, raw[1], strict=True))
    for name, value in values.items():
        if name in rows:
            values[name] = tuple(map(rows[name]._make, value))
        elif name == "text":
            values[name] = model.Text._make(value)
        elif isinstance(value, list):
            values[name] = tuple(map(tuple, value)) if value and isinstance(value[0], list) else tuple(value)
    return FileFacts(kind(**values), secrets)
