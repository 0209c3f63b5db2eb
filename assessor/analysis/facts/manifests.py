"""Read compose files, Kubernetes manifests, charts, pipelines and what Prometheus and Grafana are told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from assessor.analysis.facts.configuration_model import (
    ComposeFacts,
    DependencyFacts,
    HooksFacts,
    Lines,
    LoadFacts,
    ManifestFacts,
    PaperFacts,
    ParametersFacts,
    PipelineFacts,
    PipelineStage,
    RecipeFacts,
    Resource,
    Service,
    TrackedFacts,
    Watch,
    WatchFacts,
    WorkflowFacts,
)
from assessor.analysis.facts.dependencies import conda
from assessor.analysis.facts.loads import artillery
from assessor.analysis.facts.model import Skipped
from assessor.analysis.facts.papers import openapi
from assessor.analysis.facts.parameters import read_parameters
from assessor.analysis.facts.settings import hooks, package
from assessor.analysis.facts.shell import words_of
from assessor.analysis.facts.workflows import workflow_of
from assessor.analysis.facts.yamltext import Map, Scalar, as_map, documents, maps, script, text, texts

__all__ = ["read_compose", "read_json", "read_yaml"]

TEMPLATE = re.compile(rb"\{\{")
RUNNING = frozenset(
    words_of(
        "Deployment StatefulSet DaemonSet Job CronJob Pod ReplicaSet ReplicationController Rollout DeploymentConfig List"
        " Kustomization InferenceService SeldonDeployment RayService RayJob RayCluster Service Workflow CronWorkflow"
        " WorkflowTemplate PyTorchJob TFJob MPIJob XGBoostJob SparkApplication ElasticJob Experiment Application"
        " Prometheus PrometheusRule ServiceMonitor PodMonitor Grafana HorizontalPodAutoscaler PodDisruptionBudget"
    )
)
"""Kinds whose documents are read; of others kind and name are enough, and some are very long."""
KIND = re.compile(r"^kind:[ \t]*['\"]?(\w+)", re.MULTILINE)
NAME = re.compile(r"^  name:[ \t]*['\"]?([^\s'\"#]+)", re.MULTILINE)
API = re.compile(r"^apiVersion:[ \t]*['\"]?([^\s'\"#]+)", re.MULTILINE)
IMAGE = re.compile(r"^[ \t-]*(?:image|repository):[ \t]*['\"]?([^\s#][^\n#]*)", re.MULTILINE)
PROBE = re.compile(r"^[ \t]*(readinessProbe|livenessProbe|startupProbe):", re.MULTILINE)
LIMITS = re.compile(r"^[ \t]*(?:limits|requests|resources):", re.MULTILINE)
GPU = re.compile(r"^[ \t]*['\"]?((?:nvidia|amd)\.com/[\w.\-]+)['\"]?:[ \t]*['\"]?[1-9{]", re.MULTILINE)
GPU_NAME = re.compile(r"(?:nvidia|amd)\.com/(?:gpu|mig|[\w.\-]*vgpu)")
SCRIPT = re.compile(rb"^[ \t]{1,12}script:", re.MULTILINE)
STAGED = re.compile(rb"^[ \t]{1,12}(?:stage|extends):", re.MULTILINE)
DEPENDING = re.compile(rb"^dependencies:", re.MULTILINE)
ARTILLERY = re.compile(
    rb"^config:\s*(?:#[^\n]*)?\n(?:[ \t][^\n]*\n)*?[ \t]+target:(?:[^\n]*\n)+?scenarios:", re.MULTILINE
)
MANIFEST = re.compile(rb"^(?:apiVersion|kind):", re.MULTILINE)
RULES = re.compile(rb"^[ \t-]{0,40}(?:alert|record|scrape_configs|alerting):", re.MULTILINE)
SWITCHED_ON = re.compile(
    r"^[ \t]{0,12}(app_?insights_?enabled|enable_?app_?insights|auth_?(?:enabled|mode)):[ \t]*(?:true|key|a[am][dl]_?token)\b",
    re.IGNORECASE | re.MULTILINE,
)
"""What a managed service is told, to watch the model that it serves."""
CLUSTERED = re.compile(
    rb"^[ \t]*compute_?type:[ \t]*['\"]?(?:aks|kubernetes|amlarc|eks|gke)\b", re.IGNORECASE | re.MULTILINE
)
CLUSTER = re.compile(
    r"^[ \t]{0,12}(auto_?scaler?|auto_?scale_?enabled|(?:liveness|readiness)_?probe\w*|container_?resource_?requirements"
    r"|app_?insights_?enabled(?=:[ \t]*true\b)):",
    re.IGNORECASE | re.MULTILINE,
)
"""What a managed cluster is told of replicas, probes and limits."""
DEEPEST = 12


def read_compose(path: str, data: bytes) -> ComposeFacts | Skipped | None:
    """Return the services of a compose file."""
    found = documents(data)
    if isinstance(found, str):
        return Skipped(path, found)
    top = as_map(found[0]) if found else Map(1)
    services = as_map(top.get("services"))
    if not services and "services" not in top:
        services = Map(1)
        for name, one in top.items():  # version 1: the services stand at the top
            if isinstance(one, Map) and ("image" in one or "build" in one):
                services[name], services.lines[name] = one, top.lines[name]
    includes = [text(one.get("path")) for one in maps(top.get("include"))] + texts(top.get("include"))
    return ComposeFacts(
        tuple(_service(name, services.line_of(name), as_map(one)) for name, one in services.items()),
        tuple(filter(None, includes)),
    )


def _service(name: str, line: int, one: Map) -> Service:
    build = one.get("build")
    context = text(as_map(build).get("context")) or text(build) or ("." if isinstance(build, Map) else "")
    words = " ".join(texts(one.get("entrypoint")) + texts(one.get("command")))
    volumes = texts(one.get("volumes")) + [
        f"{text(volume.get('source'))}:{text(volume.get('target'))}" for volume in maps(one.get("volumes"))
    ]
    deploy = as_map(one.get("deploy"))
    return Service(
        name,
        line,
        text(one.get("image")),
        context,
        text(as_map(build).get("dockerfile")),
        words,
        one.lines.get("command", one.lines.get("entrypoint", line)),
        tuple(volumes),
        len(texts(one.get("ports"))) + len(list(maps(one.get("ports")))),
        "healthcheck" in one,
        "resources" in deploy or "replicas" in deploy or "mem_limit" in one or "cpus" in one,
        tuple(texts(one.get("profiles"))),
        "devices" in as_map(as_map(deploy.get("resources")).get("reservations")) or "gpus" in one,
    )


YamlFacts = (
    ManifestFacts
    | PipelineFacts
    | TrackedFacts
    | WatchFacts
    | HooksFacts
    | DependencyFacts
    | WorkflowFacts
    | RecipeFacts
    | ParametersFacts
    | PaperFacts
    | LoadFacts
)


def read_yaml(path: str, data: bytes) -> YamlFacts | Skipped | None:
    """Return what a YAML file declares, None for one that is no configuration of a known kind; those are not parsed."""
    name = path.lower().rpartition("/")[2]
    known: dict[str, Callable[[Map], YamlFacts | None]] = {
        "dvc.yaml": _dvc,
        "mlproject": _mlproject,
        ".pre-commit-config.yaml": hooks,
        ".pre-commit-config.yml": hooks,
    }
    if name in ("action.yml", "action.yaml"):
        return _parsed(path, data, lambda top: workflow_of(".github/", [top]) if "runs" in top else None)
    read = known.get(name)
    if read is None and b"\napiVersion:" in b"\n" + data[:6_000] and not name.endswith(".dvc"):
        return _manifest(path, name, data)
    if read is None and name.endswith(".dvc"):
        read = _tracked
    elif read is None and DEPENDING.search(data[:20_000]):
        read = conda
    elif read is None and SCRIPT.search(data) and STAGED.search(data):
        return _parsed(path, data, lambda top: workflow_of("gitlab", [top]))
    elif read is None and RULES.search(data) and not TEMPLATE.search(data[:200]) and not MANIFEST.search(data):
        read = _watches
    if read is not None:
        return _parsed(path, data, read)
    if b"ompute" in data and CLUSTERED.search(data) and (told := _cluster(data)):
        return told
    if b"scenarios:" in data and ARTILLERY.search(data):
        return artillery(data)
    if (b"nsights" in data or b"auth" in data) and (switched := _switched(data.decode("utf-8", "replace"))):
        return WatchFacts(switched)
    if name in ("chart.yaml", "values.yaml") or name.startswith("kustomization.") or MANIFEST.search(data):
        return _manifest(path, name, data)
    return openapi(data, json=False) or read_parameters(data)


def _cluster(data: bytes) -> WatchFacts | None:
    """Return what the deployment of a managed cluster is told of replicas, probes and limits, and of its monitor."""
    source = data.decode("utf-8", "replace")
    found = [
        Watch(
            "monitor" if "nsights" in match[0].lower() else "cluster",
            match[1],
            source.count("\n", 0, match.start(1)) + 1,
            "",
        )
        for match in CLUSTER.finditer(source)
    ]
    return WatchFacts(tuple(found)) if found else None


def _switched(source: str) -> tuple[Watch, ...]:
    return tuple(
        Watch(
            "auth" if one[1].lower().startswith("auth") else "monitor",
            one[1],
            source.count("\n", 0, one.start(1)) + 1,
            "",
        )
        for one in SWITCHED_ON.finditer(source)
    )


def _parsed(path: str, data: bytes, read: Callable[[Map], YamlFacts | None]) -> YamlFacts | Skipped | None:
    found = documents(data)
    if isinstance(found, str):
        return Skipped(path, found)
    return read(as_map(found[0])) if found else None


def _manifest(path: str, name: str, data: bytes) -> ManifestFacts | Skipped | None:
    source = data.decode("utf-8", "replace")
    if name in ("chart.yaml", "values.yaml") and not KIND.search(source):
        kind = "Chart" if name == "chart.yaml" else "Values"
        if kind == "Values" and not source.strip():
            return None
        return ManifestFacts((_by_text(source, 1)._replace(kind=kind),), ())
    objects: list[Resource] = []
    resources: list[str] = []
    for first, part in _parts(source):
        match = KIND.search(part)
        if match is not None:
            objects += _traffic(part, first, match)
        if match is not None and match[1] not in RUNNING:
            objects.append(_named(part, first, match))
            continue
        if "{{" in part:
            if match is not None:
                objects.append(_by_text(part, first))
            continue
        found = documents(part)
        if isinstance(found, str):
            return Skipped(path, found)
        for top in map(as_map, found):
            listed = list(maps(top.get("items"))) if text(top.get("kind")) == "List" else [top]
            objects += [
                _resource(one, first - 1) for one in listed if text(one.get("kind")) and text(one.get("apiVersion"))
            ]
            if name.startswith("kustomization.") or text(top.get("kind")) == "Kustomization":
                if text(top.get("kind")) != "Kustomization":
                    objects.append(Resource("Kustomization", "", first, "", (), (), (), None, False, None))
                resources += [one for key in ("resources", "bases", "components") for one in texts(top.get(key))]
    return ManifestFacts(tuple(objects), tuple(resources)) if objects or resources else None


def _named(part: str, first: int, kind: re.Match[str]) -> Resource:
    name = NAME.search(part, kind.start()) or NAME.search(part)
    line = first + part.count("\n", 0, kind.start())
    return Resource(kind[1], name[1] if name else "", line, "", (), (), (), None, "{{" in part, None)


WEIGHTED = re.compile(
    r"^[ \t-]*(?:weight|setWeight|canaryTrafficPercent|traffic|[\w./]+/canary-weight|stepWeight|maxWeight):[ \t]*"
    r"[\"']?(?:[1-9]\d?\b(?!\d)|\{\{)",
    re.MULTILINE,
)
MIRRORED = re.compile(r"^[ \t-]*(?:mirror|mirrors|requestMirror|shadow):(?!(?:[ \t]*['\"]?false))", re.MULTILINE)
SHARED = frozenset({"VirtualService", "HTTPRoute", "TrafficSplit", "ServiceRouter", "TraefikService"})
SINGLE = frozenset({"Rollout", "InferenceService", "Canary", "Ingress", "SeldonDeployment", "Experiment"})


def _traffic(part: str, first: int, kind: re.Match[str]) -> Iterator[Resource]:
    """Yield what divides or mirrors the traffic between versions, as objects of kinds TrafficWeights and TrafficMirror."""
    if kind[1] not in SHARED and kind[1] not in SINGLE:
        return
    weights = list(WEIGHTED.finditer(part))
    if len(weights) >= (2 if kind[1] in SHARED else 1):
        line = first + part.count("\n", 0, weights[0].end())
        yield _named(part, first, kind)._replace(kind="TrafficWeights", line=line)
    mirrored = MIRRORED.search(part)
    if mirrored is not None:
        line = first + part.count("\n", 0, mirrored.end())
        yield _named(part, first, kind)._replace(kind="TrafficMirror", line=line)


def _parts(source: str) -> Iterator[tuple[int, str]]:
    """Yield the documents of a file as text, each with the line that it begins at."""
    line = 1
    for part in re.split(r"^---[^\n]*\n", source, flags=re.MULTILINE)[:500]:
        if part.strip():
            yield line, part
        line += part.count("\n") + 1


def _by_text(part: str, first: int) -> Resource:
    def spots(pattern: re.Pattern[str]) -> Lines:
        found, line, counted = [], first, 0
        for match in pattern.finditer(part):
            line, counted = line + part.count("\n", counted, match.start()), match.start()
            found.append((match[1].strip().strip("'\"") if match.lastindex else "", line))
        return tuple(found)

    kind, name, api = KIND.search(part), NAME.search(part), API.search(part)
    limits = spots(LIMITS)
    line = first + part.count("\n", 0, kind.start()) if kind else first
    return Resource(
        kind[1] if kind else "",
        name[1] if name else "",
        line,
        api[1] if api else "",
        spots(IMAGE)[:50],
        (),
        spots(PROBE)[:50],
        limits[0][1] if limits else None,
        "{{" in part,
        next((at for _, at in spots(GPU)), None),
    )


def _resource(top: Map, offset: int) -> Resource:
    images: list[tuple[str, int]] = []
    run: list[tuple[str, int]] = []
    probes: list[tuple[str, int]] = []
    limits: list[int] = []
    gpus: list[int] = []
    for one in _containers(top, DEEPEST):
        images += [(text(one["image"]), one.lines["image"] + offset)]
        words = texts(one.get("command")) + texts(one.get("args"))
        if words:
            line = one.lines.get("command", one.lines.get("args", one.line)) + offset
            inline = len(words) > 2 and words[1].startswith("-") and words[1].endswith("c")
            run.append((words[-1] if inline else " ".join(words), line))
        probes += [
            (key, one.lines[key] + offset) for key in ("readinessProbe", "livenessProbe", "startupProbe") if key in one
        ]
        if as_map(as_map(one.get("resources")).get("limits")) or as_map(as_map(one.get("resources")).get("requests")):
            limits.append(one.lines["resources"] + offset)
            asked = (as_map(as_map(one["resources"]).get(key)) for key in ("limits", "requests"))
            gpus += [some.lines[key] + offset for some in asked for key in some if GPU_NAME.search(key)]
    name = text(as_map(top.get("metadata")).get("name"))
    return Resource(
        text(top.get("kind")),
        name,
        top.line_of("kind") + offset,
        text(top.get("apiVersion")),
        tuple(images),
        tuple(run),
        tuple(probes),
        limits[0] if limits else None,
        False,
        gpus[0] if gpus else None,
    )


def _containers(value: object, depth: int) -> Iterator[Map]:
    """Yield what has an image and stands among containers, however deep the kind puts its pod."""
    if depth == 0:
        return
    if isinstance(value, Map):
        for key, inner in value.items():
            if key in ("containers", "initContainers", "container", "predictor", "script") and inner is not None:
                for one in maps(inner):
                    if isinstance(one.get("image"), Scalar):
                        yield one
            if isinstance(inner, Map | list):
                yield from _containers(inner, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, Map | list):
                yield from _containers(inner, depth - 1)


def _dvc(top: Map) -> PipelineFacts | None:
    stages = as_map(top.get("stages"))
    found = []
    for name, raw in stages.items():
        one = as_map(raw)
        one = as_map(one.get("do")) or one
        outputs = _paths(one.get("outs")) + _paths(one.get("metrics")) + _paths(one.get("plots"))
        found.append(
            PipelineStage(
                name,
                stages.line_of(name),
                script(one.get("cmd")),
                tuple(_paths(one.get("deps"))),
                tuple(outputs),
                tuple(_paths(one.get("metrics"))),
            )
        )
    return PipelineFacts("dvc", tuple(found)) if found else None


def _paths(value: object) -> list[str]:
    return texts(value) + [key for one in maps(value) for key in one]


def _mlproject(top: Map) -> PipelineFacts | None:
    entries = as_map(top.get("entry_points"))
    found = [
        PipelineStage(name, entries.line_of(name), script(as_map(one).get("command")), (), (), ())
        for name, one in entries.items()
    ]
    return PipelineFacts("mlflow", tuple(found)) if found else None


def _tracked(top: Map) -> TrackedFacts | None:
    found = []
    for one in maps(top.get("outs")):
        digest = next((text(one[key]) for key in ("md5", "etag", "sha256", "hash", "checksum") if key in one), "")
        found.append((text(one.get("path")), digest, one.line))
    return TrackedFacts(tuple(found)) if found else None


def _watches(top: Map) -> WatchFacts | None:
    found = [Watch("scrape", text(one.get("job_name")), one.line, "") for one in maps(top.get("scrape_configs"))]
    for group in maps(top.get("groups")):
        for rule in maps(group.get("rules")):
            kind = "alert" if "alert" in rule else "record" if "record" in rule else ""
            if kind and text(rule.get("expr")):
                found.append(Watch(kind, text(rule[kind]), rule.line, text(rule.get("expr"))))
    return WatchFacts(tuple(found)) if found else None


def read_json(path: str, data: bytes) -> WatchFacts | Any | None:
    """Return a Grafana dashboard, or the scripts of a package.json; other JSON is not parsed."""
    name = path.lower().rpartition("/")[2]
    if name == "package.json":
        return package(path, data)
    if b'"panels"' not in data or not (b'"schemaVersion"' in data or b'"targets"' in data):
        return openapi(data, json=True) or read_parameters(data)
    try:
        top = json.loads(data)
    except (ValueError, RecursionError):
        return None
    panels = top.get("panels") if isinstance(top, dict) else None
    expressions = (
        [expression for panel in panels or () for expression in _expressions(panel)] if isinstance(panels, list) else []
    )
    return (
        WatchFacts((Watch("dashboard", str(top.get("title", ""))[:200], 1, expressions[0]),)) if expressions else None
    )


def _expressions(panel: Any) -> Iterator[str]:
    if not isinstance(panel, dict):
        return
    for inner in panel["panels"] if isinstance(panel.get("panels"), list) else ():
        if isinstance(inner, dict) and "panels" not in inner:
            yield from _expressions(inner)
    for target in panel["targets"] if isinstance(panel.get("targets"), list) else ():
        if isinstance(target, dict):
            found = target.get("expr") or target.get("query") or target.get("rawSql") or target.get("metricName")
            if found:
                yield str(found)[:300]
