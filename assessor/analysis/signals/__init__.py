"""What a repository can show, one pure function each: facts in, findings out, no opinion on what they are worth."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

from assessor.analysis.findings import Finding
from assessor.analysis.paths import Kind
from assessor.analysis.project import Project
from assessor.analysis.reach import Reach
from assessor.analysis.signals.acceleration import gpu_efficiency, latency_optimization
from assessor.analysis.signals.attacks import adversarial_tests, prompt_guard
from assessor.analysis.signals.auth import api_auth
from assessor.analysis.signals.balance import imbalance_handling
from assessor.analysis.signals.certainty import calibration
from assessor.analysis.signals.checks import dataset_checks, disabled_checks
from assessor.analysis.signals.configuration import ci_tests, lint_config
from assessor.analysis.signals.containers import docker
from assessor.analysis.signals.data import data_validation
from assessor.analysis.signals.deployment import docker_hardened, k8s_probes
from assessor.analysis.signals.domains import (
    domain_enterprise,
    domain_finance,
    domain_healthcare,
    domain_legal,
    domain_logistics,
)
from assessor.analysis.signals.evaluation import eval_metrics, tracking
from assessor.analysis.signals.experiments import ab_test, online_evaluation
from assessor.analysis.signals.failures import failure_handling, swallowed_errors
from assessor.analysis.signals.gates import ml_ci_gate, retraining
from assessor.analysis.signals.infrastructure import http_api, monitoring
from assessor.analysis.signals.interfaces import api_schema, tracing
from assessor.analysis.signals.lasting import maintained
from assessor.analysis.signals.learners import numpy_model, own_optimizer
from assessor.analysis.signals.links import cost_metrics, train_serve_link
from assessor.analysis.signals.loads import load_tests
from assessor.analysis.signals.logs import structured_logging
from assessor.analysis.signals.losses import custom_loss
from assessor.analysis.signals.mathematics import (
    information_measures,
    linear_algebra_code,
    probability_code,
    statistical_test,
)
from assessor.analysis.signals.models import custom_attention, own_model
from assessor.analysis.signals.money import cost_model, usage_metering
from assessor.analysis.signals.operations import rollback, scaling
from assessor.analysis.signals.orchestration import orchestration
from assessor.analysis.signals.outages import chaos_tests
from assessor.analysis.signals.packaging import config_management, modular_package
from assessor.analysis.signals.personal import audit_log, privacy
from assessor.analysis.signals.pinned import pinned_deps
from assessor.analysis.signals.pipelines import pipeline_dag
from assessor.analysis.signals.practice import type_hints
from assessor.analysis.signals.preparing import cleaning_pipeline, feature_pipeline
from assessor.analysis.signals.releases import governance, model_registry, release_discipline
from assessor.analysis.signals.restraint import regularization
from assessor.analysis.signals.security import secrets
from assessor.analysis.signals.shifts import drift
from assessor.analysis.signals.slices import sliced_metrics
from assessor.analysis.signals.speed import benchmarks, profiling
from assessor.analysis.signals.splits import leakage_risk, leakage_safe_split
from assessor.analysis.signals.streams import streaming
from assessor.analysis.signals.testing import unit_tests
from assessor.analysis.signals.thresholds import metric_thresholds
from assessor.analysis.signals.versions import data_versioning

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
        # Mathematics, models and their measurement
        Detector("custom-loss", _alone(custom_loss), CODE),
        Detector("regularization", _alone(regularization), CODE | {Kind.YAML, Kind.JSON, Kind.TOML}),
        Detector("own-optimizer", _alone(own_optimizer), CODE),
        Detector("numpy-model", _alone(numpy_model), CODE),
        Detector("calibration", _alone(calibration), CODE),
        Detector("leakage-safe-split", _alone(leakage_safe_split), CODE),
        Detector("leakage-risk", _alone(leakage_risk), CODE),
        Detector("sliced-metrics", _alone(sliced_metrics), CODE),
        Detector("drift", _alone(drift), CODE),
        Detector("ab-test", _alone(ab_test), CODE | {Kind.YAML}),
        Detector("online-evaluation", _alone(online_evaluation), CODE),
        Detector("statistical-test", _alone(statistical_test), CODE),
        Detector("information-measures", _alone(information_measures), CODE),
        Detector("probability-code", _alone(probability_code), CODE),
        Detector("linear-algebra-code", _alone(linear_algebra_code), CODE),
        Detector("metric-thresholds", metric_thresholds, CODE | {Kind.YAML, Kind.JSON, Kind.TOML}),
        # Practice, data, infrastructure and systems: settings, pipelines, versions, images, releases.
        Detector("config-management", _alone(config_management), CODE),
        Detector("modular-package", modular_package, frozenset({Kind.PYTHON})),
        Detector("data-versioning", _alone(data_versioning), CODE | {Kind.YAML, Kind.OTHER}),
        Detector("cleaning-pipeline", cleaning_pipeline, CODE),
        Detector("feature-pipeline", _alone(feature_pipeline), CODE),
        Detector("pipeline-dag", pipeline_dag, CODE | {Kind.YAML, Kind.MAKEFILE}),
        Detector("docker-hardened", _alone(docker_hardened), frozenset({Kind.DOCKERFILE})),
        Detector("k8s-probes", _alone(k8s_probes), CODE | {Kind.YAML}),
        Detector("ml-ci-gate", ml_ci_gate, frozenset({Kind.WORKFLOW})),
        Detector("model-registry", _alone(model_registry), CODE | {Kind.WORKFLOW}),
        Detector("release-discipline", _alone(release_discipline), frozenset({Kind.WORKFLOW, Kind.MARKDOWN})),
        Detector("governance", governance, CODE | {Kind.WORKFLOW, Kind.MARKDOWN, Kind.OTHER}),
        Detector("retraining", retraining, CODE | {Kind.WORKFLOW, Kind.YAML}),
        Detector("api-schema", _alone(api_schema), CODE | {Kind.YAML, Kind.JSON, Kind.SOURCE}),
        Detector("tracing", _alone(tracing), CODE),
        Detector("imbalance-handling", _alone(imbalance_handling), CODE),
        Detector("dataset-checks", _alone(dataset_checks), frozenset({Kind.PYTHON})),
        Detector("disabled-checks", _alone(disabled_checks), frozenset({Kind.PYTHON, Kind.WORKFLOW})),
        Detector("rollback", _alone(rollback), CODE | {Kind.YAML, Kind.WORKFLOW, Kind.SHELL, Kind.MAKEFILE}),
        Detector("scaling", _alone(scaling), CODE | {Kind.YAML}),
        Detector("profiling", _alone(profiling), CODE | {Kind.SHELL, Kind.MAKEFILE}),
        Detector("streaming", _alone(streaming), CODE),
        Detector("train-serve-link", _alone(train_serve_link), CODE),
        Detector("benchmarks", _alone(benchmarks), CODE | {Kind.WORKFLOW}),
        Detector("cost-metrics", _alone(cost_metrics), CODE),
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
