"""The configuration side of monitoring: what Prometheus and Grafana are told, and what starts them."""

from __future__ import annotations

from collections.abc import Iterator

from assessor.analysis.facts.configuration_model import ComposeFacts, ManifestFacts, WatchFacts
from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy

__all__ = ["watched"]

STACK = Lazy(
    r"(?:^|/)(?:prometheus|grafana(?:-oss|-enterprise)?|alertmanager|victoria-metrics|vmagent|mimir|thanos|metricbeat)(?:[:@]|$)"
)
OPERATED = frozenset(
    {"PrometheusRule", "ServiceMonitor", "PodMonitor", "GrafanaDashboard", "Probe", "AlertmanagerConfig"}
)
TOLD = {
    "scrape": "Prometheus collects from {}",
    "alert": "an alert, {}",
    "record": "a recorded figure, {}",
    "dashboard": "a dashboard with queries, {}",
    "monitor": "a monitor of the platform is switched on, {}",
}


def watched(project: Project) -> Iterator[Finding]:
    """Find alert rules, scrape jobs and dashboards, and say whether the repository starts what reads them.

    Bad: `image: grafana/grafana` with nothing to show. Good: that and a dashboard with queries; a `ServiceMonitor`.
    """
    started = next(_started(project), None)
    for path, known in project.of(WatchFacts).items():
        if role_of(path) is Role.OWN:
            for one in [one for one in known.watches if one.kind in TOLD][:20]:
                strength = Strength.USED if started or one.kind == "monitor" else Strength.DECLARED
                yield _told(one.kind, path, one.line, TOLD[one.kind].format(one.name or "unnamed"), strength, started)
    for path, manifest in project.of(ManifestFacts).items():
        if role_of(path) is Role.OWN:
            for thing in manifest.objects:
                if thing.kind in OPERATED:
                    told = f"{path}:{thing.line} is read by the cluster's operator"
                    yield _told(
                        "operator", path, thing.line, f"a {thing.kind} {thing.name}".strip(), Strength.USED, told
                    )


def _started(project: Project) -> Iterator[str]:
    for path, known in project.of(ComposeFacts).items():
        if role_of(path) is Role.OWN:
            for service in known.services:
                if STACK.search(service.image):
                    yield f"{path}:{service.line} starts {service.name}"
    for path, manifest in project.of(ManifestFacts).items():
        if role_of(path) is Role.OWN:
            for thing in manifest.objects:
                if thing.kind in ("Prometheus", "Grafana") or any(STACK.search(image) for image, _ in thing.images):
                    yield f"{path}:{thing.line} starts {thing.name or thing.kind}"


def _told(detector: str, path: str, line: int, message: str, strength: Strength, wired: str | None) -> Finding:
    return Finding("monitoring", detector, path, line, message, strength, setting=Setting.CONFIGURATION, wired_by=wired)
