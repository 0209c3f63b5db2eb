"""Say which code is wired in: what leads to a place from an entry point, and which test asserts on it.

Entry points are what configuration runs (containers, workflows, pipeline stages, console commands), handlers that a
framework calls, and script bodies. Tests and examples wire nothing in; a test verifies.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator
from functools import cached_property
from pathlib import PurePosixPath
from typing import NamedTuple

from assessor.analysis.facts.model import PythonFacts
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Command, Place, Project

__all__ = ["HANDLER", "Reach", "Wiring"]

HANDLER = re.compile(
    r"(?!pytest\b|unittest\b|functools\b|typing\b|contextlib\b|dataclasses\b|abc\b).*(?:"
    r"\(\).*\.(?:get|post|put|patch|delete|head|options|route|websocket|api_route|endpoint|api|task|periodic_task|command|callback|group"
    r"|on_event|on_message|event|middleware|errorhandler|exception_handler|before_request|after_request|job|asset|op|flow|step|pipeline"
    r"|get_prompt|tool|listen|handler|subscriber|cell|function|agent|register|add|capture)(?:\(\))?"
    r"|^(?:click|typer|celery|huey|dramatiq|rq|prefect|dagster|airflow|kfp|zenml|metaflow|hydra|modal|ray|bentoml|luigi|invoke|fire"
    r"|functions_framework|azure|chalice|langchain|langchain_core|flytekit|ploomber|kedro|torch\.distributed|faust|streamlit)\..*)$"
)
"""Decorators by which a framework takes a function over."""

RUNNERS = re.compile(
    r"(?:^|[\s;&|/\"'\[,])(?:python[\d.]*|python3|ipython|uvicorn|gunicorn|hypercorn|streamlit|celery|torchrun|accelerate|deepspeed"
    r"|flask|fastapi|poetry|uv|pdm|pipenv|rye|conda|locust|daphne|horovodrun|mpirun|papermill|bentoml|litestar|prefect|dagster)\b"
)
WORD = re.compile(r"[\w./:\-=]+")


class Wiring(NamedTuple):
    """Say whether anything refers to a place, what leads to it from an entry point, and which test asserts on it."""

    alive: bool
    wired_by: str | None
    verified_by: str | None


Node = tuple[str, int]


class Reach:
    """Follow references through the project, once, from its entry points and from its tests."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._own = {path: known for path, known in project.python.items() if role_of(path) is Role.OWN}

    def of(self, path: str, scope: int | None) -> Wiring:
        """Return how a definition, or with scope -1 a module's body, is wired in."""
        if scope is None:
            return Wiring(True, None, None)
        known = self._project.python.get(path)
        if known is None:
            return Wiring(True, None, None)
        chain = list(_chain(known, scope))
        wired = next((self._wired[path, index] for index in chain[:1] if (path, index) in self._wired), None)
        alive = wired is not None or role_of(path) is not Role.OWN or (path, chain[0]) in self._alive
        verified = next(
            (self._verified[path, index] for index in chain if index >= 0 and (path, index) in self._verified), None
        )
        if verified is None and chain[0] == -1:
            verified = self._verified.get((path, -1))
        return Wiring(alive, wired, verified)

    def runs(self, command: Command) -> list[str]:
        """Return the Python files that a command runs, directly or as a module or application."""
        return [path for path, _ in self._started(command)]

    @cached_property
    def _edges(self) -> dict[Node, set[Node]]:
        edges: dict[Node, set[Node]] = defaultdict(set)
        for path, known in self._project.python.items():
            for name, scope in _mentions(known):
                for target in self._targets(path, name):
                    edges[path, scope].add(target)
            for one in known.imports:
                module = self._module(path, one.name)
                if module is not None and module != path:
                    edges[path, -1].add((module, -1))
            for index, body in enumerate(known.definitions):
                # Who has the class has its methods; who runs a function has the handlers it registers.
                if body.parent >= 0 and (known.definitions[body.parent].kind == "class" or body.decorators):
                    edges[path, body.parent].add((path, index))
        return edges

    def _targets(self, path: str, name: str) -> Iterator[Node]:
        resolved = self._project.resolve(path, name)
        place = self._project.definition(resolved)
        if place is None and "." in resolved:  # an attribute or the result of something that is defined here
            place = self._project.definition(resolved.rpartition(".")[0])
        if place is not None:
            yield place.path, place.index
            yield place.path, -1

    def _module(self, path: str, name: str) -> str | None:
        dotted = self._project.resolve(path, name)
        for _ in range(3):  # the module itself, a name in it, an attribute of that
            if dotted in self._project.modules:
                return self._project.modules[dotted]
            dotted = dotted.rpartition(".")[0]
        return None

    @cached_property
    def _wired(self) -> dict[Node, str]:
        """Map what entry points lead to, to what a reader is told; configuration comes before handlers and scripts."""
        found: dict[Node, str] = {}
        for node, reason in self._roots():
            self._spread(node, reason, found)
        return found

    def _spread(self, start: Node, reason: str, found: dict[Node, str]) -> None:
        waiting = deque([start])
        while waiting:
            node = waiting.popleft()
            if node in found or role_of(node[0]) is not Role.OWN:
                continue
            found[node] = reason
            waiting.extend(self._edges.get(node, ()))

    def _roots(self) -> Iterator[tuple[Node, str]]:
        for command in self._project.commands:
            if role_of(command.path) in (Role.OWN, Role.GENERATED):
                for path, index in self._started(command):
                    yield (path, index), f"{command.path}:{command.line} runs {path}"
        for path, name, target, line in self._console_scripts():
            module, _, function = target.partition(":")
            place = self._project.definition(self._project.resolve(path, f"{module}.{function}"))
            if place is not None:
                yield (place.path, place.index), f"the command {name}, {path}:{line}"
                yield (place.path, -1), f"the command {name}, {path}:{line}"
        for path, known in self._own.items():
            for index, body in enumerate(known.definitions):
                if any(known.definitions[place].kind != "class" for place in _chain(known, body.parent) if place >= 0):
                    continue
                handler = next(
                    (line for name, line in body.decorators if HANDLER.match(self._project.resolve(path, name))), None
                )
                if handler is not None:
                    yield (path, index), f"the handler {body.name}, {path}:{body.line}"
        imported = {
            target
            for node, targets in self._edges.items()
            for target in targets
            if target[1] == -1 and node[0] != target[0]
        }
        for path, known in self._own.items():
            if kind_of(path) is Kind.NOTEBOOK:
                continue
            if known.main_guard is not None:
                yield (path, -1), f"the script {path}:{known.main_guard}"
            elif known.script and (path, -1) not in imported:
                yield (path, -1), f"the script {path}"

    def _console_scripts(self) -> Iterator[tuple[str, str, str, int]]:
        for path, found in self._project.facts.items():
            for name, target, line in getattr(found.facts, "entry_points", ()):
                yield path, name, target, line

    def _started(self, command: Command) -> Iterator[Node]:
        if not RUNNERS.search(command.text) and ".py" not in command.text and ".ipynb" not in command.text:
            return
        seen: set[str] = set()
        for word in WORD.findall(command.text):
            path = self._file(command.path, word.partition("=")[2] or word)
            if path is not None and path not in seen:
                seen.add(path)
                yield path, -1
                module, _, name = word.partition(":")
                if name and not word.endswith(".py"):
                    place = self._project.definition(self._project.resolve(path, f"{module}.{name}".removesuffix("()")))
                    if place is not None:
                        yield place.path, place.index

    def _file(self, base: str, word: str) -> str | None:
        """Return the Python file that a word of a command names, as a path, a module or an application of one."""
        text = word.removeprefix("./").removeprefix("/")
        if text.endswith((".py", ".ipynb")):
            return self._by_suffix(base, text)
        module = text.partition(":")[0]
        if not re.fullmatch(r"[A-Za-z_]\w*(?:\.\w+)*", module):
            return None
        path = self._project.modules.get(module)
        main = self._project.modules.get(f"{module}.__main__")
        if main is not None:
            return main
        return (
            path
            if path is not None and ("." in module or ":" in text or path.count("/") <= 1) and module not in WORDS
            else None
        )

    def _by_suffix(self, base: str, text: str) -> str | None:
        near = str(PurePosixPath(base).parent / text)
        if near in self._project.python:
            return near
        if text in self._project.python:
            return text
        # A container or a job has a working folder of its own: the file is the one that the end of the path names.
        while text:
            fits = [path for path in self._project.python if path.endswith("/" + text) or path == text]
            if len(fits) == 1:
                return fits[0]
            if fits:
                folder = str(PurePosixPath(base).parent)
                inside = [path for path in fits if path.startswith(folder + "/")]
                return inside[0] if len(inside) == 1 else None
            text = text.partition("/")[2]
        return None

    @cached_property
    def _alive(self) -> set[Node]:
        """Return what a script body, a public name or an entry point leads to."""
        found: dict[Node, str] = dict(self._wired)
        for path, known in self._project.python.items():
            if role_of(path) is not Role.OWN:
                continue
            self._spread((path, -1), "", found)
            for index, body in enumerate(known.definitions):
                if body.parent == -1 and not body.name.startswith("_"):
                    self._spread((path, index), "", found)
        return set(found)

    @cached_property
    def _verified(self) -> dict[Node, str]:
        """Map definitions to the first assertion of a test that speaks of them or of what they return."""
        found: dict[Node, str] = {}
        for path, known in self._project.python.items():
            if role_of(path) is not Role.TEST:
                continue
            for one in known.assertions:
                names = [*one.subjects, *self._called_before(known, one.scope, one.line)]
                for subject in names:
                    for place in self._subjects(path, subject):
                        body = self._project.python[place.path].definitions[place.index]
                        found.setdefault((place.path, place.index), f"{path}:{one.line} asserts on {body.name}")
        for node, reason in list(found.items()):
            for target in self._edges.get(node, ()):
                if target[1] >= 0 and target[0] == node[0]:
                    found.setdefault(target, reason)
        return found

    def _called_before(self, known: PythonFacts, scope: int, line: int) -> Iterator[str]:
        """Yield the calls of a test before its assertion: what it did is what it asserts on."""
        for call in known.calls:
            if call.scope == scope and call.line <= line:
                yield call.name

    def _subjects(self, path: str, subject: str) -> Iterator[Place]:
        resolved = self._project.resolve(path, subject)
        for name in (resolved, resolved.rpartition(".")[0]):
            place = self._project.definition(name) if name else None
            if place is not None and role_of(place.path) is Role.OWN:
                yield place
                return


WORDS = frozenset(
    {"test", "tests", "run", "install", "python", "app", "build", "main", "src", "setup", "docs", "pytest", "pip"}
)


def _mentions(known: PythonFacts) -> Iterator[tuple[str, int]]:
    for call in known.calls:
        yield call.name, call.scope
    for reference in known.references:
        yield reference.name, reference.scope
    for index, body in enumerate(known.definitions):
        for name, _ in body.decorators:
            yield name, index
        for base in body.bases:
            yield base, index


def _chain(known: PythonFacts, scope: int) -> Iterator[int]:
    """Yield a scope and the ones around it, from the inside out, up to the module's body."""
    while scope >= 0:
        yield scope
        scope = known.definitions[scope].parent
    yield -1
