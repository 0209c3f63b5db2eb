"""Find the calls, functions and classes of the project's own code by what their names resolve to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple
from weakref import WeakKeyDictionary

from assessor.analysis.facts.model import Assertion, Assign, Call, Definition, PythonFacts, Reference
from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy, Pattern

OWN = frozenset({Role.OWN, Role.EXAMPLE, Role.DOCS})
"""The roles of code that can use a thing; tests may only verify it, vendored and generated code is not the project's."""


class Site(NamedTuple):
    """Name one call in own code: where it is and what it resolves to across files."""

    path: str
    name: str
    call: Call


class Place(NamedTuple):
    """Name one function or class in own code; `index` is its place in the file's definitions."""

    path: str
    index: int  # type: ignore[assignment]  # tuples have a method of this name, which nobody calls here
    definition: Definition


class Body:
    """Collect what one function, class or module body says itself, without the definitions inside it."""

    __slots__ = ("assertions", "assigns", "calls", "operations", "references")

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.references: list[Reference] = []
        self.assigns: list[Assign] = []
        self.operations: list[tuple[str, int]] = []
        self.assertions: list[Assertion] = []


class Code:
    """Index the own Python of a project, once, so that each detector asks by name and pays for the distinct names alone."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.files = {path: known for path, known in project.python.items() if role_of(path) in OWN}
        self._bodies: dict[str, dict[int, Body]] = {}
        self._imported: dict[str, frozenset[str]] = {}

    @cached_property
    def _sites(self) -> dict[str, list[Site]]:
        found: dict[str, list[Site]] = defaultdict(list)
        for path, known in self.files.items():
            for call in known.calls:
                name = self.project.resolve(path, call.name)
                found[name].append(Site(path, name, call))
        return dict(found)

    def by_name(self) -> dict[str, list[Site]]:
        """Return all calls by resolved name."""
        return self._sites

    def names(self) -> Iterable[str]:
        """Return the distinct resolved names of all calls."""
        return self._sites.keys()

    def named(self, name: str) -> list[Site]:
        """Return the calls of one resolved name."""
        return self._sites.get(name, [])

    def body(self, path: str, scope: int) -> Body:
        """Return what a definition, or with -1 the module, says itself."""
        if path not in self._bodies:
            known = self.files[path]
            found: dict[int, Body] = defaultdict(Body)
            for call in known.calls:
                found[call.scope].calls.append(call)
            for reference in known.references:
                found[reference.scope].references.append(reference)
            for assign in known.assigns:
                found[assign.scope].assigns.append(assign)
            for sign, line, place in known.operations:
                found[place].operations.append((sign, line))
            for assertion in known.assertions:
                found[assertion.scope].assertions.append(assertion)
            self._bodies[path] = found
        return self._bodies[path][scope]

    def calls_within(self, path: str, index: int) -> Iterator[Call]:
        """Yield the calls of a definition and of all that it encloses."""
        for scope in sorted(scopes_within(self.files[path], index)):
            yield from self.body(path, scope).calls

    def calls(self, pattern: Pattern) -> Iterator[Site]:
        """Yield the calls whose resolved name the pattern matches from its start, in order of path and line."""
        sites = [site for name, group in self._sites.items() if pattern.match(name) for site in group]
        return iter(sorted(sites, key=lambda site: (site.path, site.call.line, site.name)))

    def library(self, roots: Iterable[str], pattern: Pattern | Lazy) -> Iterator[Site]:
        """Yield the calls below some libraries whose resolved name the pattern matches, in order of path and line."""
        names = [name for root in roots for name in self._by_root.get(root, ())]
        return self._sorted(name for name in names if pattern.match(name))

    def ending(self, *last: str) -> Iterator[Site]:
        """Yield the calls whose resolved name ends in one of these words, whatever they belong to: fit, compile."""
        return self._sorted(name for word in last for name in self._by_last.get(word, ()))

    def ending_like(self, pattern: Lazy) -> Iterator[Site]:
        """Yield the calls whose last word the pattern matches as a whole: promote_model, deploy."""
        return self._sorted(name for word, names in self._by_last.items() if pattern.fullmatch(word) for name in names)

    def functions_named(self, pattern: Lazy, roots: frozenset[str] | None = None) -> Iterator[Place]:
        """Yield the functions with statements in whose own name the pattern is found, in files that import a root."""
        if roots is not None and not roots & self._all_imported:
            return iter(())
        found = [place for name, places in self._by_name.items() if pattern.search(name) for place in places]
        kept = [place for place in found if roots is None or self.imports(place.path) & roots]
        return iter(sorted(kept, key=lambda place: (place.path, place.index)))

    @cached_property
    def _all_imported(self) -> frozenset[str]:
        return frozenset().union(*(self.imports(path) for path in self.files))

    @cached_property
    def _by_name(self) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = defaultdict(list)
        for place in self._places:
            if place.definition.kind != "class" and place.definition.statements:
                found[place.definition.name].append(place)
        return found

    def place(self, path: str, scope: int) -> Place | None:
        """Return the function or class of a scope, None for the body of a module."""
        return Place(path, scope, self.files[path].definitions[scope]) if scope >= 0 else None

    def _sorted(self, names: Iterable[str]) -> Iterator[Site]:
        sites = [site for name in names for site in self._sites[name]]
        return iter(sorted(sites, key=lambda site: (site.path, site.call.line, site.name)))

    @cached_property
    def _by_root(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name in self._sites:
            found[name.partition(".")[0].partition("(")[0]].append(name)
        return found

    @cached_property
    def _by_last(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name in self._sites:
            found[name.rpartition(".")[2]].append(name)
        return found

    def dotted(self, path: str, index: int) -> str:
        """Return the dotted name that calls of a definition resolve to."""
        known, names = self.files[path], list[str]()
        while index >= 0:
            names.append(known.definitions[index].name)
            index = known.definitions[index].parent
        return ".".join((self.project.module_of(path), *reversed(names)))

    def imports(self, path: str) -> frozenset[str]:
        """Return the first names of what a file imports: torch, sklearn; those of the project's own modules too."""
        if path not in self._imported:
            self._imported[path] = frozenset(one.name.partition(".")[0] for one in self.files[path].imports)
        return self._imported[path]

    def functions(self) -> Iterator[Place]:
        """Yield every function and method."""
        return (place for place in self._places if place.definition.kind != "class")

    def classes(self) -> Iterator[Place]:
        """Yield every class."""
        return (place for place in self._places if place.definition.kind == "class")

    @cached_property
    def _places(self) -> list[Place]:
        return [
            Place(path, index, definition)
            for path, known in sorted(self.files.items())
            for index, definition in enumerate(known.definitions)
        ]


