"""Layer 4: what starts the project's services together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.facts.configuration_model import ComposeFacts, ManifestFacts, RecipeFacts, Resource, Service
from assessor.analysis.facts.shell import words_of
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.images import SKIPPED, Images
from assessor.analysis.signals.lazy import Lazy, Pattern
from assessor.analysis.signals.steps import steps_of
from assessor.analysis.signals.told import told
from assessor.analysis.signals.words import tests

__all__ = ["APPLIES", "APPLYING", "CHECKS", "orchestration", "started", "starts_own"]

OFF_THE_SHELF = Lazy(
    r"(?:^|/)(?:postgres|mysql|mariadb|mongo|mongodb|redis|valkey|rabbitmq|memcached|kafka|cp-kafka|zookeeper|elasticsearch|kibana|minio|mc|adminer|pgadmin4?"
    r"|phpmyadmin|nginx|traefik|busybox|alpine|ubuntu|debian|mailhog|localstack|influxdb|clickhouse[\w-]*|cassandra|neo4j|etcd|consul|vault|qdrant|weaviate"
    r"|chroma|milvus|opensearch|keycloak|registry|hello-world|pause|maildev|mailcatcher|timescaledb|postgis|pgvector)(?:[:@]|$)"
)
WORKLOADS = frozenset(
    words_of(
        "Deployment StatefulSet DaemonSet Job CronJob Pod ReplicaSet ReplicationController Rollout DeploymentConfig InferenceService SeldonDeployment"
        " RayService RayJob RayCluster PyTorchJob TFJob MPIJob XGBoostJob SparkApplication ElasticJob Workflow CronWorkflow WorkflowTemplate Experiment"
    )
)
APPLIES = Lazy(
    r"\b(?:kubectl\s+(?:\S+\s+){0,6}(?:apply|create|set|replace)|helm\s+(?:upgrade|install)|kustomize\s+build|skaffold\s+(?:run|deploy)|oc\s+apply|helmfile)\b"
)
APPLYING = Lazy(r"[aA]zure/k8s-\w+@|task:(?:HelmDeploy|Kubernetes\w*)@|.*(?:helm|kubectl|gke-deploy|kustomize)[\w-]*@")
CHECKS = Lazy(
    r"\b(?:kubectl\s+(?:\S+\s+){0,6}(?:rollout\s+status|wait)|helm\s+(?:test|lint)|kubeval|kubeconform|kube-score|ct\s+(?:lint|install)|kube-linter)\b"
)
TRIES = Lazy(r"\bcurl\b|\bnewman\b|\bsmoke|\bdocker(?:-compose|\s+compose)\s+(?:\S+\s+){0,6}(?:run|exec)\b")
STARTS = Lazy(r"\bdocker(?:-compose|\s+compose)\s+(?:\S+\s+){0,6}(?:up|run|exec|start)\b|\bdocker\s+stack\s+deploy\b")


def orchestration(project: Project) -> Iterator[Finding]:
    """Find compose files, manifests, charts and kustomizations that start the project's own services.

    Bad: a compose file with a database alone, `kind: Cluster` for tests, a chart that still starts nginx.
    Good: a service with `build: .`, a Deployment of the project's image.
    """
    own = Images(project)
    yield from _composed(project, own)
    yield from _manifests(project, own)


def _composed(project: Project, own: Images) -> Iterator[Finding]:
    wired, verified = started(project, STARTS, re.compile(r"(?!)"))
    for path, known in project.of(ComposeFacts).items():
        if role_of(path) not in (Role.OWN, Role.EXAMPLE) or SKIPPED.search(path) or not known.services:
            continue
        mine = [
            one
            for one in known.services
            if own.target(path, one) or one.build in (".", "..") or (one.image and own.image_is_own(one.image))
        ]
        others = [
            one
            for one in known.services
            if one not in mine and not OFF_THE_SHELF.search(one.image) and _mounts_own(own, path, one)
        ]
        if not mine and not others:
            message = "a compose file that starts nothing of the project"
            yield told("orchestration", "not-own", path, known.services[0].line, message, Strength.MENTIONED)
            continue
        first = (mine or others)[0]
        names = ", ".join(one.name for one in (mine or others)[:5])
        strength = Strength.USED if mine else Strength.DECLARED
        yield told(
            "orchestration",
            "compose",
            path,
            first.line,
            f"starts {names}",
            strength,
            wired,
            verified,
        )


def _mounts_own(own: Images, path: str, service: Service) -> bool:
    folder = path.rpartition("/")[0]
    for volume in service.volumes:
        source = volume.partition(":")[0]
        if source.startswith("."):
            plain = (f"{folder}/" if folder else "") + source.removeprefix("./").strip("/.")
            if not plain or own.has(plain):
                return True
    return False


def started(
    project: Project, starts: Pattern, checks: Pattern, actions: Pattern | None = None
) -> tuple[str | None, str | None]:
    """Return what starts things in CI or in a recipe, and what tries them in the same job in a run that can fail."""
    ran = steps_of(project).ran
    begun = [
        one
        for one in ran
        if (starts.search(one.text) and not one.uses) or (actions is not None and one.uses and actions.match(one.uses))
    ]
    tried = {
        (one.path, one.job)
        for one in ran
        if one.can_fail and (tests(one.words) or checks.search(one.text) or TRIES.search(one.text))
    }
    for one in begun:
        if one.automatic and one.can_fail and (one.path, one.job) in tried:
            place = f"{one.path}:{one.line} starts it"
            return place, f"{place} and tries it"
    if begun:
        return f"{begun[0].path}:{begun[0].line} starts it", None
    for path, known in project.of(RecipeFacts).items():
        if role_of(path) is Role.OWN:
            for text, line in known.commands:
                if starts.search(text):
                    return f"{path}:{line} starts it", None
    return None, None


def _manifests(project: Project, own: Images) -> Iterator[Finding]:
    values = {
        path.rpartition("/")[0]: one
        for path, known in project.of(ManifestFacts).items()
        for one in known.objects
        if one.kind == "Values"
    }
    wired, verified = started(project, APPLIES, CHECKS, APPLYING)
    for path, known in project.of(ManifestFacts).items():
        if role_of(path) not in (Role.OWN, Role.EXAMPLE) or path.startswith(".github/"):
            continue
        found = next((one for one in known.objects if starts_own(path, one, values)), None)
        if found is None:
            continue
        strength = (
            Strength.USED
            if found.templated or any(own.image_is_own(image) for image, _ in found.images)
            else Strength.DECLARED
        )
        named = f" {found.name}" if found.name and "{{" not in found.name else ""
        message = f"{found.kind}{named} of the project"
        yield told("orchestration", "manifest", path, found.line, message, strength, wired, verified)


def starts_own(path: str, one: Resource, values: dict[str, Resource]) -> bool:
    """Tell whether a workload starts an image that may be the project's: no shop-bought one, no untouched chart."""
    if one.kind not in WORKLOADS and not (one.images and "Job" in one.kind):
        return False
    images = [image for image, _ in one.images]
    if one.templated:
        chart = path.partition("/templates/")[0]
        held = values.get(chart)
        if held is not None and held.images:
            images = [image for image, _ in held.images]
    if one.kind in ("InferenceService", "SeldonDeployment", "Application"):
        return True
    return any(not OFF_THE_SHELF.search(image) for image in images)
