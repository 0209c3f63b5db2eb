"""Engineering practice: tests that assert something about the project's own code."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property

from assessor.analysis.facts.model import Assertion, PythonFacts
from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project
from assessor.analysis.reach import Reach
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.runs import test_run

__all__ = ["asserting_line", "unit_tests"]

CONSTANT = frozenset(
    {"sum", "len", "str.startswith", "int", "float", "str", "list", "dict", "set", "range", "isinstance", "type"}
)
SETUP = Lazy(r"(?:async)?set_?up(?:_?class|_method|_module|_testdata)?$", re.IGNORECASE)


def unit_tests(project: Project, _reach: Reach) -> Iterator[Finding]:
    """Find test functions that assert something about the project's own code.

    Bad: `def test_truth(): assert 1 + 1 == 2`. Good: `def test_split(): assert split([1, 2]) == ([1], [2])`.
    """
    run = test_run(project)
    paths = [path for path in project.python if role_of(path) is Role.TEST and kind_of(path) is Kind.PYTHON]
    files = {path: _TestFile(project, path) for path in paths}
    for path, file in files.items():
        fixtures = _fixtures(path, files)
        for index in file.tests():
            body = file.known.definitions[index]
            line = file.asserted_line(index, fixtures)
            if line is not None:
                yield Finding(
                    "unit-tests",
                    "test-function",
                    path,
                    line,
                    f"{body.name}() asserts on the project's code",
                    Strength.USED,
                    body.end_line,
                    setting=Setting.TEST,
                    wired_by=run.wired_by if run else None,
                    verified_by=run.verified_by if run else None,
                )
            elif body.statements == 0:
                empty = f"{body.name}() is empty"
                yield Finding(
                    "unit-tests", "empty-test", path, body.line, empty, Strength.MENTIONED, setting=Setting.TEST
                )


def asserting_line(project: Project, path: str, index: int) -> int | None:
    """Return the line where a test asserts on the project's code, None where it does not; fixtures of its own file count."""
    file = _TestFile(project, path)
    return file.asserted_line(index, file.own_fixtures)


def _fixtures(path: str, files: dict[str, _TestFile]) -> set[str]:
    """Return the fixtures that lead to the project's code: of this file and of every conftest.py above it."""
    found: set[str] = set()
    for where, file in files.items():
        folder = where.rpartition("/")[0]
        above = where.endswith("conftest.py") and (not folder or path.startswith(folder + "/"))
        if where == path or above:
            found |= file.own_fixtures
    return found


