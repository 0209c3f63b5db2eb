"""Engineering practice: dependencies that are pinned, and whether what installs them insists on it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

from assessor.analysis.facts.configuration_model import (
    DependencyFacts,
    DockerFacts,
    LockFacts,
    ProjectFacts,
    Requirement,
)
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.steps import steps_of
from assessor.analysis.signals.told import told
from assessor.analysis.signals.words import installs, plain_run

__all__ = ["pinned_deps"]

GROUPS_ASIDE = Lazy(
    r"dev|test|doc|lint|build|ci|bench|example|typing|types|style|format|check|qa|release", re.IGNORECASE
)
FROZEN = Lazy(
    r"--require-hashes|--frozen\b|--locked\b|--immutable|--frozen-lockfile|^npm ci\b|--deploy\b|^uv lock --check|--check\b.*lock|^pip-sync|lock --check|check --lock"
    r"|^pipenv (?:sync|verify)|--no-update|-mod=readonly|--ci\b"
)
LOCK_TOOLS: tuple[tuple[str, str], ...] = (
    (r"uv\.lock|pylock.*", r"^uv (?:sync|run|pip)"),
    (r"poetry\.lock", r"^poetry (?:install|sync)"),
    (r"pipfile\.lock", r"^pipenv (?:install|sync)"),
    (r"pdm\.lock", r"^pdm (?:install|sync)"),
    (r"pixi\.lock", r"^pixi (?:install|run)"),
    (r".*conda-lock.*", r"^(?:conda-lock install|(?:conda|mamba|micromamba) (?:create|install))"),
    (r"package-lock\.json|npm-shrinkwrap\.json", r"^npm (?:ci|install|i)\b"),
    (r"yarn\.lock", r"^yarn"),
    (r"pnpm-lock\.yaml", r"^pnpm"),
    (r"bun\.lockb?", r"^bun"),
    (r"go\.sum", r"^go "),
    (r"cargo\.lock", r"^cargo "),
    (r"gemfile\.lock", r"^bundle"),
    (r"composer\.lock", r"^composer"),
)


class _Installed:
    """Know what CI and images install, and how."""

    def __init__(self, project: Project) -> None:
        self.commands: list[tuple[str, str, int, bool, bool]] = []  # text, path, line, in CI, can fail
        for ran in steps_of(project).ran:
            text = installs(ran.words) or (f"uv run {' '.join(ran.words)}" if ran.text.startswith("uv run") else "")
            if text:
                self.commands.append((text, ran.path, ran.line, ran.source == ran.path or ran.automatic, ran.can_fail))
        for path, known in project.of(DockerFacts).items():
            if role_of(path) is Role.OWN:
                for one in known.instructions:
                    if one.word == "RUN":
                        for leaf in steps_of(project).follow(((plain_run(one.text), one.line),), path):
                            if text := installs(leaf.words):
                                self.commands.append((text, path, one.line, False, False))

    def by(self, pattern: str, near: str = "", *, hashed: bool = False) -> tuple[str | None, str | None]:
        """Return what installs by a pattern, and what would fail on a difference; `near` is the folder it must lie in or name."""
        wired = verified = None
        for text, path, line, in_ci, can_fail in self.commands:
            if re.search(pattern, text) and (
                not near or path.startswith(near + "/") or f"{near.rpartition('/')[2]}/" in text
            ):
                place = f"{path}:{line} installs from it"
                wired = wired or place
                if in_ci and can_fail and (hashed or FROZEN.search(text)):
                    verified = verified or f"{place} and fails when it does not fit"
        return wired, verified


def pinned_deps(project: Project) -> Iterator[Finding]:
    """Find lock files, and requirements of which most are pinned to exact versions.

    Bad: `torch>=2.0`, `numpy`. Good: `poetry.lock`, `torch==2.4.1`.
    """
    installed = _Installed(project)
    yield from _locks(project, installed)
    groups = _requirements(project)
    total = sum(len(listed) for _, listed in groups.values())
    pinned = sum(one.pinned for _, listed in groups.values() for one in listed)
    for folder, (path, listed) in sorted(groups.items()):
        fixed = sum(one.pinned for one in listed)
        if not fixed:
            continue
        line = next(one.line for one in listed if one.pinned)
        message = f"{fixed} of {len(listed)} requirements are pinned to one version"
        most = 2 * pinned > total or (folder == "." and 2 * fixed > len(listed))
        if not most or 2 * fixed <= len(listed):
            yield told("pinned-deps", "some-pinned", path, line, message, Strength.MENTIONED)
            continue
        name = re.escape(path.rpartition("/")[2])
        hashed = all(one.hashed for one in listed)
        pattern = (
            rf"(?:-r|--requirement|-f|--file|sync|-c)[ =]?\S*{name}"
            if "requirements" in name or "." in name
            else r"install"
        )
        near = (
            path.rpartition("/")[0]
            if sum(one.endswith(path.rpartition("/")[2]) for one, _ in groups.values()) > 1
            else ""
        )
        wired, verified = installed.by(pattern, near, hashed=hashed)
        yield told("pinned-deps", "pinned", path, line, message, Strength.DECLARED, wired, verified)


def _locks(project: Project, installed: _Installed) -> Iterator[Finding]:
    known = project.of(LockFacts)
    for path, entry in project.entries.items():
        if kind_of(path) is not Kind.LOCK or role_of(path) is not Role.OWN:
            continue
        read = known.get(path)
        if (read is not None and read.entries == 0) or (read is None and entry.size < 4_000):
            continue
        name = path.lower().rpartition("/")[2]
        pattern = next((tool for lock, tool in LOCK_TOOLS if re.fullmatch(lock, name)), r"(?!)")
        wired, verified = installed.by(pattern)
        count = f"{read.entries} packages" if read is not None else "packages"
        yield told("pinned-deps", "lock", path, 1, f"a lock file with {count}", Strength.DECLARED, wired, verified)


def _requirements(project: Project) -> dict[str, tuple[str, list[Requirement]]]:
    """Return the run-time requirements of each folder: those of the file that says most exactly what is installed."""
    found: dict[str, list[tuple[int, str, list[Requirement]]]] = defaultdict(list)
    for path, known in project.of(DependencyFacts).items():
        name = path.rpartition("/")[2].lower()
        if role_of(path) is not Role.OWN or GROUPS_ASIDE.search(
            name.replace("requirements", "").replace("constraints", "")
        ):
            continue
        if name.endswith(".in") or (name.startswith("constraints") and not known.requirements):
            continue
        order = {"pip": 0, "pipenv": 1, "conda": 3}[known.system]
        folder = str(PurePosixPath(path).parent)
        folder = str(PurePosixPath(folder).parent) if folder.rpartition("/")[2] == "requirements" else folder
        found[folder].append((order, path, [one for one in known.requirements if not one.group]))
    for path, settings in project.of(ProjectFacts).items():
        if role_of(path) is Role.OWN and settings.requirements:
            listed = [one for one in settings.requirements if not one.group]
            found[str(PurePosixPath(path).parent)].append((2, path, listed))
    chosen: dict[str, tuple[str, list[Requirement]]] = {}
    for folder, files in found.items():
        files = [one for one in files if one[2]]
        if files:
            best = min(one[0] for one in files)
            same = [one for one in files if one[0] == best]
            chosen[folder] = max(same, key=lambda one: len(one[2]))[1], [item for one in same for item in one[2]]
    return chosen
