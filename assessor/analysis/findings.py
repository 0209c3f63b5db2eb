"""What a detector says about one place in a repository: facts alone, the grade is policy (grading.py)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Strength(IntEnum):
    """Say how a thing stands in the code before reach and verification are looked at (evidence.md, grades 0 to 2)."""

    MENTIONED = 0
    DECLARED = 1
    USED = 2


class Setting(StrEnum):
    """Say in what kind of file a finding lies; rules such as notebooks-only read it."""

    CODE = "code"
    NOTEBOOK = "notebook"
    TEST = "test"
    EXAMPLE = "example"
    CONFIGURATION = "configuration"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class Finding:
    """Locate one piece of evidence for or against a signal.

    `line` counts from 1, inside the cell when `cell` is given; it is None only for a fact about a whole file or, with
    path ".", about commits and tags. `scope` is the index of the enclosing definition in the file's Python facts (-1 the
    module body, None where there is none): reach.py reads it to fill `wired_by` and `verified_by`, the sentences that
    say what reaches the place and what checks it ("route GET /predict, app.py:12"). A detector that knows better, for
    example a CI step, fills them itself. `alive` is False for code that nothing refers to.
    """

    signal: str
    detector: str
    path: str
    line: int | None
    message: str
    strength: Strength = Strength.USED
    end_line: int | None = None
    cell: int | None = None
    scope: int | None = None
    setting: Setting = Setting.CODE
    alive: bool = True
    wired_by: str | None = None
    verified_by: str | None = None
    author_share: float | None = None
    since: str | None = None
    excerpt: str | None = None
