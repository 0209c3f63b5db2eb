"""Engineering practice that configuration shows: tests and linters that CI runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.facts.configuration_model import (
    HooksFacts,
    ProjectFacts,
    RecipeFacts,
    WorkflowFacts,
)
from assessor.analysis.facts.model import PythonFacts
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Kind, Role, kind_of, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.steps import Ran, steps_of
from assessor.analysis.signals.told import told
from assessor.analysis.signals.words import lints, tests, unwrap

__all__ = ["ci_tests", "lint_config", "test_runs", "test_steps"]

OWN = frozenset({Role.OWN})
TEST_ACTIONS = Lazy(
    r"orb:[\w-]+/(?:test|run-tests|pytest)$|task:(?:VSTest|DotNetCoreCLI|Maven|Gradle)@|.*/(?:tox|tests?|pytest|run-tests)\.ya?ml@|.*/run-pytest(?:-action)?@"
    r"|cypress-io/github-action@|pypa/cibuildwheel@|actions-rs/cargo@|.*/pytest-action@|nick-invision/retry@|nick-fields/retry@"
)
LINT_ACTIONS = Lazy(
    r"pre-commit/action@|(?:psf/black|astral-sh/ruff-action|chartboost/ruff-action|rickstaa/action-black|py-actions/flake8|isort/isort-action"
    r"|golangci/golangci-lint-action|(?:super-linter|github)/super-linter|wearerequired/lint-action|jakebailey/pyright-action|hadolint/hadolint-action"
    r"|tsuyoshicho/action-mypy|reviewdog/action-[\w-]+|suo/flake8-github-action|dciborow/action-pylint)(?:/[\w-]+)*@"
)


def ci_tests(project: Project) -> Iterator[Finding]:
    """Find CI that runs the tests on every push or pull request and fails with them.

    Bad: `jobs: {}`, `run: pytest || true`, `on: workflow_dispatch`, `run: flake8`. Good: `on: push` with `run: pytest`.
    """
    found: dict[tuple[str, int], Ran] = {}
    for ran in test_runs(project):
        kept = found.get((ran.path, ran.line))
        if kept is None or (ran.automatic, ran.can_fail) > (kept.automatic, kept.can_fail):
            found[ran.path, ran.line] = ran
    for (path, line), ran in found.items():
        shown = ran.text[:80]
        if not ran.automatic:
            message = f"runs the tests ({shown}), but not on a push or pull request"
            yield told("ci-tests", "by-hand", path, line, message, Strength.DECLARED)
        elif not ran.can_fail:
            message = f"runs the tests ({shown}), but their failure is ignored"
            yield told("ci-tests", "cannot-fail", path, line, message, Strength.DECLARED)
        else:
            where = f", in {ran.source}:{ran.source_line}" if ran.source != path else ""
            message = f"runs the tests on every change ({shown}{where}) and fails with them"
            place = f"{path}:{line} runs the tests"
            yield told("ci-tests", "step", path, line, message, wired_by=place, verified_by=f"{place} and can fail")
    if not found:
        for path, known in project.of(WorkflowFacts).items():
            for job in known.jobs[:1]:
                yield told("ci-tests", "no-tests", path, job.line, "a workflow that runs no tests", Strength.MENTIONED)


def test_steps(project: Project) -> Iterator[tuple[str, int, bool]]:
    """Yield path, line and whether it can fail, of each step that runs the tests on a push or pull request."""
    for ran in test_runs(project):
        if ran.automatic:
            yield ran.path, ran.line, ran.can_fail


def test_runs(project: Project) -> Iterator[Ran]:
    """Yield what CI runs to test, where there is something to run."""
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


SECTIONS = Lazy(
    r"(?:tool\.)?(?:ruff|black|mypy|isort|pylint|flake8|pyright|basedpyright|yapf|autopep8|pycodestyle|pep8|pydocstyle|bandit|ty|pyrefly|pyre"
    r"|darglint|docformatter|interrogate|codespell|djlint|sqlfluff|blue|importlinter|vulture|refurb|style)(?:$|[.\-:].*)"
    r"|(?:master|messages control|basic|format|tool\.pylint\.\S+|main)"
)
OWN_FILES = Lazy(
    r"(.*/)?(\.eslintrc(\.\w+)?|eslint\.config\.[cm]?[jt]s|\.prettierrc(\.\w+)?|prettier\.config\.[cm]?js|biome\.jsonc?|tslint\.json|\.stylelintrc(\.\w+)?"
    r"|\.golangci\.(ya?ml|toml)|\.?rustfmt\.toml|clippy\.toml|\.clang-(format|tidy)|\.rubocop\.yml|pyrightconfig\.json|checkstyle\.xml|\.swiftlint\.yml)"
)


def lint_config(project: Project) -> Iterator[Finding]:
    """Find linters, formatters and type checkers that are configured or that CI runs.

    Bad: `repos: []`, `[tool.ruff]` with nothing below it. Good: `select = ["E", "F"]` there, `run: ruff check .` in CI.
    """
    runs: dict[str, Ran] = {}
    hooks = _hooked(project)
    for ran, tool, _ in _lint_runs(project):
        kept = runs.get(tool)
        if kept is None or ran.can_fail > kept.can_fail:
            runs[tool] = ran
    for path, line, tool, message in _configured(project):
        hooked = runs.get("pre-commit") if tool in hooks else None
        yield _linted(path, line, "configured", message, runs.get(tool) or hooked)
    for tool, ran in runs.items():
        yield _linted(ran.path, ran.line, "run", f"CI runs {tool}", ran)
    if not runs:
        yield from _linted_by_hand(project)


def _linted(path: str, line: int, detector: str, message: str, ran: Ran | None) -> Finding:
    wired = f"{ran.path}:{ran.line} runs it" if ran else None
    verified = f"{wired} and can fail" if ran and ran.can_fail else None
    return told("lint-config", detector, path, line, message, Strength.DECLARED, wired, verified)


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
