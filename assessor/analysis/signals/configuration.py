"""Engineering practice that configuration shows: tests and linters that CI runs, dependencies that are pinned."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

from assessor.analysis.facts.configuration_model import (
    DependencyFacts,
    DockerFacts,
    HooksFacts,
    LockFacts,
    ProjectFacts,
    RecipeFacts,
    Requirement,
    WorkflowFacts,
)
from assessor.analysis.facts.model import PythonFacts
from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.steps import Ran, plain_run, steps_of
from assessor.analysis.signals.words import installs, lints, tests, unwrap

__all__ = ["ci_tests", "lint_config", "pinned_deps", "test_steps"]

OWN = frozenset({Role.OWN})
TEST_ACTIONS = re.compile(
    r"orb:[\w-]+/(?:test|run-tests|pytest)$|task:(?:VSTest|DotNetCoreCLI|Maven|Gradle)@|.*/(?:tox|tests?|pytest|run-tests)\.ya?ml@|.*/run-pytest(?:-action)?@"
    r"|cypress-io/github-action@|pypa/cibuildwheel@|actions-rs/cargo@|.*/pytest-action@|nick-invision/retry@|nick-fields/retry@"
)
LINT_ACTIONS = re.compile(
    r"pre-commit/action@|(?:psf/black|astral-sh/ruff-action|chartboost/ruff-action|rickstaa/action-black|py-actions/flake8|isort/isort-action"
    r"|golangci/golangci-lint-action|(?:super-linter|github)/super-linter|wearerequired/lint-action|jakebailey/pyright-action|hadolint/hadolint-action"
    r"|tsuyoshicho/action-mypy|reviewdog/action-[\w-]+|suo/flake8-github-action|dciborow/action-pylint)(?:/[\w-]+)*@"
)


def ci_tests(project: Project) -> Iterator[Finding]:
    """Find CI that runs the tests on every push or pull request and fails with them.

    Bad: `jobs: {}`, `run: pytest || true`, `on: workflow_dispatch`, `run: flake8`. Good: `on: push` with `run: pytest`.
    """
    found: dict[tuple[str, int], Ran] = {}
    for ran in _test_runs(project):
        kept = found.get((ran.path, ran.line))
        if kept is None or (ran.automatic, ran.can_fail) > (kept.automatic, kept.can_fail):
            found[ran.path, ran.line] = ran
    for (path, line), ran in found.items():
        shown = ran.text[:80]
        if not ran.automatic:
            message = f"runs the tests ({shown}), but not on a push or pull request"
            yield _told("ci-tests", "by-hand", path, line, message, Strength.DECLARED)
        elif not ran.can_fail:
            message = f"runs the tests ({shown}), but their failure is ignored"
            yield _told("ci-tests", "cannot-fail", path, line, message, Strength.DECLARED)
        else:
            where = f", in {ran.source}:{ran.source_line}" if ran.source != path else ""
            message = f"runs the tests on every change ({shown}{where}) and fails with them"
            told = f"{path}:{line} runs the tests"
            yield _told("ci-tests", "step", path, line, message, wired_by=told, verified_by=f"{told} and can fail")
    if not found:
        for path, known in project.of(WorkflowFacts).items():
            for job in known.jobs[:1]:
                yield _told("ci-tests", "no-tests", path, job.line, "a workflow that runs no tests", Strength.MENTIONED)


def test_steps(project: Project) -> Iterator[tuple[str, int, bool]]:
    """Yield path, line and whether it can fail, of each step that runs the tests on a push or pull request."""
    for ran in _test_runs(project):
        if ran.automatic:
            yield ran.path, ran.line, ran.can_fail


def _test_runs(project: Project) -> Iterator[Ran]:
    present = _has_tests(project)
    for ran in steps_of(project).ran:
        if ran.uses:
            if _tests_by_action(ran) and present:
                yield ran
        elif tests(ran.words):
            if present or any(word.startswith("--doctest") or word.endswith("doctest") for word in ran.words):
                yield ran
        elif _runs_test_file(project, ran):
            yield ran


def _tests_by_action(ran: Ran) -> bool:
    if not TEST_ACTIONS.match(ran.uses):
        return False
    given = " ".join(ran.inputs.values())
    if "retry@" in ran.uses:
        return any(tests(unwrap(tuple(line.split())).words) for line in ran.inputs.get("command", "").splitlines())
    if "cibuildwheel" in ran.uses:
        return bool(ran.inputs.get("CIBW_TEST_COMMAND"))
    if "cargo@" in ran.uses or ran.uses.startswith(("task:DotNet", "task:Maven", "task:Gradle")):
        return bool(re.search(r"\b(?:test|verify|check|package|install|build)\b", given or "test"))
    return True


def _has_tests(project: Project) -> bool:
    """Tell whether there is anything to run: a runner that finds no test says nothing."""
    for path, known in project.python.items():
        if role_of(path) is Role.TEST and any(_is_test(known, index) for index in range(len(known.definitions))):
            return True
    if any(kind_of(path) is Kind.SOURCE and role_of(path) is Role.TEST for path in project.entries):
        return True
    return any(kind_of(one.path) is Kind.PYTHON and role_of(one.path) is Role.TEST for one in project.skipped)


def _is_test(known: PythonFacts, index: int) -> bool:
    body = known.definitions[index]
    return body.kind != "class" and body.name.lower().startswith("test")


def _runs_test_file(project: Project, ran: Ran) -> bool:
    """Tell whether a command runs a Python file that tests: `python tests/run.py`, `./run_tests.py`."""
    for word in ran.words[:4]:
        if word.endswith(".py"):
            path = steps_of(project).file(word, "", Kind.PYTHON)
            known = project.python.get(path or "")
            if path is None or known is None:
                return False
            started = any(
                re.match(r"(?:unittest\.(?:main|TextTestRunner)|pytest\.main|doctest\.testmod|nose\.)", call.name)
                for call in known.calls
            )
            named = bool(re.search(r"test", word.rpartition("/")[2], re.IGNORECASE))
            spawned = named and any(
                "pytest" in text or "unittest" in text for call in known.calls for text in map(str, call.arguments)
            )
            return started or spawned or (named and bool(known.assertions))
    return False


def _told(
    signal: str,
    detector: str,
    path: str,
    line: int | None,
    message: str,
    strength: Strength = Strength.USED,
    wired_by: str | None = None,
    verified_by: str | None = None,
) -> Finding:
    setting = Setting.EXAMPLE if role_of(path) in (Role.EXAMPLE, Role.DOCS) else Setting.CONFIGURATION
    return Finding(
        signal, detector, path, line, message, strength, setting=setting, wired_by=wired_by, verified_by=verified_by
    )


SECTIONS = re.compile(
    r"(?:tool\.)?(?:ruff|black|mypy|isort|pylint|flake8|pyright|basedpyright|yapf|autopep8|pycodestyle|pep8|pydocstyle|bandit|ty|pyrefly|pyre"
    r"|darglint|docformatter|interrogate|codespell|djlint|sqlfluff|blue|importlinter|vulture|refurb|style)(?:$|[.\-:].*)"
    r"|(?:master|messages control|basic|format|tool\.pylint\.\S+|main)"
)
OWN_FILES = re.compile(
    r"(.*/)?(\.eslintrc(\.\w+)?|eslint\.config\.[cm]?[jt]s|\.prettierrc(\.\w+)?|prettier\.config\.[cm]?js|biome\.jsonc?|tslint\.json|\.stylelintrc(\.\w+)?"
    r"|\.golangci\.(ya?ml|toml)|\.?rustfmt\.toml|clippy\.toml|\.clang-(format|tidy)|\.rubocop\.yml|pyrightconfig\.json|checkstyle\.xml|\.swiftlint\.yml)"
)


def lint_config(project: Project) -> Iterator[Finding]:
    """Find linters, formatters and type checkers that are configured or that CI runs.

    Bad: `repos: []`, `[tool.ruff]` with nothing below it. Good: `select = ["E", "F"]` there, `run: ruff check .` in CI.
    """
    runs: dict[str, Ran] = {}
    for ran, tool, _ in _lint_runs(project):
        kept = runs.get(tool)
        if kept is None or ran.can_fail > kept.can_fail:
            runs[tool] = ran
    for path, line, tool, message in _configured(project):
        told = runs.get(tool) or (runs.get("pre-commit") if tool in _hooked(project) else None)
        yield _linted(path, line, "configured", message, told)
    for tool, ran in runs.items():
        yield _linted(ran.path, ran.line, "run", f"CI runs {tool}", ran)
    if not runs:
        yield from _linted_by_hand(project)


def _linted(path: str, line: int, detector: str, message: str, ran: Ran | None) -> Finding:
    wired = f"{ran.path}:{ran.line} runs it" if ran else None
    verified = f"{wired} and can fail" if ran and ran.can_fail else None
    return _told("lint-config", detector, path, line, message, Strength.DECLARED, wired, verified)


def _lint_runs(project: Project) -> Iterator[tuple[Ran, str, bool]]:
    for ran in steps_of(project).ran:
        if not ran.automatic:
            continue
        if ran.uses:
            if LINT_ACTIONS.match(ran.uses):
                yield ran, _tool_of(ran.uses), ran.can_fail
            continue
        found, fails = lints(ran.words)
        if found:
            yield ran._replace(can_fail=ran.can_fail and fails), ran.words[0].rpartition("/")[2], ran.can_fail and fails


def _tool_of(action: str) -> str:
    if "pre-commit" in action:
        return "pre-commit"
    return next(
        (
            tool
            for tool in ("ruff", "black", "flake8", "isort", "mypy", "pyright", "pylint", "golangci-lint")
            if tool in action
        ),
        action,
    )


def _hooked(project: Project) -> frozenset[str]:
    ids = {hook.id.partition("-")[0] for known in project.of(HooksFacts).values() for hook in known.hooks}
    return frozenset(ids)


def _configured(project: Project) -> Iterator[tuple[str, int, str, str]]:
    """Yield path, line, tool and what is told, of every configuration that sets something."""
    for path, settings in project.of(ProjectFacts).items():
        if role_of(path) not in OWN:
            continue
        own = re.search(r"pylintrc|flake8|mypy|isort|pycodestyle|pydocstyle|yapf|ruff", path.rpartition("/")[2])
        for section in settings.sections:
            if section.settings and SECTIONS.fullmatch(section.name.lower()):
                plain = own[0] if own else re.split(r"[.\-:]", section.name.lower().removeprefix("tool."))[0]
                yield (
                    path,
                    section.line,
                    plain.removesuffix("rc"),
                    f"{plain} is configured with {section.settings} settings",
                )
                if own:
                    break
    for path, hooks in project.of(HooksFacts).items():
        if role_of(path) in OWN:
            names = ", ".join(dict.fromkeys(hook.id for hook in hooks.hooks))
            yield path, hooks.hooks[0].line, "pre-commit", f"pre-commit runs {names[:120]}"
    for path, entry in project.entries.items():
        if entry.size > 10 and OWN_FILES.fullmatch(path.lower()) and role_of(path) in OWN:
            yield path, 1, _tool_file(path), "a linter or formatter is configured"


def _tool_file(path: str) -> str:
    name = path.lower().rpartition("/")[2]
    return next(
        (
            tool
            for tool in ("eslint", "prettier", "biome", "golangci-lint", "pyright")
            if tool.removesuffix("-lint") in name
        ),
        name,
    )


def _linted_by_hand(project: Project) -> Iterator[Finding]:
    """Find targets and environments that run a linter and that a person starts."""
    recipes = {path: known.commands for path, known in project.of(RecipeFacts).items()}
    recipes |= {path: known.commands for path, known in project.of(ProjectFacts).items()}
    for path, commands in recipes.items():
        for text, line in commands if role_of(path) in OWN else ():
            words = unwrap(tuple(text.lstrip("-@").split())).words
            if lints(words)[0]:
                yield _linted(path, line, "by-hand", f"{words[0]} is run by hand", None)
                break


GROUPS_ASIDE = re.compile(
    r"dev|test|doc|lint|build|ci|bench|example|typing|types|style|format|check|qa|release", re.IGNORECASE
)
FROZEN = re.compile(
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
                told = f"{path}:{line} installs from it"
                wired = wired or told
                if in_ci and can_fail and (hashed or FROZEN.search(text)):
                    verified = verified or f"{told} and fails when it does not fit"
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
            yield _told("pinned-deps", "some-pinned", path, line, message, Strength.MENTIONED)
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
        yield _told("pinned-deps", "pinned", path, line, message, Strength.DECLARED, wired, verified)


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
        yield _told("pinned-deps", "lock", path, 1, f"a lock file with {count}", Strength.DECLARED, wired, verified)


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
