"""A next step names the layer that its gain is in."""

from __future__ import annotations

from assessor.analysis.report.model import helped_layer
from assessor.config import resource_dir
from assessor.content.catalogue import load_framework
from tests.reports import make_report


def test_a_step_names_the_layer_that_it_raises() -> None:
    framework = load_framework(resource_dir("rubrics"))
    # Probes count for orchestration in layer 4, which is at its best already, and for handling failure in layer 10.
    report = make_report(framework, {"orchestration": 4, "k8s-probes": 3})
    probes = next(signal for signal in report.signals if signal.key == "k8s-probes")
    assert helped_layer(report, probes, framework).id == 10
    fresh = make_report(framework, {"failure-handling": 4})
    probes = next(signal for signal in fresh.signals if signal.key == "k8s-probes")
    assert helped_layer(fresh, probes, framework).id == 4


def test_what_holds_a_layer_down_helps_that_layer() -> None:
    framework = load_framework(resource_dir("rubrics"))
    shown = dict.fromkeys(("api-auth", "prompt-guard", "privacy", "audit-log", "adversarial-tests"), 4)
    report = make_report(framework, {**shown, "secrets": 2})
    secrets = next(signal for signal in report.signals if signal.key == "secrets")
    assert helped_layer(report, secrets, framework).id == 7
    assert secrets.gain
    assert secrets.gain > 0
