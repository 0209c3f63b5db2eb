"""Layer 10: the service under load, on purpose."""

from __future__ import annotations

from collections.abc import Iterator

from assessor.analysis.facts.configuration_model import LoadFacts
from assessor.analysis.facts.model import PythonFacts
from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.idioms import last_of
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.runs import test_run
from assessor.analysis.signals.sites import methods, scopes_within
from assessor.analysis.signals.steps import Ran, steps_of

__all__ = ["load_tests"]

USERS = Lazy(
    r"locust\.(?:\w+\.)*(?:Fast)?Http(?:User|Locust)$|locust\.(?:\w+\.)*(?:User|TaskSet|SequentialTaskSet|Locust|HttpUser)$"
)
TOOLS = Lazy(
    r"(?:^|[\s;&|(/'\"])(?:k6\s+(?:cloud\s+)?run\b|locust\s+[^;|]*(?:-f|--headless|--host|-H)\b|vegeta\s+attack\b|wrk2?\s+-\w|hey\s+-\w|ab\s+-[nckt]\b|bombardier\s+-"
    r"|oha\s+-|ghz\s+-|artillery\s+(?:run|quick)\b|jmeter\s+[^;|]*-n\b|fortio\s+load\b|autocannon\s+-|siege\s+-|perf_analyzer\s+-|h2load\s+-|nighthawk_client\b"
    r"|molotov\s)"
)
SAID = Lazy(r"[@\-+\s]*(?:echo\b|printf\b|#)[^|]*$")
AT = Lazy(r"https?://|localhost|\$|\.[mc]?[jt]s\b|\.py\b|targets|\.jmx\b|\.ya?ml\b|--host|-H\s|:\d{2,5}\b|-m\s")
ACTIONS = Lazy(r"grafana/(?:k6-action|run-k6-action)@|.*/(?:artillery|locust)[\w-]*@")
TOGETHER = frozenset({"gather", "ThreadPoolExecutor", "map", "submit", "imap_unordered", "TaskGroup"})
CLIENT = Lazy(r"(?:requests|httpx|aiohttp|urllib\.request|grpc)\b|\?client\.|\?session\.")
TARGET = frozenset({"percentile", "quantile", "quantiles"})


def load_tests(project: Project) -> Iterator[Finding]:
    """Find scripts that put the service under load, and what they are held to.

    Bad: `for _ in range(1000): predict(row)` in a unit test, `pip install locust`.
    Good: `class Visitor(HttpUser)` with tasks; a k6 script with thresholds that CI runs.
    """
    runs = [ran for ran in steps_of(project).ran if ACTIONS.match(ran.uses) or _loads(ran.text)]
    yield from _scripts(project, runs)
    for path, known in project.python.items():
        if role_of(path) in (Role.OWN, Role.TEST, Role.EXAMPLE):
            if any(one.name.startswith("locust") for one in known.imports):
                yield from _visitors(project, path, known, runs)
            if role_of(path) is Role.TEST:
                yield from _measured(project, path, known)
    seen = set()
    for ran in runs:
        seen.add((ran.source, ran.source_line))
        if ran.source == ran.path or role_of(ran.source) is Role.OWN:
            yield _found(
                ran.source, ran.source_line, f"puts the service under load: {ran.text[:80]}", ran, targets=True
            )
    for command in project.commands:
        place = (command.path, command.line)
        if place not in seen and _loads(command.text) and role_of(command.path) in (Role.OWN, Role.TEST):
            yield _found(*place, f"puts the service under load: {command.text[:80]}", None, targets=False)


def _loads(text: str) -> bool:
    return bool(TOOLS.search(text) and AT.search(text)) and not SAID.match(text)


def _scripts(project: Project, runs: list[Ran]) -> Iterator[Finding]:
    for path, known in project.of(LoadFacts).items():
        ran = _run_of(path, runs)
        held = "" if known.targets is None else f", held to targets in line {known.targets}"
        yield _found(path, known.line, f"a load test with {known.system}{held}", ran, targets=known.targets is not None)


def _visitors(project: Project, path: str, known: PythonFacts, runs: list[Ran]) -> Iterator[Finding]:
    """Find users of Locust whose tasks call the service."""
    for index, body in enumerate(known.definitions):
        if body.kind != "class" or not any(USERS.match(name) for name in project.ancestors(path, body)):
            continue
        inside = {place for place, _ in methods(known, index)} | scopes_within(known, index)
        calls = [call for call in known.calls if call.scope in inside and ".client." in call.name]
        if calls:
            message = f"{body.name} of Locust calls the service"
            yield _found(path, body.line, message, _run_of(path, runs), targets=True)


def _measured(project: Project, path: str, known: PythonFacts) -> Iterator[Finding]:
    """Find tests that send many requests at once and hold the slow ones to a figure."""
    if not any(last_of(call.name) in TARGET for call in known.calls):
        return
    for index, body in enumerate(known.definitions):
        if body.kind == "class" or not body.name.startswith("test"):
            continue
        names = [call.name for call in known.calls]
        together = any(last_of(name) in TOGETHER for name in names)
        asked = any(CLIENT.match(name) for name in names)
        inside = scopes_within(known, index)
        if together and asked and any(one.scope in inside for one in known.assertions):
            run = test_run(project)
            message = f"{body.name}() sends requests at once and holds their times to a figure"
            yield Finding(
                "load-tests", "measured", path, body.line, message, setting=Setting.TEST,
                wired_by=run.wired_by if run else None, verified_by=run.verified_by if run else None,
            )  # fmt: skip


def _run_of(path: str, runs: list[Ran]) -> Ran | None:
    """Return the step that runs a script, by its name."""
    name = path.rpartition("/")[2]
    for ran in runs:
        if name in ran.text or name in " ".join(ran.inputs.values()):
            return ran
    return next((ran for ran in runs if name == "locustfile.py" and "locust" in ran.text), None)


def _found(path: str, line: int, message: str, ran: Ran | None, *, targets: bool) -> Finding:
    wired = f"{ran.path}:{ran.line} runs it" if ran else None
    verified = f"{wired} and can fail" if ran and ran.can_fail and targets else None
    setting = Setting.TEST if role_of(path) is Role.TEST else Setting.CONFIGURATION
    return Finding(
        "load-tests",
        "script",
        path,
        line,
        message,
        Strength.USED,
        setting=setting,
        wired_by=wired,
        verified_by=verified,
    )
