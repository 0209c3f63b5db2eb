"""Engineering practice: tests that assert on the project's code, annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.facts.model import PythonFacts
from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project
from assessor.analysis.reach import Reach
from assessor.analysis.signals.runs import test_run

ENOUGH_FUNCTIONS, HABIT = 3, 0.4


def unit_tests(project: Project, _reach: Reach) -> Iterator[Finding]:
    """Find test functions that assert something about the project's own code.

    Bad: `def test_truth(): assert 1 + 1 == 2`. Good: `def test_split(): assert split([1, 2]) == ([1], [2])`.
    """
    run = test_run(project)
    for path, known in project.python.items():
        if role_of(path) is not Role.TEST or kind_of(path) is not Kind.PYTHON:
            continue
        own = _own_names(project, path, known)
        for index, body in enumerate(known.definitions):
            if not _is_test(known, index):
                continue
            lines = _asserts_on_own_code(project, path, known, index, own)
            if lines:
                yield Finding(
                    "unit-tests",
                    "test-function",
                    path,
                    lines[0],
                    f"{body.name}() asserts on the project's code",
                    Strength.USED,
                    body.end_line,
                    setting=Setting.TEST,
                    wired_by=run.wired_by if run else None,
                    verified_by=run.verified_by if run else None,
                )
            elif body.statements == 0:
                yield Finding(
                    "unit-tests", "empty-test", path, body.line, f"{body.name}() is empty", Strength.MENTIONED, setting=Setting.TEST
                )


def _is_test(known: PythonFacts, index: int) -> bool:
    body = known.definitions[index]
    if body.kind == "class" or not re.match(r"test", body.name, re.IGNORECASE):
        return False
    if body.parent == -1:
        return body.name.startswith("test")
    parent = known.definitions[body.parent]
    return parent.kind == "class" and (parent.name.startswith("Test") or any("Test" in base for base in parent.bases))


def _own_names(project: Project, path: str, known: PythonFacts) -> set[str]:
    """Return the names that a test file imports from the project, as the file writes them after resolution."""
    found = set()
    for one in known.imports:
        resolved = project.resolve(path, one.name)
        if project.definition(resolved) is not None or _is_own_module(project, resolved):
            found.add(one.name)
    return found


def _is_own_module(project: Project, dotted: str) -> bool:
    target = project.modules.get(dotted) or project.modules.get(dotted.rpartition(".")[0])
    return target is not None and role_of(target) in (Role.OWN, Role.EXAMPLE)


def _asserts_on_own_code(
    project: Project, path: str, known: PythonFacts, index: int, own: set[str]
) -> list[int]:
    scopes = {index} | {place for place, body in enumerate(known.definitions) if body.parent == index}
    lines = []
    fixtures = _fixtures(project, path)
    for one in known.assertions:
        if one.scope not in scopes:
            continue
        if any(_reaches_own(project, path, subject, own) for subject in one.subjects):
            lines.append(one.line)
            continue
        called = [call.name for call in known.calls if call.scope in scopes and call.line <= max(one.line, known.definitions[index].end_line)]
        names = [name for name in (*called, *one.subjects)]
        helped = any(_reaches_own(project, path, name, own) or _through_helper(project, path, known, name, own) for name in names)
        if not helped and fixtures and known.definitions[index].parameters and one.subjects is not None:
            helped = any(name.startswith("?") and name[1:].partition(".")[0].partition("(")[0] in fixtures for name in called)
            helped = helped or any(reference in fixtures for reference in _parameters_used(known, scopes, fixtures))
        if helped and (one.subjects or any(not name.startswith("?assert") for name in called)) and not _constant(one.subjects, called, own, project, path):
            lines.append(one.line)
    return lines


def _constant(subjects: tuple[str, ...], called: list[str], own: set[str], project: Project, path: str) -> bool:
    """Tell whether an assertion speaks of nothing but builtins while no call of the test is the project's."""
    return bool(subjects) and all(subject in BUILTIN_SUBJECTS for subject in subjects) and not any(
        _reaches_own(project, path, name, own) for name in called
    )


BUILTIN_SUBJECTS = frozenset({"sum", "len", "str.startswith", "int", "float", "str", "list", "dict", "set", "range", "True", "False"})


def _reaches_own(project: Project, path: str, name: str, own: set[str]) -> bool:
    if name.startswith(("?", "~")):
        return False
    plain = name.partition("(")[0]
    if any(plain == one or plain.startswith(one + ".") or plain.startswith(one + "(") for one in own):
        return True
    resolved = project.resolve(path, name)
    place = project.definition(resolved) or project.definition(resolved.rpartition(".")[0])
    return place is not None and role_of(place.path) in (Role.OWN, Role.EXAMPLE)


def _through_helper(project: Project, path: str, known: PythonFacts, name: str, own: set[str], depth: int = 3) -> bool:
    """Follow a helper, a fixture's class or setUp of the same file to the project's code."""
    if not name.startswith("~") or depth == 0:
        return False
    first = name[1:].replace("()", "").split(".")
    for index, body in enumerate(known.definitions):
        if body.name == first[-1] or body.name == first[0]:
            inside = {index} | {place for place, one in enumerate(known.definitions) if one.parent == index}
            for call in known.calls:
                if call.scope in inside and (
                    _reaches_own(project, path, call.name, own)
                    or (call.name != name and _through_helper(project, path, known, call.name, own, depth - 1))
                ):
                    return True
    return False


def _fixtures(project: Project, path: str) -> set[str]:
    """Return the fixtures of a test file and its conftest files that reach the project's code."""
    found = set()
    for where, known in project.python.items():
        folder = where.rpartition("/")[0]
        if where != path and not (where.endswith("conftest.py") and (not folder or path.startswith(folder + "/"))):
            continue
        own = _own_names(project, where, known)
        for index, body in enumerate(known.definitions):
            if any("fixture" in name for name, _ in body.decorators):
                inside = [call.name for call in known.calls if call.scope == index]
                names = inside + [one.name for one in known.references if one.scope == index]
                if any(_reaches_own(project, where, name, own) or _through_helper(project, where, known, name, own) for name in names):
                    found.add(body.name)
    # A fixture that is made of another one reaches what that one does.
    return found


def _parameters_used(known: PythonFacts, scopes: set[int], fixtures: set[str]) -> set[str]:
    return {
        call.name[1:].partition(".")[0].partition("(")[0]
        for call in known.calls
        if call.scope in scopes and call.name.startswith("?")
    } & fixtures


def type_hints(project: Project) -> Iterator[Finding]:
    """Find out whether at least 40% of the own functions, three or more, are annotated.

    Bad: one annotated helper among ten functions. Good: `def daily(rate: float) -> float` as the habit.
    """
    total, annotated, first = 0, 0, None
    for path, known in project.python.items():
        if role_of(path) is not Role.OWN or kind_of(path) is not Kind.PYTHON:
            continue
        for body in known.definitions:
            if body.kind == "class" or (not body.parameters and not body.annotated and body.name.startswith("__")):
                continue
            total += 1
            if body.annotated:
                annotated += 1
                first = first or (path, body)
    if first is None:
        return
    path, body = first
    share = annotated / total
    enough = total >= ENOUGH_FUNCTIONS and annotated >= ENOUGH_FUNCTIONS - 1 and share >= HABIT
    yield Finding(
        "type-hints",
        "annotated-share",
        path,
        body.line,
        f"{annotated} of {total} own functions are annotated ({share:.0%}), the first here",
        Strength.USED if enough else Strength.DECLARED,
    )
