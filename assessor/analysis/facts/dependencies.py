"""Read what a project depends on: requirement files, pyproject.toml, Pipfile, conda environments, lock files."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from assessor.analysis.facts.configuration_model import (
    DependencyFacts,
    LockFacts,
    ParametersFacts,
    ProjectFacts,
    Requirement,
    Section,
    Task,
)
from assessor.analysis.facts.ini import tox_tasks
from assessor.analysis.facts.model import Skipped
from assessor.analysis.facts.parameters import read_parameters
from assessor.analysis.facts.shell import logical_lines
from assessor.analysis.facts.yamltext import Map, Scalar, as_map

__all__ = ["conda", "is_exact", "read_lock", "read_pyproject", "read_requirements", "read_toml", "requirement"]

MOST = 5_000
NAME = re.compile(r"\s*([A-Za-z0-9][\w.\-]*)\s*(\[[^\]]{0,200}\])?\s*(.*)", re.DOTALL)
EXACT = re.compile(r"={2,3}\s*v?[\w.!+\-]*\d[\w.!+\-]*(?!\S*\*)")
ENTRY = re.compile(
    rb"^\[\[packages?\]\]|^ {2,4}\"[^\"]*\": \{|^  \"?[/@\w][^\n]*:$|^\"?[@\w][^\n ]*@[^\n]*:$|^- name:|^\S+ v\d\S* |^    \S+ \(",
    re.MULTILINE,
)
LONG_KEY = re.compile(rb"^[^=\n\"'#]{2000}", re.MULTILINE)
"""A dotted key of that length costs a parser the square of its parts."""


def requirement(text: str, line: int, group: str, hashed: bool = False) -> Requirement | None:
    """Return one requirement as PEP 508 or a requirements file writes it, None for what is none."""
    text = text.partition(";")[0].strip()
    if "://" in text or text.startswith(("git+", "-e ", "--editable", "./", "../", "file:")):
        name = re.search(r"#egg=([\w.\-]+)|^([\w.\-]+)\s*(?:\[[^\]]*\])?\s*@", text)
        fixed = bool(
            re.search(r"@v?[0-9a-f]{7,40}\b|@v?\d[\w.]*|\.whl\b|\.(?:tar\.gz|zip)\b", text.partition("://")[2])
        )
        return Requirement((name[1] or name[2]) if name else "", text[:200], line, group, fixed, hashed)
    match = NAME.match(text)
    if match is None:
        return None
    specifier = match[3].strip(" ()")
    if specifier and specifier[0] not in "=<>!~@,":
        return None
    return Requirement(match[1].lower().replace("_", "-"), specifier[:200], line, group, is_exact(specifier), hashed)


def is_exact(specifier: str) -> bool:
    """Tell whether a version is pinned to one: "==1.2.3" and not "==1.2.*"."""
    return bool(EXACT.search(specifier)) and "*" not in specifier


def read_requirements(_path: str, data: bytes) -> DependencyFacts:
    """Return the requirements of a file for pip."""
    found: list[Requirement] = []
    includes: list[tuple[str, int]] = []
    last: Requirement | None = None
    for number, raw in enumerate(data.decode("utf-8-sig", "replace").splitlines(), 1):
        line = raw.strip()
        if not line or line[0] == "#":
            continue
        if line.startswith("--hash") or (last is not None and "--hash=" in line and line.startswith("-")):
            if last is not None and not last.hashed:
                last = found[-1] = last._replace(hashed=True)
            continue
        line = line.partition(" #")[0].rstrip("\\ ")
        if line.startswith(("-r", "-c", "--requirement", "--constraint")):
            includes.append((re.sub(r"^(-r|-c|--requirement|--constraint)[\s=]*", "", line), number))
        elif not line.startswith("-") or line.startswith(("-e ", "--editable")):
            made = requirement(line.partition(" --")[0], number, "", "--hash=" in line)
            if made is not None and len(found) < MOST:
                found.append(made)
                last = made
    return DependencyFacts("pip", tuple(found), tuple(includes[:100]))


def conda(top: Map) -> DependencyFacts | None:
    """Return the dependencies of a conda environment; None for a file of another tool with such a key."""
    listed = top.get("dependencies")
    if not isinstance(listed, list) or not any(isinstance(one, Scalar) for one in listed):
        return None
    found: list[Requirement | None] = []
    for one in listed:
        if isinstance(one, Scalar):
            name, _, version = one.partition("=")
            exact = bool(re.fullmatch(r"=?\d[\w.]*(?:=\w+)?", version))
            name = name.rpartition("::")[2].strip(" <>!~")
            if name and name not in ("python", "pip"):
                found.append(Requirement(name.lower(), version[:200], one.line, "", exact, False))
        else:
            listed_for_pip = (part for part in as_map(one).get("pip", ()) if isinstance(part, Scalar))
            found.extend(requirement(inner, inner.line, "") for inner in listed_for_pip)
    kept = tuple(one for one in found if one is not None)
    return DependencyFacts("conda", kept[:MOST], ()) if kept or "channels" in top else None


def read_lock(path: str, data: bytes) -> LockFacts:
    """Say whether a lock file holds packages; the first part of it is enough to tell."""
    name = path.lower().rpartition("/")[2]
    head = data[:200_000]
    if name == "go.sum":
        return LockFacts(head.count(b" h1:"))
    return LockFacts(sum(1 for _ in ENTRY.finditer(head)) or head.count(b'"version"') + head.count(b"version:"))


def _toml(path: str, data: bytes) -> dict[str, Any] | Skipped:
    if LONG_KEY.search(data):
        return Skipped(path, "a key that is too long")
    try:
        return tomllib.loads(data.decode("utf-8-sig", "replace").replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, ValueError) as error:
        return Skipped(path, f"TOML error{_at(error)}")
    except RecursionError:
        return Skipped(path, "nested too deeply")


def _at(error: Exception) -> str:
    found = re.search(r"at line (\d+)", str(error))
    return f", line {found[1]}" if found else ""


def read_toml(path: str, data: bytes) -> DependencyFacts | ProjectFacts | ParametersFacts | Skipped | None:
    """Return the dependencies of a Pipfile, or the sections of a linter's own file; other TOML is not parsed."""
    name = path.lower().rpartition("/")[2]
    if name not in ("pipfile", "ruff.toml", ".ruff.toml", "pixi.toml", "cargo.toml", "pylintrc.toml", ".pylintrc.toml"):
        return read_parameters(data)
    top = _toml(path, data)
    if isinstance(top, Skipped):
        return top
    lines = _Lines(data)
    if name == "pipfile":
        found = [
            made
            for section, group in (("packages", ""), ("dev-packages", "dev"))
            for made in _table(top.get(section), lines, section, group)
        ]
        return DependencyFacts("pipenv", tuple(found), ())
    if name == "pixi.toml":
        return ProjectFacts("", (), (), (), tuple(_tasks(top.get("tasks"), lines, "tasks")))
    if name == "cargo.toml":
        return None
    return ProjectFacts("", (), (Section(f"tool.{'ruff' if 'ruff' in name else 'pylint'}", 1, len(top)),), (), ())


