"""Find names of own code by what they begin with, end with, or are given: one index for many detectors."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple
from weakref import WeakKeyDictionary

from assessor.analysis.facts.model import Call, Value
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy, Pattern
from assessor.analysis.signals.sites import Code, Place, Site, at_call, at_place, code_of

__all__ = ["Decorated", "Idiom", "Lookup", "idioms", "last_of", "library_calls", "lookup_of", "root_of"]

LIBRARIES = Lazy(r"\(\?:([\w|]+)\)\\|(\w+)")
FIRST = Lazy(r"\w+")


class Decorated(NamedTuple):
    """Name a function or class with one of its decorators, resolved across files."""

    place: Place
    name: str
    line: int


class Idiom(NamedTuple):
    """Say what calls of one library mean: `pattern` is matched against the whole resolved name."""

    detector: str
    pattern: Pattern
    message: str
    strength: Strength = Strength.USED
    when: Callable[[Call], bool] | None = None


def root_of(name: str) -> str:
    """Return the first part of a resolved name: the library, or the builtin."""
    found = FIRST.match(name)
    return found[0] if found else ""


def last_of(name: str) -> str:
    """Return the last part of a resolved name, without the calls and subscripts behind it."""
    return name.rstrip("()[]").rpartition(".")[2]


class Lookup:
    """Index the distinct resolved names of a project's own calls, decorators and keywords, each at the first question."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.code: Code = code_of(project)

    @cached_property
    def _by_root(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name in self.code.names():
            found[root_of(name)].append(name)
        return found

    @cached_property
    def _by_last(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name in self.code.names():
            found[last_of(name)].append(name)
        return found

    @cached_property
    def _by_keyword(self) -> dict[str, list[tuple[Site, Value]]]:
        found: dict[str, list[tuple[Site, Value]]] = defaultdict(list)
        for path, known in self.code.files.items():
            for call in known.calls:
                for keyword, value in call.keywords:
                    found[keyword].append((Site(path, call.name, call), value))
        return found

    @cached_property
    def _decorated(self) -> list[Decorated]:
        resolve = self.project.resolve
        return [
            Decorated(place, resolve(place.path, name), line)
            for place in (*self.code.functions(), *self.code.classes())
            for name, line in place.definition.decorators
        ]

    @cached_property
    def imported(self) -> dict[str, set[str]]:
        """Map libraries, by the first part of their names, to the own files that import them."""
        found: dict[str, set[str]] = defaultdict(set)
        for path, known in self.code.files.items():
            for one in known.imports:
                found[root_of(one.name)].add(path)
        return found

    def under(self, roots: Iterable[str]) -> Iterator[str]:
        """Yield the distinct names that begin with one of these libraries, in a fixed order."""
        for root in roots:
            yield from self._by_root.get(root, ())

    def ending(self, *lasts: str) -> Iterator[Site]:
        """Yield the calls whose name ends with one of these, in order of path and line."""
        sites = [site for last in lasts for name in self._by_last.get(last, ()) for site in self.code.named(name)]
        yield from sorted(sites, key=_place)

    def lasts(self, pattern: Pattern) -> Iterator[Site]:
        """Yield the calls the last part of whose name the pattern finds, in order of path and line."""
        names = [name for last, group in self._by_last.items() if pattern.search(last) for name in group]
        yield from sorted((site for name in names for site in self.code.named(name)), key=_place)

    def given(self, *keywords: str) -> Iterator[tuple[Site, Value]]:
        """Yield the calls that are given one of these keywords, with its value, in order of path and line."""
        found = [one for keyword in keywords for one in self._by_keyword.get(keyword, ())]
        for site, value in sorted(found, key=lambda one: _place(one[0])):
            yield site._replace(name=self.project.resolve(site.path, site.name)), value

    def decorated(self, pattern: Pattern) -> Iterator[Decorated]:
        """Yield the functions and classes with a decorator whose resolved name the pattern matches."""
        return (one for one in self._decorated if pattern.match(one.name))

    def by_decorator(self, table: dict[str, list[Idiom]]) -> Iterator[tuple[Idiom, Decorated]]:
        """Yield the functions and classes with a decorator that an idiom of the table fits."""
        for one in self._decorated:
            for row in table.get(root_of(one.name), ()):
                if row.when is None and row.pattern.match(one.name):
                    yield row, one
                    break

    @cached_property
    def _functions(self) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = defaultdict(list)
        for place in self.code.functions():
            if place.definition.statements:
                found[place.definition.name].append(place)
        return found

    def functions(self, pattern: Pattern) -> Iterator[Place]:
        """Yield the functions that do something and in whose name the pattern is found, in order of path and line."""
        places = [place for name, group in self._functions.items() if pattern.search(name) for place in group]
        yield from sorted(places, key=lambda place: (place.path, place.index))

    def defines(self, name: str) -> bool:
        """Tell whether a resolved name is the project's own: a tool's calls of itself show nothing."""
        found = self.project.definition(name) or self.project.definition(name.rpartition(".")[0])
        return found is not None

    def own(self, path: str) -> bool:
        """Tell whether a file is the project's own code and no example."""
        return role_of(path) is Role.OWN


def _place(site: Site) -> tuple[str, int, str]:
    return site.path, site.call.line, site.name


_LOOKUPS: WeakKeyDictionary[Project, Lookup] = WeakKeyDictionary()


def lookup_of(project: Project) -> Lookup:
    """Return the index of a project, made at the first call."""
    if project not in _LOOKUPS:
        _LOOKUPS[project] = Lookup(project)
    return _LOOKUPS[project]


def idioms(*rows: Idiom | tuple[str, str, str]) -> dict[str, list[Idiom]]:
    """Group idioms by the libraries that the alternatives of their patterns begin with: "torch" or "(?:torch|apex)"."""
    found: dict[str, list[Idiom]] = defaultdict(list)
    for row in rows:
        one = row if isinstance(row, Idiom) else Idiom(row[0], re.compile(row[1]), row[2])
        for text in _alternatives(one.pattern.pattern):
            begin = LIBRARIES.match(text)
            if begin is None:
                raise ValueError(f"an idiom begins with no library: {text}")
            for root in dict.fromkeys((begin[1] or begin[2]).split("|")):
                if one not in found[root]:
                    found[root].append(one)
    return dict(found)


def _alternatives(pattern: str) -> Iterator[str]:
    """Yield what a pattern offers at its top: "a|(?:b|c)d" offers "a" and "(?:b|c)d"."""
    depth, first = 0, 0
    for place, sign in enumerate(pattern):
        depth += (sign == "(") - (sign == ")")
        depth += {("(", "\\"): -1, (")", "\\"): 1}.get((sign, pattern[place - 1 : place]), 0)
        if sign == "|" and depth == 0:
            yield pattern[first:place]
            first = place + 1
    yield pattern[first:]


def library_calls(signal: str, lookup: Lookup, table: dict[str, list[Idiom]]) -> Iterator[Finding]:
    """Yield a finding for each call, and each decorator without a call, that an idiom of the table fits."""
    for root, rows in table.items():
        for name in lookup.under((root,)):
            if lookup.defines(name):
                continue
            for row in rows:
                if row.pattern.match(name):
                    for site in lookup.code.named(name):
                        if row.when is None or row.when(site.call):
                            yield at_call(signal, row.detector, site, row.message, row.strength)
                    break
    for one in lookup.by_decorator(table):
        yield at_place(signal, one[0].detector, one[1].place, one[0].message, one[0].strength)
