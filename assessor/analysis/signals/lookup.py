"""Look calls up by how their names begin, how they end and which keywords they give: made once, asked by many detectors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple
from weakref import WeakKeyDictionary

from assessor.analysis.facts.model import Value
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy, Pattern
from assessor.analysis.signals.sites import Code, Place, Site, code_of

__all__ = ["Decorated", "Lookup", "last_of", "lookup_of", "root_of", "texts_given"]

FIRST = Lazy(r"[~.]*(\??\w*)")


class Decorated(NamedTuple):
    """Name one definition with a resolved decorator and its line."""

    place: Place
    name: str
    line: int


def root_of(name: str) -> str:
    """Return the first name of a resolved name: the library's, or "?" and the receiver's."""
    found = FIRST.match(name)
    return found[1] if found else ""


def last_of(name: str) -> str:
    """Return the last name of a resolved name, without calls and subscripts behind it."""
    return name.rpartition(".")[2].partition("(")[0].partition("[")[0].lstrip("~?")


def texts_given(site: Site) -> list[str]:
    """Return the literal texts that a call is given, in order."""
    given: list[Value] = [*site.call.arguments, *(value for _, value in site.call.keywords)]
    return [one for one in given if isinstance(one, str) and not one.startswith("=")]


class Lookup:
    """Answer by the first name, the last name or a keyword: a detector pays for what it asks about alone."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self._names = code.by_name()

    @cached_property
    def _rooted(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name in self._names:
            found[root_of(name)].append(name)
        return dict(found)

    @cached_property
    def _ending(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name in self._names:
            found[last_of(name)].append(name)
        return dict(found)

    @cached_property
    def _keyed(self) -> dict[str, list[Site]]:
        found: dict[str, list[Site]] = defaultdict(list)
        for group in self._names.values():
            for site in group:
                for key, _ in site.call.keywords:
                    found[key].append(site)
        return dict(found)

    def rooted(self, pattern: Pattern, *roots: str) -> Iterator[Site]:
        """Yield the calls below these libraries whose whole name the pattern begins with, in order of path and line."""
        names = [name for root in roots for name in self._rooted.get(root, ()) if pattern.match(name)]
        return self._sorted(site for name in names for site in self._names[name])

    def ending(self, *lasts: str, pattern: Pattern | None = None) -> Iterator[Site]:
        """Yield the calls whose last name is one of these, in order of path and line."""
        names = [name for last in lasts for name in self._ending.get(last, ()) if not pattern or pattern.match(name)]
        return self._sorted(site for name in names for site in self._names[name])

    def keyed(self, *keys: str) -> Iterator[Site]:
        """Yield the calls that give one of these keywords, in order of path and line."""
        return self._sorted(site for key in keys for site in self._keyed.get(key, ()))

    @staticmethod
    def _sorted(sites: Iterable[Site]) -> Iterator[Site]:
        return iter(sorted(sites, key=lambda site: (site.path, site.call.line, site.name)))

    @cached_property
    def decorated(self) -> list[Decorated]:
        """Return every decorated definition of own code with what the decorator resolves to."""
        resolve = self.code.project.resolve
        return [
            Decorated(Place(path, index, body), resolve(path, name), line)
            for path, known in self.code.files.items()
            for index, body in enumerate(known.definitions)
            for name, line in body.decorators
        ]

    @cached_property
    def imported(self) -> dict[str, frozenset[str]]:
        """Map own files to the roots of what they import."""
        return {path: frozenset(root_of(one.name) for one in known.imports) for path, known in self.code.files.items()}

    @cached_property
    def constants(self) -> dict[str, tuple[str, Value]]:
        """Map resolved names that a module or class gives a value once to the path and that value."""
        found: dict[str, tuple[str, Value]] = {}
        for path, known in self.code.files.items():
            module = self.code.project.module_of(path)
            for one in known.assigns:
                if isinstance(one.value, str) and one.scope == -1:
                    found.setdefault(f"{module}.{one.target}", (path, one.value))
        return found

    def literals(self, endings: frozenset[str]) -> Iterator[tuple[Site, str]]:
        """Yield the calls that are given a text with one of these endings behind its last point, with the text."""
        for name, group in self._names.items():
            for site in group:
                for value in site.call.arguments:
                    if isinstance(value, str) and value.rpartition(".")[2] in endings and value[:1] != "=":
                        yield Site(site.path, name, site.call), value

    @cached_property
    def own(self) -> list[str]:
        """Return the paths of own Python files, without examples and documents."""
        return [path for path in self.code.files if role_of(path) is Role.OWN]


_LOOKUPS: WeakKeyDictionary[Project, Lookup] = WeakKeyDictionary()


def lookup_of(project: Project) -> Lookup:
    """Return the lookup of a project, made at the first call."""
    if project not in _LOOKUPS:
        _LOOKUPS[project] = Lookup(code_of(project))
    return _LOOKUPS[project]