class _Lines:
    """Find the line of a section and of a key within it, by text: tomllib keeps none."""

    def __init__(self, data: bytes) -> None:
        self._lines = data.decode("utf-8-sig", "replace").splitlines()
        self.sections: dict[str, int] = {}
        for number, line in enumerate(self._lines, 1):
            if line.startswith("["):
                name = line.partition("]")[0].strip("[ ").replace('"', "").replace("'", "")
                self.sections.setdefault(name, number)

    def at(self, section: str, key: str = "") -> int:
        """Return the line of a section or of the first line after it that begins with a key or quotes it."""
        start = self.sections.get(section)
        if start is None:
            start = min((line for name, line in self.sections.items() if name.startswith(section + ".")), default=1)
        if not key:
            return start
        for number in range(start, min(start + 400, len(self._lines))):
            line = self._lines[number].strip()
            if line.startswith((key, f'"{key}', f"'{key}")) or f'"{key}' in line:
                return number + 1
            if line.startswith("[") and not line.startswith("[[") and line.endswith("]") and '"' not in line:
                break
        return start


def read_pyproject(path: str, data: bytes) -> ProjectFacts | Skipped:
    """Return name, dependencies, tools, console scripts and tasks of a pyproject.toml."""
    top = _toml(path, data)
    if isinstance(top, Skipped):
        return top
    lines = _Lines(data)
    project, tool = _dict(top.get("project")), _dict(top.get("tool"))
    poetry = _dict(tool.get("poetry"))
    found: list[Requirement] = [*_listed(project.get("dependencies"), lines, "project", "")]
    for group, listed in _dict(project.get("optional-dependencies")).items():
        found += _listed(listed, lines, "project.optional-dependencies", group)
    for group, listed in _dict(top.get("dependency-groups")).items():
        found += _listed(listed, lines, "dependency-groups", group)
    found += _table(poetry.get("dependencies"), lines, "tool.poetry.dependencies", "")
    found += _table(poetry.get("dev-dependencies"), lines, "tool.poetry.dev-dependencies", "dev")
    for group, raw in _dict(poetry.get("group")).items():
        section = f"tool.poetry.group.{group}.dependencies"
        found += _table(_dict(raw).get("dependencies"), lines, section, "" if group == "main" else group)
    scripts = [
        ("project.scripts", _dict(project.get("scripts"))),
        ("project.gui-scripts", _dict(project.get("gui-scripts"))),
        ("tool.poetry.scripts", _dict(poetry.get("scripts"))),
    ]
    entries = [
        (name, target, lines.at(section, name))
        for section, table in scripts
        for name, target in table.items()
        if isinstance(target, str)
    ]
    sections = [Section(f"tool.{name}", lines.at(f"tool.{name}"), _size(raw)) for name, raw in tool.items()]
    name = project.get("name", poetry.get("name", ""))
    tasks = list(_pyproject_tasks(tool, lines))
    return ProjectFacts(str(name)[:200], tuple(found[:MOST]), tuple(sections), tuple(entries), tuple(tasks))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _size(value: Any) -> int:
    """Count the settings of a section; an empty list or table sets nothing."""
    if isinstance(value, dict):
        return sum(1 for one in value.values() if one not in ({}, [], ""))
    return int(bool(value))


