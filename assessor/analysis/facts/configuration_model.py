"""The shape of facts of configuration files. `commands` of any record are (text, line) pairs that reach.py follows."""

from __future__ import annotations

from typing import NamedTuple

Pairs = tuple[tuple[str, str], ...]
Lines = tuple[tuple[str, int], ...]
"""Commands with their lines: one logical line of a shell each, continuation lines joined."""


class Step(NamedTuple):
    """Describe one step of a job: commands of a shell, or an action, image or template that it uses."""

    line: int
    commands: Lines
    uses: str  # "actions/checkout@v4", "./.github/actions/setup", "task:Docker@2", "template:steps/test.yml"; "" for a shell
    inputs: Pairs  # what the action is given
    image: str  # the container that the step runs in, where it names one
    folder: str  # working directory
    tolerant: bool  # a failure does not fail the job
    never: bool  # if: false, enabled: false
    piped: bool  # the shell has pipefail set: a failure before a pipe counts


class Job(NamedTuple):
    """Describe one job. `automatic` is False where nobody pushes it: manual, scheduled or for tags only, or never."""

    name: str
    line: int
    uses: str  # a reusable workflow or template; "" where the job has steps of its own
    image: str
    needs: tuple[str, ...]
    condition: str
    tolerant: bool
    automatic: bool
    steps: tuple[Step, ...]


class WorkflowFacts(NamedTuple):
    """Hold a CI configuration. `triggers`: push, pull_request, schedule, manual, tag, call, release, external, other."""

    system: str
    triggers: tuple[str, ...]
    jobs: tuple[Job, ...]
    includes: tuple[str, ...]  # other files of the repository whose jobs belong to this one

    @property
    def commands(self) -> Lines:
        """Return what the steps run, in order; steps that never run are left out."""
        return tuple(command for job in self.jobs for step in job.steps if not step.never for command in step.commands)


class Instruction(NamedTuple):
    """Describe one instruction of a Dockerfile. Lists in JSON are joined by blanks; heredocs are part of the text."""

    word: str  # upper case
    text: str
    line: int
    stage: int


class Stage(NamedTuple):
    """Describe one FROM. `pinned`: "digest", "version", "tag" (a moving name such as slim) or "" (latest or none)."""

    image: str
    name: str
    line: int
    pinned: str


class DockerFacts(NamedTuple):
    """Hold a Dockerfile."""

    stages: tuple[Stage, ...]
    instructions: tuple[Instruction, ...]

    @property
    def commands(self) -> Lines:
        """Return what the image runs when it is built and when it starts."""
        kept = ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK")
        return tuple((one.text, one.line) for one in self.instructions if one.word in kept)


class Service(NamedTuple):
    """Describe one service of a compose file; `build` is the context, "" where none is built."""

    name: str
    line: int
    image: str
    build: str
    dockerfile: str
    command: str
    command_line: int
    volumes: tuple[str, ...]
    ports: int
    healthcheck: bool
    limited: bool  # memory or CPU limits, or replicas
    profiles: tuple[str, ...]
    gpu: bool  # a GPU is reserved for it


class ComposeFacts(NamedTuple):
    """Hold a compose file."""

    services: tuple[Service, ...]
    includes: tuple[str, ...]

    @property
    def commands(self) -> Lines:
        """Return what the services run instead of their images' commands."""
        return tuple((one.command, one.command_line) for one in self.services if one.command)


class Resource(NamedTuple):
    """Describe one object of Kubernetes. For kinds that run nothing, kind, name and line alone are known."""

    kind: str
    name: str
    line: int
    api: str
    images: Lines
    run: Lines
    probes: Lines  # (readinessProbe, line)
    limits: int | None  # line of resource limits or requests
    templated: bool  # has {{ }}: read by text
    gpu: int | None  # line where a GPU is asked for


class ManifestFacts(NamedTuple):
    """Hold the objects of a manifest, or a kustomization's parts (`resources`), or a chart (kind Chart, Values)."""

    objects: tuple[Resource, ...]
    resources: tuple[str, ...]

    @property
    def commands(self) -> Lines:
        """Return what the containers run."""
        return tuple(command for one in self.objects for command in one.run)


