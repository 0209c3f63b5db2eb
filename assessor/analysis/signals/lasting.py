"""Layer 10: work that went on."""

from __future__ import annotations

from collections.abc import Iterator

from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project

__all__ = ["ENOUGH_COMMITS", "ENOUGH_SECONDS", "TAGS", "is_code", "maintained"]

ENOUGH_COMMITS, TAGS = 20, 2
ENOUGH_SECONDS = 89 * 86_400
"""Three months, the shortest that there are."""

CODE = frozenset({Kind.PYTHON, Kind.NOTEBOOK, Kind.SOURCE, Kind.SHELL})


def is_code(path: str) -> bool:
    """Tell whether a change of this path changes code."""
    return kind_of(path) in CODE and role_of(path) not in (Role.VENDORED, Role.GENERATED)


def maintained(project: Project) -> Iterator[Finding]:
    """Find twenty or more commits that change code over three or more months, and two or more tags.

    Bad: fifty commits in one week. Good: a commit a week for half a year, and tags v1.0 and v1.1.
    """
    if not project.commits or len(project.tags) < TAGS:
        return
    days = (max(project.commits) - min(project.commits)) // 86_400
    enough = len(project.commits) >= ENOUGH_COMMITS and days * 86_400 >= ENOUGH_SECONDS
    message = (
        f"the last {len(project.commits)} commits that change code span {days} days, with {len(project.tags)} tags"
    )
    strength = Strength.USED if enough else Strength.DECLARED
    yield Finding("maintained", "history", ".", None, message, strength, setting=Setting.HISTORY)
