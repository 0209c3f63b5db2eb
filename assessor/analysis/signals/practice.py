"""Engineering practice: type hints as a habit of the project."""

from __future__ import annotations

from collections.abc import Iterator

from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project

ENOUGH_FUNCTIONS, HABIT = 3, 0.4


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
