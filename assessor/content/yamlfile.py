"""Read one YAML file so that every value knows its line, and collect what is wrong instead of stopping at the first."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml

__all__ = ["ContentError", "Problem", "Problems", "Value", "read_file"]

_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
T = TypeVar("T")


class Problem(NamedTuple):
    """Say what is wrong where; `file` is relative to the folder of the content, `line` counts from 1."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class ContentError(ValueError):
    """Say everything that is wrong with a folder of content."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class Problems(list[Problem]):
    """Collect what is wrong with the files of one folder."""

    def at(self, value: Value, message: str) -> None:
        """Note what is wrong with a value."""
        self.append(Problem(value.file, value.line, message))


@dataclass(frozen=True, slots=True)
class Value:
    """Hold a value of a file with its line: a scalar, a dict of str to Value, or a list of Value."""

    file: str
    line: int
    data: Any
    problems: Problems

    def fields(self, required: Collection[str], optional: Collection[str] = ()) -> dict[str, Value]:
        """Return the fields of a mapping; others, missing ones and misspelt keys are noted."""
        found: dict[str, Value] = self._as(dict, "a mapping of keys to values") or {}
        allowed = [*required, *optional]
        for key, value in found.items():
            if key not in allowed:
                near = difflib.get_close_matches(key, allowed, 1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; allowed are {', '.join(allowed)}"
                self.problems.at(value, f"unknown key {key!r}{hint}")
        for key in required:
            if key not in found:
                self.problems.at(self, f"{key!r} is missing")
        return {key: value for key, value in found.items() if key in allowed}

    def items(self) -> Iterator[tuple[str, Value]]:
        """Yield the entries of a mapping with free keys."""
        yield from (self._as(dict, "a mapping of keys to values") or {}).items()

    def list(self) -> tuple[Value, ...]:
        """Return the entries of a list."""
        return tuple(self._as(list, "a list") or ())

    def text(self) -> str:
        """Return a text that is not empty."""
        found = self._as(str, "a text")
        if found is not None and not found.strip():
            self.problems.at(self, "this text is empty")
        return (found or "").strip()

    def whole(self, low: int, high: int) -> int:
        """Return a whole number between two others."""
        return int(self.number(low, high, step=1))

    def number(self, low: float, high: float, step: float) -> float:
        """Return a number between two others, a multiple of `step`."""
        found = self.data
        fits = isinstance(found, int | float) and not isinstance(found, bool)
        if not fits or not low <= found <= high or (found - low) % step:
            self.problems.at(self, f"{found!r} must be a number from {low:g} to {high:g} in steps of {step:g}")
            return low
        return float(found)

    def flag(self) -> bool:
        """Return true or false."""
        return bool(self._as(bool, "true or false"))

    def one_of(self, allowed: Collection[str]) -> str:
        """Return a text that is one of those allowed."""
        found = self.text()
        if found and found not in allowed:
            near = difflib.get_close_matches(found, allowed, 1)
            self.problems.at(self, f"unknown {found!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return found

    def _as(self, kind: Callable[..., T], name: str) -> T | None:
        if not isinstance(self.data, kind):  # type: ignore[arg-type]
            self.problems.at(self, f"this must be {name}, not {_shown(self.data)}")
            return None
        return self.data  # type: ignore[no-any-return]


def read_file(folder: Path, path: Path, problems: Problems) -> Value:
    """Return what a file holds; what is not YAML, or repeats a key, is noted."""
    name = path.relative_to(folder.parent).as_posix()
    try:
        node = yaml.compose(path.read_bytes(), Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problems.append(Problem(name, mark.line + 1 if mark else 1, f"not YAML: {getattr(error, 'problem', error)}"))
        node = None
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(name, 1, f"cannot be read: {error.__class__.__name__}"))
        node = None
    if node is None:
        return Value(name, 1, {}, problems)
    return _value(name, node, problems, _Loader(""))


def _value(file: str, node: yaml.Node, problems: Problems, loader: Any) -> Value:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Value] = {}
        for key_node, value_node in node.value:
            key, value = str(key_node.value), _value(file, value_node, problems, loader)
            if key in found:
                problems.append(Problem(file, key_node.start_mark.line + 1, f"{key!r} stands here for the second time"))
            found[key] = Value(file, key_node.start_mark.line + 1, value.data, problems)
        return Value(file, line, found, problems)
    if isinstance(node, yaml.SequenceNode):
        return Value(file, line, [_value(file, entry, problems, loader) for entry in node.value], problems)
    return Value(file, line, loader.construct_object(node), problems)


def _shown(data: Any) -> str:
    if isinstance(data, dict):
        return "a mapping"
    return "a list" if isinstance(data, list) else repr(data)
