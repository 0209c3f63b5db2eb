"""The shape of facts: what signals may rely on. Every record is JSON-able, since it crosses a process and a cache."""

from __future__ import annotations

from typing import Any, NamedTuple

Value = str | int | float | bool | None
"""A literal of the source. A name that stands where a literal could is a string that starts with "=": "=numpy.pi"; a
variable that holds what was computed keeps its own name, "=?y_train"; a dict that has something in it is "={}". An
f-string is its text, with "{}" for what is filled in."""


class Definition(NamedTuple):
    """Describe a function or class. `parent` is the index of the enclosing definition, -1 for the module."""

    name: str
    kind: str  # "function" | "async" | "class"
    line: int
    end_line: int
    parent: int
    decorators: tuple[tuple[str, int], ...]  # (resolved name of the call or attribute, line)
    bases: tuple[str, ...]  # resolved names; classes only
    parameters: int  # without self and cls
    annotated: bool  # a parameter or the return carries an annotation
    statements: int  # statements of the body besides docstring, pass and ellipsis; 0 = an empty shell
    complexity: int  # cyclomatic, as radon counts
    named: tuple[str, ...]  # the names of the parameters, without self and cls


class Call(NamedTuple):
    """Describe one call. `scope` is the index of the enclosing definition, -1 for the module body.

    `name` is resolved through imports and simple assignments of the file:
    - "numpy.linalg.svd": through `import numpy as np`; "..data.load": through a relative import, dots kept
    - "~helper", "~Net.forward": defined in this file (also through self.method())
    - "torch.nn.Linear()()": calling an instance that was bound to a name or to self.attribute
    - "prometheus_client.Counter().inc": a method of such an instance
    - "print": a builtin; "?model.fit": the receiver is not known (a parameter, a return value), text kept
    """

    name: str
    line: int
    end_line: int
    scope: int
    arguments: tuple[Value, ...]  # positional; None also stands for an expression that is no literal and no name
    keywords: tuple[tuple[str, Value], ...]
    awaited: bool
    discarded: bool  # the value is thrown away: an expression statement


class Import(NamedTuple):
    """Describe one imported name: `import a.b as c` -> ("a.b", "c"), `from .x import y` -> (".x.y", "y")."""

    name: str
    alias: str
    line: int
    scope: int


class Reference(NamedTuple):
    """Say that a scope mentions a name in load position (resolved like Call.name): the edges that reach.py follows."""

    name: str
    line: int
    scope: int


class Assign(NamedTuple):
    """Describe a simple assignment of a literal or a name to a module, class or self attribute name."""

    target: str
    value: Value
    line: int
    scope: int


class Assertion(NamedTuple):
    """Describe an assert statement or an assertion call; `subjects` are resolved names that occur in it, none = constant."""

    line: int
    scope: int
    subjects: tuple[str, ...]


class Handler(NamedTuple):
    """Describe an except clause: what it catches and whether it does nothing, prints, logs, or raises again."""

    line: int
    scope: int
    catches: tuple[str, ...]
    action: str  # "pass" | "print" | "log" | "raise" | "other"
    guards: int  # the line of its try


class Secret(NamedTuple):
    """Describe a credential; the value never leaves the parser, `shown` is the masked form."""

    rule: str
    line: int
    shown: str


class Text(NamedTuple):
    """Count lines of a file as radon's raw figures do."""

    lines: int
    source: int  # sloc
    comments: int
    halstead_volume: float


class PythonFacts(NamedTuple):
    """Hold what one Python module or notebook says. `cells` maps a line to (cell, line in cell) for notebooks, else empty."""

    definitions: tuple[Definition, ...]
    calls: tuple[Call, ...]
    imports: tuple[Import, ...]
    references: tuple[Reference, ...]
    assigns: tuple[Assign, ...]
    assertions: tuple[Assertion, ...]
    handlers: tuple[Handler, ...]
    operations: tuple[
        tuple[str, int, int], ...
    ]  # (operator such as "@" or "softmax/", line, scope): only ones signals need
    raising: tuple[int, ...]  # indices of the definitions (-1 the module) that raise an error of their own
    named: tuple[str, ...]  # texts in dicts that name an object of a module: what dictConfig and its like are given
    main_guard: int | None  # line of `if __name__ == "__main__"`
    script: bool  # the module body does work besides imports, definitions and constants
    text: Text
    cells: tuple[tuple[int, int], ...]  # (first line, cell number), ascending


class Skipped(NamedTuple):
    """Say why a file gave no facts: "syntax error, line 3", "needs Python 3.14 syntax", "larger than 1 MB"."""

    path: str
    reason: str


class FileFacts(NamedTuple):
    """Hold what one file says: facts of its kind, None where only secrets were looked for, and the secrets in it."""

    facts: Any
    secrets: tuple[Secret, ...] = ()
