"""Follow what CI runs, through targets, scripts, environments and images, down to simple commands, and say which may fail."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import NamedTuple
from weakref import WeakKeyDictionary

from assessor.analysis.facts.configuration_model import (
    ComposeFacts,
    DockerFacts,
    Job,
    Lines,
    ProjectFacts,
    RecipeFacts,
    Step,
    Task,
    WorkflowFacts,
)
from assessor.analysis.facts.shell import simple_commands
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.words import RAISED, Unwrapped, joined, may_fail, option, plain_run, same_file, unwrap

__all__ = ["Ran", "Steps", "steps_of"]

PUSHED = frozenset({"push", "pull_request", "external"})
DEPTH, MOST, WORKFLOWS = 6, 4_000, 300
BUDGET = 12_000
"""Commands behind targets and scripts that are looked at in one project; what stands in a step itself always is."""


class Ran(NamedTuple):
    """Hold one simple command that CI runs: the step's place, where the command itself stands, and how it runs."""

    path: str
    line: int
    words: tuple[str, ...]
    text: str
    source: str  # the file that the command stands in
    source_line: int
    image: str
    can_fail: bool
    automatic: bool  # on push or pull request
    uses: str  # the action in place of a command
    inputs: dict[str, str]
    job: str


class _Shell(NamedTuple):
    """Hold how lines are run."""

    path: str
    folder: str
    can_fail: bool
    stops: bool  # at the first failure, as with set -e
    piped: bool
    depth: int


class _Leaf(NamedTuple):
    words: tuple[str, ...]
    text: str
    path: str
    line: int
    can_fail: bool
    image: str = ""


_STEPS: WeakKeyDictionary[Project, Steps] = WeakKeyDictionary()


def steps_of(project: Project) -> Steps:
    """Return what the CI of a project runs, followed once."""
    if project not in _STEPS:
        _STEPS[project] = Steps(project)
    return _STEPS[project]


