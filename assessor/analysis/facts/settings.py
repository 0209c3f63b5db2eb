"""Read what tools are told: sections of ini files, hooks, environments of tox, targets, scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from assessor.analysis.facts.configuration_model import (
    Hook,
    HooksFacts,
    ParametersFacts,
    PipelineFacts,
    ProjectFacts,
    RecipeFacts,
    Requirement,
    Section,
    Task,
)
from assessor.analysis.facts.dependencies import requirement
from assessor.analysis.facts.ini import sections_of, tox_tasks
from assessor.analysis.facts.model import Skipped
from assessor.analysis.facts.parameters import read_parameters
from assessor.analysis.facts.snakemake import rules
from assessor.analysis.facts.yamltext import Map, as_map, documents, maps, script, text, texts

__all__ = ["hooks", "package", "read_ini", "read_recipe"]

KNOWN = re.compile(
    r"setup\.cfg|tox\.ini|\.?(?:flake8|pylintrc|isort\.cfg|pydocstyle(?:rc|\.ini)?|mypy\.ini|pycodestyle|yapf|coveragerc|style\.yapf|pytest\.ini)"
    r"|[^/]*(?:pylint|flake8|mypy|isort|pycodestyle)[^/]*"
)
MOST = 3_000


def read_ini(path: str, data: bytes) -> ProjectFacts | ParametersFacts | None:
    """Return the sections of setup.cfg, tox.ini and of linters' files, with what they declare and run."""
    name = path.lower().rpartition("/")[2]
    if not KNOWN.fullmatch(name):
        return read_parameters(data)
    source = data.decode("utf-8-sig", "replace")
    found = sections_of(source)
    sections = [Section(title, line, len(keys)) for title, (line, keys) in found.items()]
    requirements: list[Requirement] = []
    value, line = found.get("options", (0, {}))[1].get("install_requires", ("", 0))
    requirements += _required(value, line, "")
    for group, (extra, number) in found.get("options.extras_require", (0, {}))[1].items():
        requirements += _required(extra, number, group)
    scripts, start = found.get("options.entry_points", (0, {}))[1].get("console_scripts", ("", 0))
    entries = []
    for offset, one in enumerate(scripts.split("\n")):
        left, sign, right = one.partition("=")
        if sign:
            entries.append((left.strip(), right.strip(), start + offset))
    tasks = tuple(tox_tasks(source, 1)) if "testenv" in source else ()
    title = found.get("metadata", (0, {}))[1].get("name", ("", 0))[0]
    return ProjectFacts(title.strip(), tuple(requirements), tuple(sections), tuple(entries), tasks)


def _required(value: str, line: int, group: str) -> Iterator[Requirement]:
    for offset, one in enumerate(value.split("\n")):
        made = requirement(one, line + offset, group) if one.strip() else None
        if made is not None:
            yield made


def hooks(top: Map) -> HooksFacts | None:
    """Return the hooks of pre-commit, None where there are none."""
    found = [
        Hook(text(one.get("repo"))[:200], text(hook.get("id"))[:100], hook.line)
        for one in maps(top.get("repos"))
        for hook in maps(one.get("hooks"))
        if text(hook.get("id"))
    ]
    return HooksFacts(tuple(found[:500])) if found else None


def package(path: str, data: bytes) -> ProjectFacts | Skipped:
    """Return the scripts of a package.json."""
    try:
        top = json.loads(data)
    except ValueError:
        return Skipped(path, "JSON error")
    except RecursionError:
        return Skipped(path, "nested too deeply")
    top = top if isinstance(top, dict) else {}
    scripts = top.get("scripts")
    source = data.decode("utf-8", "replace")
    tasks = []
    for name, command in list(scripts.items())[:300] if isinstance(scripts, dict) else ():
        if isinstance(command, str):
            line = source.count("\n", 0, max(0, source.find(f'"{name}"', source.find('"scripts"')))) + 1
            tasks.append(Task(f"npm:{name}"[:200], line, (), ((command[:2000], line),)))
    title = top.get("name")
    return ProjectFacts(title[:200] if isinstance(title, str) else "", (), (), (), tuple(tasks))