def _listed(value: Any, lines: _Lines, section: str, group: str) -> Iterator[Requirement]:
    for one in value if isinstance(value, list) else ():
        if isinstance(one, str):
            made = requirement(one, lines.at(section, one[:40]), group)
            if made is not None:
                yield made


def _table(value: Any, lines: _Lines, section: str, group: str) -> Iterator[Requirement]:
    for name, raw in _dict(value).items():
        version = raw if isinstance(raw, str) else str(_dict(raw).get("version", ""))
        exact = bool(re.fullmatch(r"={0,3}\s*\d[\w.]*", version)) and "*" not in version
        exact = exact or bool(_dict(raw).get("rev") or _dict(raw).get("tag"))
        if name.lower() != "python":
            yield Requirement(name.lower(), version[:200], lines.at(section, name), group, exact, False)


def _pyproject_tasks(tool: dict[str, Any], lines: _Lines) -> Iterator[Task]:
    for keeper, key in (
        ("pdm", "scripts"),
        ("poe", "tasks"),
        ("taskipy", "tasks"),
        ("rye", "scripts"),
        ("pixi", "tasks"),
    ):
        yield from _tasks(_dict(tool.get(keeper)).get(key), lines, f"tool.{keeper}.{key}")
    for name, part in _dict(_dict(tool.get("pixi")).get("feature")).items():
        yield from _tasks(_dict(part).get("tasks"), lines, f"tool.pixi.feature.{name}.tasks")
    for name, environment in _dict(_dict(tool.get("hatch")).get("envs")).items():
        yield from _tasks(_dict(environment).get("scripts"), lines, f"tool.hatch.envs.{name}.scripts")
    tox = _dict(tool.get("tox"))
    if isinstance(tox.get("legacy_tox_ini"), str):
        yield from tox_tasks(tox["legacy_tox_ini"], lines.at("tool.tox", "legacy_tox_ini"))
    environments = {"": tox.get("env_run_base"), **_dict(tox.get("env"))}
    for name, part in environments.items():
        commands = _dict(part).get("commands")
        if isinstance(commands, list):
            line = lines.at(f"tool.tox.env.{name}" if name else "tool.tox.env_run_base", "commands")
            run = [" ".join(map(str, one)) if isinstance(one, list) else str(one) for one in commands]
            yield Task(f"tox:{name}", line, (), tuple((one, line) for one in run))


def _tasks(value: Any, lines: _Lines, section: str) -> Iterator[Task]:
    for name, raw in _dict(value).items():
        table = _dict(raw)
        keys = ("cmd", "shell", "composite", "sequence")
        given = raw if isinstance(raw, str | list) else next((table[key] for key in keys if table.get(key)), None)
        line = lines.at(section, name)
        words = [given] if isinstance(given, str) else [str(one) for one in given or () if isinstance(one, str)]
        run = tuple(command for word in words for command in logical_lines(word, line))
        needs = tuple(str(one) for one in table.get("depends_on", table.get("depends-on", ())) if isinstance(one, str))
        yield Task(name, line, needs, run)
