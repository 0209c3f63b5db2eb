"""Put the facts of single files together: modules, names across files, commands that something runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import PurePosixPath
from typing import NamedTuple, TypeVar

from assessor.analysis.facts.model import Definition, FileFacts, PythonFacts, Secret, Skipped
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.tree import Entry

__all__ = ["Command", "Place", "Project"]

T = TypeVar("T")
HOPS = 12
"""Re-exports, aliases and bases that are followed in a row."""


class Command(NamedTuple):
    """Hold one command that a file has something run: a container, a workflow, a pipeline stage, a recipe."""

    path: str
    line: int
    text: str


class Place(NamedTuple):
    """Name one definition by its file and its index there."""

    path: str
    index: int  # type: ignore[assignment]  # tuples have a method of this name, which nobody calls here


class Project:
    """Answer what no single file tells: which file a module is, what a name stands for across files."""

    def __init__(
        self,
        entries: Sequence[Entry],
        facts: Mapping[str, FileFacts | Skipped],
        skipped: Sequence[Skipped] = (),
        tags: Sequence[str] = (),
    ) -> None:
        self.tags = tuple(tags)
        self.commits: Sequence[int] = ()
        """When commits changed code, in seconds since 1970, the newest first, as far back as anybody asked."""
        self.entries = {entry.path: entry for entry in entries}
        self.facts = {path: found for path, found in sorted(facts.items()) if isinstance(found, FileFacts)}
        self.skipped = [*skipped, *(found for found in facts.values() if isinstance(found, Skipped))]
        self.python: dict[str, PythonFacts] = self.of(PythonFacts)
        self._resolved: dict[tuple[str, str], str] = {}

    def of(self, kind: type[T]) -> dict[str, T]:
        """Return the facts of one type by path; vendored and generated files are not the project's."""
        return {
            path: found.facts
            for path, found in self.facts.items()
            if isinstance(found.facts, kind) and role_of(path) not in (Role.VENDORED, Role.GENERATED)
        }

    @cached_property
    def secrets(self) -> list[tuple[str, Secret]]:
        """Return the credentials in all files."""
        return [(path, secret) for path, found in self.facts.items() for secret in found.secrets]

    @cached_property
    def commands(self) -> list[Command]:
        """Return every command that configuration has something run."""
        return [
            Command(path, line, text)
            for path, found in self.facts.items()
            for text, line in getattr(found.facts, "commands", ())
        ]

    @cached_property
    def modules(self) -> dict[str, str]:
        """Map dotted module names to paths: as imported from the package's root, from the repository's, from beside."""
        found: dict[str, str] = {}
        packages = {str(PurePosixPath(path).parent) for path in self.python if path.endswith("__init__.py")}
        later: list[tuple[str, str]] = []
        for path in self.python:
            if kind_of(path) is not Kind.PYTHON:
                continue
            parts = list(PurePosixPath(path).with_suffix("").parts)
            if parts[-1] == "__init__":
                parts.pop()
            root = len(parts) - (0 if path.endswith("__init__.py") else 1)
            while root > 0 and "/".join(parts[:root]) in packages:
                root -= 1
            if parts[root:]:
                found.setdefault(".".join(parts[root:]), path)
            # Namespace packages, and scripts beside one another.
            later += [(".".join(parts[start:]), path) for start in range(len(parts))]
        ambiguous: dict[str, set[str]] = defaultdict(set)
        for name, path in later:
            ambiguous[name].add(path)
        for name, paths in ambiguous.items():
            if len(paths) == 1:
                found.setdefault(name, *paths)
        return found

    @cached_property
    def imported_folders(self) -> frozenset[str]:
        """Return the folders at the top without __init__.py that files import from by name: namespace packages."""
        found: set[str] = set()
        for path, known in self.python.items():
            for one in known.imports:
                first, dot, rest = one.name.partition(".")
                if (
                    dot
                    and first
                    and f"{first}/{rest.partition('.')[0]}.py" in self.python
                    and path != f"{first}/__init__.py"
                ):
                    found.add(first)
        return frozenset(found)

    @cached_property
    def _names(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for name, path in self.modules.items():  # the first name of a path is the one it is imported by
            names.setdefault(path, name)
        return names

    def module_of(self, path: str) -> str:
        """Return the dotted name of a module as its package would be imported, or its path where it has none."""
        return self._names.get(path, path)

    def resolve(self, path: str, name: str) -> str:
        """Return what a name of a file stands for in the whole project: a module of it, or a library's name."""
        key = (path, name)
        known = self._resolved.get(key)
        if known is None:
            known = self._resolved[key] = self._follow(self._absolute(path, name), HOPS)
        return known

    def definition(self, dotted: str) -> Place | None:
        """Return where a resolved name is defined in the project: a function, class or method; None for others."""
        return self._definitions.get(dotted.replace("()", ""))

    @cached_property
    def _definitions(self) -> dict[str, Place]:
        found: dict[str, Place] = {}
        for path, known in self.python.items():
            names: list[str] = []
            for index, body in enumerate(known.definitions):
                prefix = names[body.parent] if body.parent >= 0 else self.module_of(path)
                names.append(f"{prefix}.{body.name}")
                found.setdefault(names[-1], Place(path, index))
        return found

    def ancestors(self, path: str, definition: Definition) -> Iterator[str]:
        """Yield the resolved names of all bases of a class, its bases' bases in the project included."""
        waiting, seen = [(path, base) for base in definition.bases], set[str]()
        while waiting:
            where, base = waiting.pop(0)
            name = self.resolve(where, base)
            if name in seen:
                continue
            seen.add(name)
            yield name
            place = self.definition(name)
            if place is not None:
                waiting += [(place.path, further) for further in self.python[place.path].definitions[place.index].bases]

    def roles(self, *roles: Role) -> Iterable[str]:
        """Return the Python files that play one of these parts."""
        return [path for path in self.python if role_of(path) in roles]

    def _absolute(self, path: str, name: str) -> str:
        if name.startswith("~"):
            return f"{self.module_of(path)}.{name[1:]}"
        if not name.startswith("."):
            return self._beside(path, name)
        dots = len(name) - len(name.lstrip("."))
        folder = path.rpartition("/")[0]
        for _ in range(dots - 1):
            folder = folder.rpartition("/")[0]
        package = self._by_folder.get(folder)
        if package is None:
            package = folder.replace("/", ".")
        return f"{package}.{name[dots:]}".strip(".")

    @cached_property
    def _by_folder(self) -> dict[str, str]:
        """Map the folders of packages to the packages' dotted names."""
        found: dict[str, str] = {}
        for path in self.python:
            if path.endswith("__init__.py"):
                found.setdefault(path.rpartition("/")[0], self.module_of(path))
        return found

    def _beside(self, path: str, name: str) -> str:
        """Prefer a module that lies beside the file, as a script that is run finds it."""
        first = name.partition(".")[0].partition("(")[0]
        folder, slash, _ = path.rpartition("/")
        near = f"{folder}{slash}{first}.py"
        if near in self.python and near != path:
            return self.module_of(near) + name[len(first) :]
        return name

    def _follow(self, name: str, hops: int) -> str:
        """Follow a dotted name through the modules of the project to where it is defined, or out of the project."""
        module, rest = self._module_prefix(name)
        if module is None or not rest or hops == 0:
            return name
        path = self.modules[module]
        first, after = _first(rest)
        target = self._exports(path).get(first)
        if target is None:
            canonical = self.module_of(path)
            return f"{canonical}.{rest}" if canonical != module else name
        if target.startswith("?"):
            return name
        resolved = self._follow(self._absolute(path, target), hops - 1)
        return resolved + after

    def _module_prefix(self, name: str) -> tuple[str | None, str]:
        parts = name.split(".")
        for end in range(len(parts), 0, -1):
            module = ".".join(parts[:end])
            if module in self.modules:
                return module, ".".join(parts[end:])
        return None, ""

    def _exports(self, path: str) -> Mapping[str, str]:
        """Return what the names that a module binds without defining them stand for: imports and instances."""
        if path not in self._exported:
            known = self.python[path]
            defined = {body.name for body in known.definitions if body.parent == -1}
            found = {
                one.alias: one.name
                for one in known.imports
                if one.scope == -1 and one.alias not in defined and one.alias != "*"
            }
            for star in (one for one in known.imports if one.name.endswith("*")):
                place = self.modules.get(self._absolute(path, star.name.rstrip("*").rstrip(".") or "."))
                if place is not None and place != path:
                    found.update(
                        {name: f"{star.name.rstrip('*')}{name}" for name in self._public(place) if name not in found}
                    )
            for one in known.assigns:
                if one.scope == -1 and isinstance(one.value, str) and one.value.startswith("="):
                    value = one.value[1:]
                    if one.target not in defined and value not in (one.target, "~" + one.target):
                        found[one.target] = value
            self._exported[path] = found
        return self._exported[path]

    @cached_property
    def _exported(self) -> dict[str, dict[str, str]]:
        return {}

    def _public(self, path: str) -> list[str]:
        return [
            body.name for body in self.python[path].definitions if body.parent == -1 and not body.name.startswith("_")
        ]


def _first(rest: str) -> tuple[str, str]:
    for place, sign in enumerate(rest):
        if sign in ".([":
            return rest[:place], rest[place:]
    return rest, ""