class _TestFile:
    """Answer what in one file of tests leads to the project's own code; everything is followed once."""

    def __init__(self, project: Project, path: str) -> None:
        self._project, self._path = project, path
        self.known: PythonFacts = project.python[path]

    def tests(self) -> Iterator[int]:
        """Yield the indices of what a runner takes for tests."""
        definitions = self.known.definitions
        called = {call.name for call in self.known.calls}
        for index, body in enumerate(definitions):
            if body.kind == "class" or not body.name.startswith("test"):
                continue
            if body.parent == -1:
                # A runner calls tests; what the file itself calls is a step of a script.
                if f"~{body.name}" not in called:
                    yield index
                continue
            parent = definitions[body.parent]
            if parent.kind == "class" and (
                parent.name.startswith("Test") or any("Test" in base for base in parent.bases)
            ):
                yield index

    def asserted_line(self, index: int, fixtures: set[str]) -> int | None:
        """Return the line of the first assertion of a test that speaks of the project, None where there is none."""
        scopes = self._with_helpers(index)
        called = [name for scope in scopes for name in self._calls[scope]]
        leads = any(self._leads(name) for name in called)
        leads = leads or any(name.startswith("?") and _first(name[1:]) in fixtures for name in called)
        for one in self.known.assertions:
            if one.scope in scopes and self._speaks(one, leads):
                return one.line
        return None

    def _with_helpers(self, index: int) -> set[int]:
        """Return the scopes of a test and of the helpers of this file that it calls: they may assert for it."""
        found, waiting = set[int](), {index}
        while waiting:
            scopes = {scope for one in waiting for scope in self._inside[one]} - found
            found |= scopes
            names = {name for scope in scopes for name in self._calls[scope] if name.startswith("~")}
            helpers = {place for name in names for place in self._named(name)}
            waiting = {place for place in helpers if self.known.definitions[place].kind != "class"} - found
        return found

    @cached_property
    def own_fixtures(self) -> set[str]:
        """Return the names of the fixtures here that lead to the project's code."""
        return {
            body.name
            for index, body in enumerate(self.known.definitions)
            if index in self._leading and any("fixture" in name for name, _ in body.decorators)
        }

    def _speaks(self, one: Assertion, leads: bool) -> bool:
        if any(self._leads(subject) for subject in one.subjects):
            return True
        return leads and not (one.subjects and all(subject in CONSTANT for subject in one.subjects))

    def _leads(self, name: str) -> bool:
        """Tell whether a resolved name is the project's, or a helper of this file that comes to it."""
        if name.startswith("~"):
            return any(index in self._leading for index in self._named(name))
        return self._is_own(name)

    def _is_own(self, name: str) -> bool:
        if name.startswith("?"):
            return False
        plain = name.partition("(")[0]
        if any(plain.startswith(one + ".") or name.startswith(one + "(") for one in self._imported):
            return True
        if plain in self._imported:  # that a module could be imported says nothing about what it does
            return self._project.resolve(self._path, plain) not in self._project.modules
        resolved = self._project.resolve(self._path, name)
        place = self._project.definition(resolved) or self._project.definition(resolved.rpartition(".")[0])
        return place is not None and role_of(place.path) in (Role.OWN, Role.EXAMPLE)

    @cached_property
    def _imported(self) -> set[str]:
        """Return what is imported from the project, as the file's names resolve to it."""
        found = set()
        for one in self.known.imports:
            resolved = self._project.resolve(self._path, one.name)
            # An object that a module of the project makes, such as its application, resolves to the library's class.
            if self._project.definition(resolved) is not None or any(map(self._is_own_module, (resolved, one.name))):
                found.add(one.name)
        return found

    def _is_own_module(self, dotted: str) -> bool:
        modules = self._project.modules
        target = modules.get(dotted) or modules.get(dotted.rpartition(".")[0])
        return target is not None and role_of(target) in (Role.OWN, Role.EXAMPLE)

    @cached_property
    def _calls(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = defaultdict(list)
        for call in self.known.calls:
            found[call.scope].append(call.name)
        return found

    @cached_property
    def _inside(self) -> dict[int, set[int]]:
        """Map a definition to itself and the functions in it."""
        found = {index: {index} for index in range(len(self.known.definitions))}
        for index in reversed(range(len(self.known.definitions))):
            parent = self.known.definitions[index].parent
            if parent >= 0:
                found[parent] |= found[index]
        return found

    @cached_property
    def _by_name(self) -> dict[str, int]:
        names: list[str] = []
        found: dict[str, int] = {}
        for index, body in enumerate(self.known.definitions):
            names.append(f"{names[body.parent]}.{body.name}" if body.parent >= 0 else body.name)
            found.setdefault(names[-1], index)
        return found

    def _named(self, name: str) -> set[int]:
        """Return the definitions that a name of this file stands for; an instance stands for its class' preparations."""
        parts = name[1:].replace("()", "").replace("[]", "").split(".")
        for end in range(len(parts), 0, -1):
            index = self._by_name.get(".".join(parts[:end]))
            if index is None:
                continue
            if self.known.definitions[index].kind != "class":
                return {index}
            inherited = self._inherited(index, parts[end]) if end < len(parts) else None
            if inherited is not None:
                return {inherited}
            return {
                place
                for place, body in enumerate(self.known.definitions)
                if body.parent == index and (end == len(parts) or SETUP.match(body.name) or body.name == "__init__")
            }
        return set()

    def _inherited(self, index: int, method: str) -> int | None:
        """Return a method of a class' bases in this file."""
        waiting, seen = [index], set[int]()
        while waiting:
            place = waiting.pop()
            seen.add(place)
            for base in self.known.definitions[place].bases:
                parent = self._by_name.get(base.removeprefix("~"))
                if parent is None or parent in seen:
                    continue
                found = self._by_name.get(f"{base.removeprefix('~')}.{method}")
                if found is not None:
                    return found
                waiting.append(parent)
        return None

    @cached_property
    def _leading(self) -> set[int]:
        """Return the definitions that lead to the project's code, through helpers and fixtures of this file too."""
        names = {
            index: {name for scope in self._inside[index] for name in self._calls[scope]}
            | {one.name for one in self.known.references if one.scope == index}
            for index in range(len(self.known.definitions))
        }
        leading = {index for index, used in names.items() if any(map(self._is_own, used))}
        while True:
            fixtures = {self.known.definitions[index].name for index in leading}
            more = {
                index
                for index, used in names.items()
                if index not in leading
                and any(
                    (name.startswith("~") and self._named(name) & leading)
                    or (name.startswith("?") and _first(name[1:]) in fixtures)
                    for name in used
                )
            }
            if not more:
                return leading
            leading |= more


def _first(text: str) -> str:
    return re.split(r"[.(\[]", text, maxsplit=1)[0]