RULE = re.compile(r"(?![\t#])([^\s:=#][^:=#\n]*?)\s*::?(?!=)([^=].*)?$")
VARIABLE = re.compile(r"(?:export\s+|override\s+)?([A-Za-z_][\w.\-]*)\s*(?::{0,3}|\?|\+)=\s*(.*)")
USE = re.compile(r"\$[({]([A-Za-z_][\w.\-]*)[)}]")


def read_recipe(path: str, data: bytes) -> RecipeFacts | PipelineFacts | Skipped | None:
    """Return the targets of a Makefile or justfile, the tasks of a Taskfile, the processes of a Procfile."""
    name = path.lower().rpartition("/")[2]
    if name.startswith("taskfile"):
        return _taskfile(path, data)
    source = data.decode("utf-8", "replace")
    if name == "procfile":
        lines = [(number, line.partition(":")) for number, line in enumerate(source.splitlines(), 1)]
        found = [Task(left, number, (), ((right.strip(), number),)) for number, (left, sign, right) in lines if sign]
        return RecipeFacts(tuple(found)) if found else None
    if name == "snakefile" or name.endswith(".smk"):
        return rules(source)
    tasks = tuple(_targets(source, any_blank=name == "justfile"))
    return RecipeFacts(tasks) if tasks else None


def _targets(source: str, any_blank: bool) -> Iterator[Task]:
    variables: dict[str, str] = {"MAKE": "make", "PYTHON": "python", "PYTEST": "pytest"}
    heads: list[tuple[list[str], int, tuple[str, ...]]] = []
    run: list[tuple[str, int]] = []
    for line, number in _unfolded(source):
        if line[:1] == "\t" or (any_blank and line[:1] == " "):
            command = line.strip()
            if heads and command and command[0] != "#" and len(run) < MOST:
                run.append((_filled(command, variables), number))
            continue
        variable = VARIABLE.match(line)
        if variable:
            if len(variables) < 500:
                variables[variable[1]] = variable[2][:500]
            continue
        rule = RULE.match(line)
        if rule is None:
            continue
        for names, start, needs in heads:
            for one in names:
                yield Task(one, start, needs, tuple(run))
        after, _, inline = (rule[2] or "").partition(";")
        needs = tuple(_filled(after.partition("#")[0], variables).split()[:50])
        names = [one.lstrip("@") for one in rule[1].split()[: 1 if any_blank else 20]]
        heads, run = [(names, number, needs)], [(inline.strip(), number)] if inline.strip() and not any_blank else []
    for names, start, needs in heads:
        for one in names:
            yield Task(one, start, needs, tuple(run))


def _unfolded(source: str) -> Iterator[tuple[str, int]]:
    waiting, start = "", 0
    for number, line in enumerate(source.splitlines(), 1):
        if not waiting:
            start = number
        if line.endswith("\\") and len(waiting) < 10_000:
            waiting += line[:-1].rstrip() + " "
            continue
        yield waiting + (line.strip() if waiting else line), start
        waiting = ""
    if waiting:
        yield waiting, start


def _filled(command: str, variables: dict[str, str]) -> str:
    """Put in the values of variables, two levels deep."""
    for _ in range(2):
        if "$" not in command or len(command) > 10_000:
            break
        command = USE.sub(lambda match: variables.get(match[1], match[0]), command)
    return command[:10_000]


def _taskfile(path: str, data: bytes) -> RecipeFacts | Skipped | None:
    found = documents(data)
    if isinstance(found, str):
        return Skipped(path, found)
    tasks = as_map(as_map(found[0]).get("tasks")) if found else Map(1)
    made = []
    for name, raw in tasks.items():
        one = as_map(raw)
        commands = one.get("cmds", one.get("cmd", raw))
        run = tuple(
            line
            for part in (commands if isinstance(commands, list) else [commands])
            for line in script(as_map(part).get("cmd", part))
            if not isinstance(part, Map) or "cmd" in part
        )
        needs = tuple(texts(one.get("deps")) + [text(part.get("task")) for part in maps(commands) if "task" in part])
        made.append(Task(name, tasks.line_of(name), needs, run))
    return RecipeFacts(tuple(made)) if made else None
