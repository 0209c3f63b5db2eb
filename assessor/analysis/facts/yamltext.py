"""Read YAML of strangers with line numbers: no tags, no objects, and every cap ends the reading early."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import yaml

from assessor.analysis.facts.configuration_model import Lines
from assessor.analysis.facts.shell import logical_lines

__all__ = ["Map", "Scalar", "Seq", "Value", "as_map", "as_seq", "documents", "maps", "script", "text", "texts"]

DEPTH, DOCUMENTS, VALUES, ALIASES = 64, 500, 200_000, 1_000
"""Caps of one file; VALUES counts what remains after every alias is replaced by what it stands for."""

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Scalar(str):
    """Hold the text of a scalar as it stands, its line (from 1) and whether it was written without quotes."""

    line: int
    plain: bool
    block: bool

    def __new__(cls, value: str, line: int, plain: bool = True, block: bool = False) -> Scalar:
        made = super().__new__(cls, value)
        made.line, made.plain, made.block = line, plain, block
        return made


class Seq(list[Any]):
    """Hold a sequence and its line."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line, self.weight, self.closed = line, 1, False


class Map(dict[str, Any]):
    """Hold a mapping, its line, and the line of each key."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line, self.weight, self.closed = line, 1, False
        self.lines: dict[str, int] = {}

    def line_of(self, key: str) -> int:
        """Return the line of a key."""
        return self.lines.get(key, self.line)


Value = Scalar | Seq | Map
M = TypeVar("M", Map, Seq)


def documents(data: bytes | str) -> list[Value] | str:
    """Return the documents of a YAML file, or why it is not read."""
    try:
        return list(_Builder().built(data))
    except _Refused as refused:
        return str(refused)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        return f"YAML error, line {mark.line + 1}" if mark is not None else "YAML error"
    except RecursionError:
        return "nested too deeply"


class _Refused(Exception):
    pass


class _Builder:
    """Build values from parser events, with a stack of its own in place of recursion."""

    def __init__(self) -> None:
        self._anchors: dict[str, Value] = {}
        self._stack: list[Map | Seq] = []
        self._keys: list[Scalar | None] = []
        self._aliases = self._total = 0

    def built(self, data: bytes | str) -> Iterator[Value]:
        """Yield each document. Raises _Refused at a cap and yaml.YAMLError at broken text."""
        read = 0
        events: Iterator[Any] = yaml.parse(data, Loader=LOADER)
        for event in events:
            kind = type(event)
            done: Value | None = None
            if kind is yaml.ScalarEvent:
                style = event.style
                block = style in ("|", ">")
                done = Scalar(event.value, event.start_mark.line + 1, not style, block)
                self._anchor(event.anchor, done)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._open(event, Map if kind is yaml.MappingStartEvent else Seq)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                done = self._stack.pop()
                self._keys.pop()
                done.closed = True
            elif kind is yaml.AliasEvent:
                done = self._alias(event.anchor)
            elif kind is yaml.DocumentStartEvent:
                read += 1
                self._anchors = {}
                if read > DOCUMENTS:
                    raise _Refused(f"more than {DOCUMENTS} YAML documents")
            if done is not None:
                if self._stack:
                    self._add(done)
                else:
                    yield done

    def _open(self, event: Any, kind: type[Map] | type[Seq]) -> None:
        made = kind(event.start_mark.line + 1)
        self._anchor(event.anchor, made)
        if len(self._stack) >= DEPTH:
            raise _Refused(f"YAML nested more than {DEPTH} deep")
        self._stack.append(made)
        self._keys.append(None)

    def _anchor(self, name: str | None, value: Value) -> None:
        if name is not None:
            self._anchors[name] = value

    def _alias(self, name: str) -> Value:
        self._aliases += 1
        found = self._anchors.get(name)
        if found is None or not getattr(found, "closed", True):
            raise _Refused("a YAML alias that stands for nothing or for itself")
        if self._aliases > ALIASES:
            raise _Refused(f"more than {ALIASES} YAML aliases")
        return found

    def _add(self, done: Value) -> None:
        top = self._stack[-1]
        weight = getattr(done, "weight", 1)
        top.weight += weight
        self._total += 1
        if top.weight > VALUES or self._total > VALUES:
            raise _Refused(f"more than {VALUES} YAML values")
        if type(top) is Seq:
            top.append(done)
            return
        assert type(top) is Map
        key = self._keys[-1]
        if key is None:
            self._keys[-1] = done if isinstance(done, Scalar) else Scalar("?", top.line)
            return
        self._keys[-1] = None
        if key == "<<" and key.plain:
            _merge(top, done)
        else:
            top[key] = done
            top.lines[key] = key.line


def _merge(into: Map, value: Value) -> None:
    """Add the keys of `<<: *base` that the mapping does not have; a key that follows replaces them."""
    for base in value if isinstance(value, Seq) else [value]:
        if isinstance(base, Map):
            for key, found in base.items():
                if key not in into:
                    into[key] = found
                    into.lines[key] = base.lines[key]


def as_map(value: object) -> Map:
    """Return a mapping, empty where the value is none."""
    return value if isinstance(value, Map) else Map(0)


def as_seq(value: object) -> Seq:
    """Return a sequence, empty where the value is none."""
    return value if isinstance(value, Seq) else Seq(0)


def maps(value: object) -> Iterator[Map]:
    """Yield the mappings of a sequence, or the mapping itself."""
    for one in value if isinstance(value, Seq) else (value,):
        if isinstance(one, Map):
            yield one


def text(value: object) -> str:
    """Return the text of a scalar, "" for anything else and for null."""
    if not isinstance(value, Scalar) or (value.plain and value in ("~", "null", "Null", "NULL")):
        return ""
    return str(value)


def texts(value: object) -> list[str]:
    """Return the texts of a scalar or of a sequence of scalars, nested ones in order."""
    if isinstance(value, Seq):
        return [found for one in value for found in texts(one)]
    found = text(value)
    return [found] if found else []


def script(value: object) -> Lines:
    """Return the logical lines of a command or of a list of commands, with the line each begins at."""
    if isinstance(value, Seq):
        return tuple(found for one in value for found in script(one))
    if isinstance(value, Map):
        # A command with a colon in it that nobody quoted.
        pairs = ((f"{key}: {text(one)}", value.lines[key]) for key, one in value.items())
        return tuple(pairs)
    if not isinstance(value, Scalar):
        return ()
    return logical_lines(text(value), value.line + 1 if value.block else value.line)
