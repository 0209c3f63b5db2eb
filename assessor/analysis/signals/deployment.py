"""Layer 4: images that are hard to break into, and pods that tell when they are ready and take no more than their share."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.facts.configuration_model import DockerFacts, ManifestFacts, Resource, WatchFacts
from assessor.analysis.findings import Finding, Strength
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.images import SKIPPED, Images
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.lookup import Lookup, last_of, lookup_of
from assessor.analysis.signals.orchestration import APPLIES, APPLYING, CHECKS, started, starts_own
from assessor.analysis.signals.sites import at_call
from assessor.analysis.signals.told import told

__all__ = ["docker_hardened", "k8s_probes"]

ENOUGH = 3
SLIM = Lazy(
    r"(?:^|[/:\-])(?:slim|alpine|distroless|minimal|micro|busybox|scratch|wolfi|chainguard|ubi\d*-minimal)(?:$|[\w.\-:]*)",
    re.I,
)
ROOT = Lazy(r"(?:root|0)(?::(?:root|0))?$")


def docker_hardened(project: Project) -> Iterator[Finding]:
    """Find images with at least three of: a pinned base, slim or multi-stage, a user that is not root, a health check, .dockerignore.

    Bad: `FROM python:latest` as root. Good: `FROM python:3.12-slim`, `USER app`, `HEALTHCHECK CMD curl -f localhost/health`.
    """
    own = Images(project)
    for path, known in project.of(DockerFacts).items():
        if role_of(path) not in (Role.OWN, Role.EXAMPLE) or SKIPPED.search(path) or not known.stages:
            continue
        if own.copied(path, known) is None and own.mounted.get(path) is None:
            continue
        kept = _hardened(project, path, known)
        line = next(iter(kept.values()), known.stages[0].line)
        told_of = ", ".join(kept) or "none of the five"
        if len(kept) >= ENOUGH:
            wired, verified = own.built(path)
            yield told(
                "docker-hardened", "hardened", path, line, f"an image with {told_of}", Strength.USED, wired, verified
            )
        else:
            message = f"an image with {told_of}, too little to be hardened"
            yield told("docker-hardened", "too-little", path, line, message, Strength.MENTIONED)


def _hardened(project: Project, path: str, known: DockerFacts) -> dict[str, int]:
    """Return what hardens an image, with the lines; a file beside it counts at the first FROM."""
    names = {stage.name for stage in known.stages if stage.name}
    bases = [stage for stage in known.stages if stage.image not in names]
    found: dict[str, int] = {}
    pinned = [
        (stage.pinned in ("digest", "version") and "$" not in stage.image) or stage.image == "scratch"
        for stage in bases
    ]
    if bases and all(pinned):
        found["a pinned base"] = bases[0].line
    taken = any(one.word == "COPY" and "--from=" in one.text for one in known.instructions)
    last = _base_of_last(known)
    if (len(known.stages) > 1 and (taken or known.stages[-1].image in names)) or SLIM.search(last):
        found["a slim or multi-stage build"] = known.stages[-1].line
    end = len(known.stages) - 1
    users = [one for one in known.instructions if one.word == "USER" and _in_last(known, one.stage)]
    if users and not ROOT.match(users[-1].text.strip()) and users[-1].stage <= end:
        found["a user that is not root"] = users[-1].line
    checks = [one for one in known.instructions if one.word == "HEALTHCHECK" and _in_last(known, one.stage)]
    if checks and not checks[-1].text.upper().startswith("NONE"):
        found["a health check"] = checks[-1].line
    folder = path.rpartition("/")[0]
    for name in (f"{path}.dockerignore", f"{folder}/.dockerignore" if folder else ".dockerignore", ".dockerignore"):
        if name in project.entries and project.entries[name].size > 2:
            found[".dockerignore"] = known.stages[0].line
            break
    return found


def _chain_of_last(known: DockerFacts) -> list[int]:
    """Return the stages that the last one is made from, itself first."""
    named = {stage.name: place for place, stage in enumerate(known.stages) if stage.name}
    place, chain = len(known.stages) - 1, [len(known.stages) - 1]
    while known.stages[place].image in named and named[known.stages[place].image] < place:
        place = named[known.stages[place].image]
        chain.append(place)
    return chain


def _in_last(known: DockerFacts, stage: int) -> bool:
    return stage in _chain_of_last(known)


def _base_of_last(known: DockerFacts) -> str:
    return known.stages[_chain_of_last(known)[-1]].image


AUTOSCALED = frozenset({"HorizontalPodAutoscaler", "PodDisruptionBudget", "ScaledObject", "VerticalPodAutoscaler"})
CLUSTER = Lazy(
    r"kubernetes(?:_asyncio)?\.client\.(?:\w+\.)*(?:V1Probe|V1ResourceRequirements|V\d\w*HorizontalPodAutoscaler|V1PodDisruptionBudget)$"
    r"|azureml\.core\.(?:webservice|compute)\.(?:\w+\.)?AksWebservice\.deploy_configuration$|azureml\.core\.webservice\.AksEndpoint\.deploy_configuration$"
    r"|azure\.ai\.ml\.entities\.(?:KubernetesOnlineDeployment|ManagedOnlineDeployment|ProbeSettings)$|pulumi_kubernetes\..*(?:PodDisruptionBudget|HorizontalPodAutoscaler)\w*$"
)
GUARDS = frozenset(
    {
        "autoscale_enabled",
        "cpu_cores_limit",
        "memory_gb_limit",
        "memory_gb",
        "cpu_cores",
        "period_seconds",
        "liveness_probe",
        "readiness_probe",
        "resources",
    }
)


def k8s_probes(project: Project) -> Iterator[Finding]:
    """Find probes, limits, autoscalers and disruption budgets of what runs in a cluster.

    Bad: a bare Deployment, a health check of a compose file, a chart of nginx that nobody touched.
    Good: `readinessProbe` and `resources.limits` beside the image; a HorizontalPodAutoscaler.
    """
    values = {
        path.rpartition("/")[0]: one
        for path, known in project.of(ManifestFacts).items()
        for one in known.objects
        if one.kind == "Values"
    }
    wired, verified = started(project, APPLIES, CHECKS, APPLYING)
    for path, known in project.of(ManifestFacts).items():
        if role_of(path) in (Role.OWN, Role.EXAMPLE) and not path.startswith(".github/"):
            for one in known.objects:
                guard = _guard(path, one, values)
                if guard is not None:
                    message, line = guard
                    yield told("k8s-probes", "manifest", path, line, message, Strength.USED, wired, verified)
    for path, watched in project.of(WatchFacts).items():
        first = next((one for one in watched.watches if one.kind == "cluster"), None)
        if first is not None and role_of(path) is Role.OWN:
            yield told(
                "k8s-probes", "managed", path, first.line, f"the managed cluster is told {first.name}", Strength.USED
            )
    yield from _in_code(lookup_of(project))


def _guard(path: str, one: Resource, values: dict[str, Resource]) -> tuple[str, int] | None:
    """Say what guards a workload, and where."""
    if one.kind in AUTOSCALED:
        return None if one.templated else (f"a {one.kind} {one.name}".strip(), one.line)
    if not starts_own(path, one, values):
        return None
    if one.probes:
        return f"{one.kind} {one.name} has a {one.probes[0][0]}", one.probes[0][1]
    if one.limits is not None and not one.templated:
        return f"{one.kind} {one.name} has requests or limits", one.limits
    return None


def _in_code(look: Lookup) -> Iterator[Finding]:
    for site in look.rooted(CLUSTER, "kubernetes", "kubernetes_asyncio", "azureml", "azure", "pulumi_kubernetes"):
        name = last_of(site.name)
        plain = name.startswith(("V1", "V2", "ProbeSettings")) or "Pod" in name
        if plain or GUARDS & {key for key, _ in site.call.keywords}:
            yield at_call("k8s-probes", "code", site, f"{name} gives probes, limits or replicas to a cluster")
