"""Layer 10: dependencies that are broken on purpose."""

from __future__ import annotations

from collections.abc import Iterator

from assessor.analysis.facts.configuration_model import ManifestFacts
from assessor.analysis.facts.model import PythonFacts
from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.idioms import last_of, root_of
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.runs import test_run
from assessor.analysis.signals.sites import scopes_within
from assessor.analysis.signals.steps import steps_of
from assessor.analysis.signals.testing import asserting_line
from assessor.analysis.signals.told import told

__all__ = ["chaos_tests"]

BREAKS = frozenset({"side_effect", "exc", "exception", "body", "error", "raises"})
BROKEN = Lazy(
    r"=.*(?:Error|Exception|Timeout|TimedOut|Unavailable|Refused|Reset|Disconnected|Failure|RpcError)(?:\(\))?$"
)
NO_OUTAGE = Lazy(
    r"=(?:.*\.)?(?:\w*(?:Invalid|NotFound|Validation|DoesNotExist|Exists|Permission|Unauthori[sz]ed|Forbidden)\w*|(?:Value|Type|Key|Index)Error|StopIteration|StopAsyncIteration|SystemExit|KeyboardInterrupt|AssertionError|ImportError|ModuleNotFoundError|NotImplementedError|AttributeError|SyntaxError)(?:\(\))?$"
)
INJECTED = Lazy(
    r"toxiproxy\w*\.|pytest_toxiproxy|chaoslib\.|chaostoolkit|chaosmonkey|.*\.add_exception$|pumba|failpoint|.*\.add_toxic$|respx\..*\.mock$"
)
STOPPED = Lazy(
    r"(?:testcontainers|docker|pytest_docker|compose)\b.*\.(?:stop|pause|kill|disconnect)$|.*(?:container|redis_server|broker|database|db|proxy|toxiproxy)\w*\.(?:stop|pause|kill|disable)$"
)
EXPERIMENTS = frozenset(
    {
        "NetworkChaos",
        "PodChaos",
        "StressChaos",
        "IOChaos",
        "DNSChaos",
        "HTTPChaos",
        "TimeChaos",
        "ChaosEngine",
        "ChaosExperiment",
        "Disruption",
    }
)
CLIENT = Lazy(r"TestClient|test_client|ASGITransport|APIClient")
TOOL = Lazy(r"(?:^|\s)(?:chaos\s+run|litmusctl\s|pumba\s|toxiproxy-cli\s+toxic|gremlin\s+attack)")


def chaos_tests(project: Project) -> Iterator[Finding]:
    """Find tests that break a dependency and check what the service does then.

    Bad: `store = Mock(return_value=row)`. Good: `store.get.side_effect = ConnectionError` and an assertion on the fallback.
    """
    run = test_run(project)
    for path, known in project.python.items():
        if role_of(path) is Role.TEST:
            for line, message in _broken(project, path, known):
                yield Finding(
                    "chaos-tests", "broken-dependency", path, line, message, setting=Setting.TEST,
                    wired_by=run.wired_by if run else None, verified_by=run.verified_by if run else None,
                )  # fmt: skip
    for ran in steps_of(project).ran:
        if TOOL.search(ran.text):
            place = f"{ran.path}:{ran.line} runs it"
            yield told(
                "chaos-tests",
                "experiment",
                ran.path,
                ran.line,
                f"CI breaks something on purpose: {ran.text[:80]}",
                Strength.USED,
                place,
                f"{place} and can fail" if ran.can_fail else None,
            )
    for path, manifest in project.of(ManifestFacts).items():
        for thing in manifest.objects if role_of(path) in (Role.OWN, Role.TEST) else ():
            if thing.kind in EXPERIMENTS and "chaos" in thing.api + thing.kind.lower():
                yield told(
                    "chaos-tests",
                    "experiment",
                    path,
                    thing.line,
                    f"an experiment, {thing.kind} {thing.name}".strip(),
                    Strength.USED,
                )


def _broken(project: Project, path: str, known: PythonFacts) -> Iterator[tuple[int, str]]:
    """Yield line and message of each test that makes something it depends on fail, and asserts on the project's code."""
    spots = [
        (call.scope, call.line, last_of(str(value)).lstrip("="))
        for call in known.calls
        for key, value in call.keywords
        if key in BREAKS and _fails(value)
    ]
    spots += [
        (one.scope, one.line, last_of(str(one.value)).lstrip("="))
        for one in known.assigns
        if one.target.endswith(".side_effect") and _fails(one.value)
    ]
    spots += [
        (call.scope, call.line, last_of(call.name))
        for call in known.calls
        if INJECTED.match(call.name) or (STOPPED.match(call.name) and root_of(call.name) not in ("unittest", "mock"))
    ]
    for index, body in enumerate(known.definitions) if spots else ():
        if body.kind != "class" and body.name.startswith("test"):
            inside = scopes_within(known, index)
            spot = next(((line, what) for scope, line, what in sorted(spots) if scope in inside), None)
            if spot is not None and (asserting_line(project, path, index) is not None or _asks_service(known, inside)):
                yield spot[0], f"{body.name}() breaks a dependency ({spot[1]}) and asserts on what follows"


def _asks_service(known: PythonFacts, inside: frozenset[int]) -> bool:
    """Tell whether a test asserts on what a test client of the service's application answers."""
    return any(
        one.scope in inside and any(CLIENT.search(subject) for subject in one.subjects) for one in known.assertions
    )


def _fails(value: object) -> bool:
    return isinstance(value, str) and bool(BROKEN.match(value)) and not NO_OUTAGE.match(value)