class PipelineStage(NamedTuple):
    """Describe one stage of dvc.yaml or one entry point of MLproject; `foreach` stages count once."""

    name: str
    line: int
    run: Lines
    needs: tuple[str, ...]
    outputs: tuple[str, ...]
    metrics: tuple[str, ...]


class PipelineFacts(NamedTuple):
    """Hold a pipeline that a file declares: dvc.yaml or MLproject."""

    system: str
    stages: tuple[PipelineStage, ...]

    @property
    def commands(self) -> Lines:
        """Return what the stages run."""
        return tuple(command for stage in self.stages for command in stage.run)


class TrackedFacts(NamedTuple):
    """Hold what a .dvc file tracks: (path, hash, line)."""

    outputs: tuple[tuple[str, str, int], ...]


class Watch(NamedTuple):
    """Describe one thing that watches: kind "scrape", "alert", "record", "dashboard", "datasource" or "monitor".

    A managed service that is told to let nobody in without a key has kind "auth".
    """

    kind: str
    name: str
    line: int
    expression: str


class WatchFacts(NamedTuple):
    """Hold what Prometheus, Alertmanager or Grafana is told to watch."""

    watches: tuple[Watch, ...]


class Requirement(NamedTuple):
    """Describe one dependency. `group` is "" at run time, else the extra or group ("dev", "test", "build")."""

    name: str
    specifier: str
    line: int
    group: str
    pinned: bool  # to one exact version, a commit or a file
    hashed: bool


class DependencyFacts(NamedTuple):
    """Hold the dependencies of a file; `includes` are "-r other.txt" and "-c constraints.txt" with their lines."""

    system: str  # "pip" | "conda" | "pipenv"
    requirements: tuple[Requirement, ...]
    includes: Lines


class LockFacts(NamedTuple):
    """Say how many packages a lock file holds."""

    entries: int


class Section(NamedTuple):
    """Describe one section of a settings file: "tool.ruff.lint" or "flake8", and how many settings it has."""

    name: str
    line: int
    settings: int


class Task(NamedTuple):
    """Describe a named group of commands: a target, a script of package.json, an environment of tox."""

    name: str
    line: int
    needs: tuple[str, ...]
    run: Lines


class ProjectFacts(NamedTuple):
    """Hold a project's own settings: pyproject.toml, setup.cfg, tox.ini, package.json and their like."""

    name: str
    requirements: tuple[Requirement, ...]
    sections: tuple[Section, ...]
    entry_points: tuple[tuple[str, str, int], ...]  # (name, target, line)
    tasks: tuple[Task, ...]

    @property
    def commands(self) -> Lines:
        """Return what the tasks run."""
        return tuple(command for task in self.tasks for command in task.run)


class Hook(NamedTuple):
    """Describe one hook of pre-commit."""

    repository: str
    id: str
    line: int


class HooksFacts(NamedTuple):
    """Hold .pre-commit-config.yaml."""

    hooks: tuple[Hook, ...]


class ParametersFacts(NamedTuple):
    """Hold numbers that configuration gives to training and evaluation: (dotted key, value, line)."""

    values: tuple[tuple[str, float, int], ...]


class LoadFacts(NamedTuple):
    """Hold a script that puts a service under load; `targets` is the line of what the run is held to, None without."""

    system: str  # "k6" | "artillery" | "jmeter" | "gatling"
    line: int
    targets: int | None


class RecipeFacts(NamedTuple):
    """Hold a Makefile, justfile, Taskfile, Procfile or a shell script (one task without a name)."""

    tasks: tuple[Task, ...]

    @property
    def commands(self) -> Lines:
        """Return what the tasks run."""
        return tuple(command for task in self.tasks for command in task.run)


class PaperFacts(NamedTuple):
    """Hold what a paper says in a form that can be checked, with lines.

    `kind` and points: "changelog" versions, "card" filled headings, "owners" patterns, "large-files" patterns of git-lfs,
    "proto" services, calls and messages, "openapi" paths, "cluster" what a managed cluster is told of replicas and limits.
    """

    kind: str
    points: Lines