class Steps:
    """Answer what CI runs."""

    def __init__(self, project: Project) -> None:
        self._project = project
        own = [one for one in project.of(WorkflowFacts).items() if role_of(one[0]) in (Role.OWN, Role.GENERATED)]
        self._workflows = dict(own[:WORKFLOWS])
        self._recipes = project.of(RecipeFacts)
        self._settings = project.of(ProjectFacts)
        self._composed = project.of(ComposeFacts)
        self._images = project.of(DockerFacts)
        self._seen: set[tuple[str, str, str]] = set()
        self._left = BUDGET
        self._indices: dict[str, dict[str, list[Task]]] = {}

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for path in self._project.entries:
            found[path.rpartition("/")[2]].append(path)
        return found

    @cached_property
    def _by_lower(self) -> dict[str, str]:
        return {path.lower(): path for path in self._recipes}

    @cached_property
    def _fragments(self) -> list[Task]:
        return [task for path, known in self._recipes.items() if path.endswith(".mk") for task in known.tasks]

    @cached_property
    def _toxed(self) -> list[tuple[str, list[Task]]]:
        found = (
            (path, [one for one in known.tasks if one.name.startswith("tox:")])
            for path, known in self._settings.items()
        )
        return [(path, tasks) for path, tasks in found if tasks]

    @cached_property
    def _named_tasks(self) -> dict[str, list[tuple[str, list[Task]]]]:
        """Map the names of tasks to where they are, with the tasks beside them."""
        found: dict[str, list[tuple[str, list[Task]]]] = defaultdict(list)
        for path, settings in self._settings.items():
            tasks = [one for one in settings.tasks if not one.name.startswith(("tox:", "npm:"))]
            for name in {task.name for task in tasks}:
                found[name].append((path, tasks))
        return found

    @cached_property
    def ran(self) -> list[Ran]:
        """Return every simple command and action of every CI configuration, in order."""
        found: list[Ran] = []
        for path, known in self._workflows.items():
            pushed = self._pushed(path)
            for job in known.jobs:
                if "@" in job.uses:
                    found.append(_reused(path, job, pushed and job.automatic))
                for step in job.steps:
                    if len(found) < MOST and not step.never:
                        found += self._step(path, job, step, pushed and job.automatic)
        return found

    def _pushed(self, path: str) -> bool:
        """Tell whether a push or pull request starts a workflow, itself or through one that calls it."""
        known = self._workflows[path]
        if PUSHED & set(known.triggers):
            return True
        for caller, other in self._workflows.items():
            if caller != path and PUSHED & set(other.triggers):
                used = [job.uses for job in other.jobs if job.automatic and not job.tolerant]
                used += [step.uses for job in other.jobs if job.automatic for step in job.steps if not step.never]
                if any(same_file(path, one) for one in (*used, *other.includes)):
                    return True
        # A template that a template includes: two hops are enough for what people write.
        return known.triggers == ("call",) and any(
            any(same_file(path, one) for one in other.includes) and self._included(caller)
            for caller, other in self._workflows.items()
            if caller != path and other.triggers == ("call",)
        )

    def _included(self, path: str) -> bool:
        return any(
            PUSHED & set(other.triggers) and any(same_file(path, one) for one in other.includes)
            for caller, other in self._workflows.items()
            if caller != path
        )

    def _step(self, path: str, job: Job, step: Step, automatic: bool) -> Iterator[Ran]:
        can_fail = not (step.tolerant or job.tolerant)
        image = step.image or job.image
        if step.uses:
            yield Ran(
                path,
                step.line,
                (),
                step.uses,
                path,
                step.line,
                image,
                can_fail,
                automatic,
                step.uses,
                dict(step.inputs),
                job.name,
            )
        self._seen = set()
        shell = _Shell(path, step.folder, can_fail, stops=True, piped=step.piped, depth=DEPTH)
        for leaf, root in self._lines(step.commands, shell):
            yield Ran(
                path,
                root,
                leaf.words,
                leaf.text,
                leaf.path,
                leaf.line,
                leaf.image or image,
                leaf.can_fail,
                automatic,
                "",
                {},
                job.name,
            )

    def follow(self, lines: Lines, path: str) -> Iterator[_Leaf]:
        """Yield the simple commands that lines of a file outside CI come down to."""
        self._seen = set()
        for leaf, _ in self._lines(lines, _Shell(path, "", True, True, False, DEPTH)):
            yield leaf

    def _lines(self, lines: Lines, shell: _Shell) -> Iterator[tuple[_Leaf, int]]:
        """Yield what lines of one shell come down to, with the line that began it."""
        if self._left < 0 and shell.depth < DEPTH:
            return
        lines = lines[:MOST]
        answered = any("exit $" in text or 'exit "$' in text for text, _ in lines)
        for place, (text, line) in enumerate(lines):
            if re.match(r"set\s+\+e", text):
                shell = shell._replace(stops=False)
            elif match := re.match(r"set\s+-(\w*)", text):
                shell = shell._replace(stops=shell.stops or "e" in match[1], piped=shell.piped or "pipefail" in text)
            mild = text[:1] == "-" and not text.startswith("--")
            commands = list(simple_commands(text.lstrip("-@+ ")))
            for index, command in enumerate(commands):
                words = command.words
                if words and words[0] in ("cd", "pushd") and len(words) > 1 and "$" not in words[1]:
                    shell = shell._replace(folder=joined(shell.folder, words[1]))
                    continue
                last = place == len(lines) - 1
                can_fail = (
                    shell.can_fail
                    and not mild
                    and may_fail(commands, index, stops=shell.stops, piped=shell.piped, last=last or answered)
                )
                if command.asked:
                    near = " ".join(one for one, _ in lines[place : place + 8])
                    can_fail = shell.can_fail and bool(RAISED.search(near))
                yield from ((leaf, line) for leaf in self._command(words, line, shell._replace(can_fail=can_fail)))

    def _command(self, words: tuple[str, ...], line: int, shell: _Shell) -> Iterator[_Leaf]:
        if not words:
            return
        found = unwrap(words)
        if found.script and shell.depth > 0:
            for leaf, _ in self._lines(((found.script, line),), shell._replace(depth=shell.depth - 1)):
                yield leaf
            return
        yield _Leaf(found.words, " ".join(words)[:500], shell.path, line, shell.can_fail, found.image)
        key = (shell.path, shell.folder, " ".join(found.words))
        self._left -= shell.depth < DEPTH
        if shell.depth == 0 or not found.words or key in self._seen or self._left < 0:
            return
        self._seen.add(key)
        for lines, path, stops, folder in self._behind(found, shell):
            inner = _Shell(path, folder, shell.can_fail, stops, False, shell.depth - 1)
            for leaf, _ in self._lines(lines, inner):
                yield leaf

    def _behind(self, found: Unwrapped, shell: _Shell) -> Iterator[tuple[Lines, str, bool, str]]:
        """Yield the lines behind a target, a script, an environment or an image."""
        words = found.words
        name = words[0].rpartition("/")[2]
        if name in ("make", "gmake", "just", "task"):
            yield from self._targets(name, words[1:], shell)
        elif name in ("tox", "nox"):
            yield from self._environments(name, words[1:], shell.folder)
        elif found.runner and (tasks := self._tasks(words[0].rpartition(":")[2])):
            yield from tasks
        elif name in ("npm", "yarn", "pnpm", "bun") and len(words) > 1:
            yield from self._package(words[1:], shell.folder)
        elif name in ("poe", "taskipy", "invoke", "inv") and len(words) > 1:
            yield from self._tasks(words[1])
        elif name == "docker" or name == "docker-compose":
            yield from self._image(words, shell.folder)
        script = words[1] if name in ("bash", "sh", "zsh", "source", ".") and len(words) > 1 else words[0]
        path = (
            self.file(script, shell.folder, Kind.SHELL) if "/" in script or script.endswith((".sh", ".bash")) else None
        )
        if path is not None and path in self._recipes:
            lines = self._recipes[path].commands
            yield lines, path, name in ("source", "."), shell.folder

    def _targets(self, name: str, words: tuple[str, ...], shell: _Shell) -> Iterator[tuple[Lines, str, bool, str]]:
        folder = joined(shell.folder, option(words, "-C", "--directory") or "")
        wanted = [
            word
            for word in words
            if re.fullmatch(r"[\w.\-/]+", word) and word not in (folder, option(words, "-C") or "", "-f")
        ]
        wanted = [word for word in wanted if not word.startswith("-")]
        file = {"just": "justfile", "task": "taskfile.yml"}.get(name, "makefile")
        path = self._by_lower.get(joined(folder, file).lower())
        if path is None and shell.path.lower().rpartition("/")[2] == file:
            path = shell.path
        if path is None and (given := option(words, "-f")):
            path = self.file(given, folder, Kind.MAKEFILE)
        if path is None:
            return
        if path not in self._recipes:
            return
        tasks = self._indexed(path)
        targets = wanted or [name for name in tasks if name[:1] != "."][:1]
        for task in _closure(tasks, targets):
            yield task.run, path, True, folder

    def _indexed(self, path: str) -> dict[str, list[Task]]:
        """Return the targets of a file, and of fragments that it may take in, by name."""
        if path not in self._indices:
            found: dict[str, list[Task]] = {}
            for task in (*self._recipes[path].tasks, *self._fragments):
                found.setdefault(task.name, []).append(task)
            self._indices[path] = found
        return self._indices[path]

    def _environments(self, name: str, words: tuple[str, ...], folder: str) -> Iterator[tuple[Lines, str, bool, str]]:
        if name == "nox":
            file = self.file("noxfile.py", folder, Kind.PYTHON)
            known = self._project.python.get(file or "")
            if file is not None and known is not None:
                asked = set(re.split(r"[,\s]+", option(words, "-s", "--session", "--sessions", "-e") or "")) - {""}
                for call in known.calls:
                    body = known.definitions[call.scope].name if call.scope >= 0 else ""
                    if call.name == "?session.run" and (
                        not asked or any(one.partition("-")[0] == body for one in asked)
                    ):
                        text = " ".join(
                            one for one in call.arguments if isinstance(one, str) and not one.startswith("=")
                        )
                        mild = "- " if dict(call.keywords).get("success_codes") is not None else ""
                        yield ((mild + text, call.line),), file, True, folder
            return
        asked = set(re.split(r"[,\s]+", option(words, "-e", "--env") or "")) - {""}
        for path, tasks in self._toxed:
            if str(PurePosixPath(path).parent) not in (folder or ".", "."):
                continue
            base = [task for task in tasks if task.name == "tox:"]
            named = [task for task in tasks if task.name[4:] in asked]
            chosen = tasks if not asked else named + (base if len(named) < len(asked) else [])
            yield from ((task.run, path, True, folder) for task in chosen)

    def _tasks(self, name: str) -> list[tuple[Lines, str, bool, str]]:
        return [
            (task.run, path, True, "")
            for path, tasks in self._named_tasks.get(name, ())[:5]
            for task in _closure({one.name: [one] for one in tasks}, [name])
        ]

    def _package(self, words: tuple[str, ...], folder: str) -> Iterator[tuple[Lines, str, bool, str]]:
        folder = joined(folder, option(words, "--prefix", "--cwd", "-C", "--dir") or "")
        plain = [word for word in words if not word.startswith("-") and word not in ("run", "run-script", "workspace")]
        for name in plain[:1]:
            alias = {"t": "test", "tst": "test"}.get(name, name)
            path = joined(folder, "package.json")
            tasks = self._settings[path].tasks if path in self._settings else ()
            for task in tasks:
                if task.name == f"npm:{alias}":
                    yield task.run, path, True, folder

    def _image(self, words: tuple[str, ...], folder: str) -> Iterator[tuple[Lines, str, bool, str]]:
        """Yield what building an image or starting services runs."""
        rest = words[1:]
        if words[0] == "docker-compose" or rest[:1] == ("compose",):
            for path, known in self._composed.items():
                services = [one for one in known.services if one.command and (one.name in rest or "up" in rest)]
                yield from ((((one.command, one.command_line),), path, False, "") for one in services)
        elif "build" in rest[:2]:
            file = self.dockerfile(rest, folder)
            image = self._images.get(file or "")
            if file is not None and image is not None:
                found = tuple((plain_run(one.text), one.line) for one in image.instructions if one.word == "RUN")
                yield found, file, True, folder

    def dockerfile(self, words: tuple[str, ...], folder: str) -> str | None:
        """Return the Dockerfile that the words of a build name."""
        given = option(words, "-f", "--file")
        context = next(
            (word for word in reversed(words) if not word.startswith("-") and word != given and ":" not in word), "."
        )
        if given:
            return self.file(given, folder, Kind.DOCKERFILE)
        return self.file(joined(joined(folder, context), "Dockerfile"), "", Kind.DOCKERFILE, near=False)

    def file(self, name: str, folder: str, kind: Kind, *, near: bool = True) -> str | None:
        """Return the file of the repository that a command names: from its folder, from the root, or by a unique end."""
        plain = re.sub(r"^(?:\$\{?\w+\}?|\$\(pwd\)|\.)/|^\$\{\{[^}]*\}\}/", "", name)
        for one in (joined(folder, plain), plain.lstrip("/")):
            if one in self._project.entries:
                return one
        if not near:
            return None
        named = self._by_name.get(plain.rpartition("/")[2], [])
        fits = [one for one in named if one.endswith("/" + plain.lstrip("./")) and kind_of(one) is kind]
        return fits[0] if len(fits) == 1 else None


def _reused(path: str, job: Job, automatic: bool) -> Ran:
    return Ran(path, job.line, (), job.uses, path, job.line, "", not job.tolerant, automatic, job.uses, {}, job.name)


def _closure(tasks: Mapping[str, list[Task]], names: list[str]) -> Iterator[Task]:
    """Yield the tasks of these names and what they need, what is needed first."""
    done: set[str] = set()
    waiting = list(reversed(names))
    order: list[Task] = []
    while waiting and len(done) < 200:
        name = waiting.pop()
        if name in done:
            continue
        done.add(name)
        for task in tasks.get(name, ())[:20]:
            order.append(task)
            waiting += reversed(task.needs)
    yield from order
