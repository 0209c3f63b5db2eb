"""What a repository can show, one pure function each: facts in, findings out, no opinion on what they are worth."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

from assessor.analysis.findings import Finding
from assessor.analysis.paths import Kind
from assessor.analysis.project import Project
from assessor.analysis.reach import Reach
from assessor.analysis.signals.attacks import adversarial_tests, prompt_guard
from assessor.analysis.signals.auth import api_auth
from assessor.analysis.signals.configuration import ci_tests, lint_config
from assessor.analysis.signals.containers import docker
from assessor.analysis.signals.data import data_validation
from assessor.analysis.signals.domains import (
    domain_enterprise,
    domain_finance,
    domain_healthcare,
    domain_legal,
    domain_logistics,
)
from assessor.analysis.signals.evaluation import eval_metrics, tracking
from assessor.analysis.signals.failures import failure_handling, swallowed_errors
from assessor.analysis.signals.infrastructure import http_api, monitoring
from assessor.analysis.signals.lasting import maintained
from assessor.analysis.signals.loads import load_tests
from assessor.analysis.signals.logs import structured_logging
from assessor.analysis.signals.models import custom_attention, own_model
from assessor.analysis.signals.money import cost_model, usage_metering
from assessor.analysis.signals.orchestration import orchestration
from assessor.analysis.signals.outages import chaos_tests
from assessor.analysis.signals.personal import audit_log, privacy
from assessor.analysis.signals.pinned import pinned_deps
from assessor.analysis.signals.practice import type_hints
from assessor.analysis.signals.security import secrets
from assessor.analysis.signals.speed import gpu_efficiency, latency_optimization
from assessor.analysis.signals.testing import unit_tests

__all__ = ["DETECTORS", "Detector", "detect"]


class Detector(NamedTuple):
    """Pair a signal with the function that finds it and the kinds of files that can tell of it."""

    key: str
    find: Callable[[Project, Reach], Iterable[Finding]]
    kinds: frozenset[Kind]


def _alone(find: Callable[[Project], Iterable[Finding]]) -> Callable[[Project, Reach], Iterable[Finding]]:
    def both(project: Project, _reach: Reach) -> Iterable[Finding]:
        return find(project)

    return both


CODE = frozenset({Kind.PYTHON, Kind.NOTEBOOK})
SETTINGS = frozenset({Kind.PYPROJECT, Kind.SETUP, Kind.TOML, Kind.YAML, Kind.MAKEFILE})

DETECTORS: dict[str, Detector] = {
    found.key: found
    for found in (
        Detector("unit-tests", unit_tests, frozenset({Kind.PYTHON})),
        Detector("type-hints", _alone(type_hints), frozenset({Kind.PYTHON})),
        Detector("own-model", _alone(own_model), CODE),
        Detector("custom-attention", _alone(custom_attention), CODE),
        Detector("eval-metrics", _alone(eval_metrics), CODE),
        Detector("data-validation", _alone(data_validation), CODE),
        Detector("http-api", _alone(http_api), CODE),
        Detector("monitoring", _alone(monitoring), CODE | {Kind.YAML, Kind.JSON}),
        Detector("structured-logging", _alone(structured_logging), CODE),
        Detector("tracking", _alone(tracking), CODE),
        Detector("ci-tests", _alone(ci_tests), frozenset({Kind.WORKFLOW})),
        Detector("lint-config", _alone(lint_config), SETTINGS | {Kind.WORKFLOW}),
        Detector("pinned-deps", _alone(pinned_deps), frozenset({Kind.REQUIREMENTS, Kind.LOCK, Kind.PYPROJECT})),
        Detector("docker", _alone(docker), frozenset({Kind.DOCKERFILE})),
        Detector("orchestration", _alone(orchestration), frozenset({Kind.COMPOSE, Kind.YAML})),
        Detector("secrets", _alone(secrets), frozenset(Kind) - {Kind.DATA, Kind.LOCK}),
        # Safety, economy, domains and constraint (layers 7 to 10).
        Detector("domain-finance", _alone(domain_finance), CODE),
        Detector("domain-healthcare", _alone(domain_healthcare), CODE),
        Detector("domain-logistics", _alone(domain_logistics), CODE),
        Detector("domain-legal", _alone(domain_legal), CODE),
        Detector("domain-enterprise", _alone(domain_enterprise), CODE),
        Detector("maintained", _alone(maintained), frozenset[Kind]()),
        Detector("cost-model", _alone(cost_model), CODE),
        Detector("usage-metering", _alone(usage_metering), CODE),
        Detector("chaos-tests", _alone(chaos_tests), frozenset({Kind.PYTHON, Kind.YAML, Kind.WORKFLOW})),
        Detector("prompt-guard", _alone(prompt_guard), CODE),
        Detector("adversarial-tests", _alone(adversarial_tests), frozenset({Kind.PYTHON})),
        Detector("privacy", _alone(privacy), CODE),
        Detector("audit-log", _alone(audit_log), CODE | {Kind.YAML}),
        Detector("gpu-efficiency", _alone(gpu_efficiency), CODE | {Kind.YAML, Kind.COMPOSE}),
        Detector("latency-optimization", _alone(latency_optimization), CODE),
        Detector("api-auth", _alone(api_auth), CODE | {Kind.YAML}),
        Detector("failure-handling", _alone(failure_handling), CODE),
        Detector("swallowed-errors", _alone(swallowed_errors), CODE),
        Detector(
            "load-tests",
            _alone(load_tests),
            frozenset({Kind.PYTHON, Kind.LOAD, Kind.SHELL, Kind.MAKEFILE, Kind.WORKFLOW}),
        ),
    )
}


def detect(project: Project, reach: Reach) -> dict[str, list[Finding]]:
    """Return the findings of every signal that is built, with what leads to each and what checks it."""
    return {
        key: [_placed(found, reach) for found in detector.find(project, reach)] for key, detector in DETECTORS.items()
    }


def _placed(finding: Finding, reach: Reach) -> Finding:
    if finding.scope is None:
        return finding
    wiring = reach.of(finding.path, finding.scope)
    return replace(
        finding,
        alive=finding.alive and wiring.alive,
        wired_by=finding.wired_by or wiring.wired_by,
        verified_by=finding.verified_by or wiring.verified_by,
    )