_CODES: WeakKeyDictionary[Project, Code] = WeakKeyDictionary()


def code_of(project: Project) -> Code:
    """Return the index of a project, made at the first call."""
    if project not in _CODES:
        _CODES[project] = Code(project)
    return _CODES[project]


def scopes_within(known: PythonFacts, index: int) -> frozenset[int]:
    """Return the indices of a definition and of all that it encloses: those stand right behind it in the facts."""
    end = index + 1
    while end < len(known.definitions) and known.definitions[end].parent >= index:
        end += 1
    return frozenset(range(index, end))


def methods(known: PythonFacts, index: int) -> Iterator[tuple[int, Definition]]:
    """Yield the methods of a class with their indices."""
    for position in sorted(scopes_within(known, index)):
        definition = known.definitions[position]
        if definition.parent == index and definition.kind != "class":
            yield position, definition


def outermost(known: PythonFacts, scope: int) -> int:
    """Return the top-level definition around a scope, -1 in the module body."""
    while scope >= 0 and known.definitions[scope].parent >= 0:
        scope = known.definitions[scope].parent
    return scope


def setting_of(path: str) -> Setting:
    """Say in what kind of file a path lies."""
    role = role_of(path)
    if role is Role.TEST:
        return Setting.TEST
    if role in (Role.EXAMPLE, Role.DOCS):
        return Setting.EXAMPLE
    return Setting.NOTEBOOK if kind_of(path) is Kind.NOTEBOOK else Setting.CODE


def at_call(signal: str, detector: str, site: Site, message: str, strength: Strength = Strength.USED) -> Finding:
    """Make the finding of one call."""
    call = site.call
    return Finding(
        signal,
        detector,
        site.path,
        call.line,
        message,
        strength,
        call.end_line,
        scope=call.scope,
        setting=setting_of(site.path),
    )


def at_place(signal: str, detector: str, place: Place, message: str, strength: Strength = Strength.USED) -> Finding:
    """Make the finding of one function or class."""
    spot = place.definition
    return Finding(
        signal,
        detector,
        place.path,
        spot.line,
        message,
        strength,
        spot.end_line,
        scope=place.index,
        setting=setting_of(place.path),
    )


def first_of_each_file(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Keep the first finding of each file and strength: further ones say the same again."""
    seen: set[tuple[str, Strength]] = set()
    for finding in findings:
        if (finding.path, finding.strength) not in seen:
            seen.add((finding.path, finding.strength))
            yield finding


def first_of_each_scope(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Keep the first finding of each function and strength: another function may be the one that is wired in."""
    seen: set[tuple[str, int | None, Strength]] = set()
    for finding in findings:
        key = (finding.path, finding.scope, finding.strength)
        if key not in seen:
            seen.add(key)
            yield finding
