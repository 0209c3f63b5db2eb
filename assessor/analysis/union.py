"""From the repositories of one person to one row of evidence per layer: policy alone, on stored grades.

A person is judged by the union of what their repositories show, over the topics that are shown at all: that a hobby
project has no drift monitor says nothing about its author (evidence.md, "From repositories to a person").
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assessor.analysis.grading import CEILING, NEGATIVE_CAP, SETTING_CAPS, Outcome, level, topic_grades
from assessor.analysis.report.model import Report
from assessor.content.schema import Framework, Layer

__all__ = ["NOISE", "LayerRow", "Shown", "shown_by", "union_grades", "union_rows"]

NOISE = 0.8
"""Standard deviation of a row, in levels, when every measurable topic of its layer is shown."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Hold what one repository shows of a person: grades by signal after authorship, and caps by layer key."""

    grades: Mapping[str, int]
    capped: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class LayerRow:
    """Hold one row of evidence: layer 0..9, level and noise in levels, and whether every shown topic is at its cap."""

    layer: int
    level: float
    noise_sd: float
    at_ceiling: bool


def shown_by(report: Report) -> Shown:
    """Return what a report says that counts for a person: present signals in favour, and the layers that are held down."""
    return Shown(
        grades={
            signal.key: signal.grade
            for signal in report.signals
            if signal.polarity > 0 and signal.outcome is Outcome.PRESENT and signal.grade
        },
        capped={
            layer.key: min(SETTING_CAPS.get(rule, NEGATIVE_CAP) for rule in layer.capped_by)
            for layer in report.layers
            if layer.capped_by
        },
    )


def union_grades(framework: Framework, repositories: Iterable[Shown]) -> dict[str, int]:
    """Return the best grade of every topic over the repositories.

    A cap holds down the repository that earned it and no other: one leaked key must not take away what a second
    repository shows, and adding a repository never lowers a grade.
    """
    layer_of = {topic.key: layer.key for layer in framework.layers for topic in layer.topics}
    best: dict[str, int] = {}
    for shown in repositories:
        for topic, grade in topic_grades(framework, shown.grades).items():
            held = math.floor(shown.capped.get(layer_of[topic], grade))
            best[topic] = max(best.get(topic, 0), min(grade, held))
    return {topic: grade for topic, grade in best.items() if grade}


def union_rows(framework: Framework, repositories: Iterable[Shown]) -> list[LayerRow]:
    """Return one row for each layer of which any topic is shown; the noise falls with the share of topics shown."""
    best = union_grades(framework, repositories)
    rows = [_row(framework, index, layer, best) for index, layer in enumerate(framework.layers)]
    return [row for row in rows if row is not None]


def _row(framework: Framework, index: int, layer: Layer, best: Mapping[str, int]) -> LayerRow | None:
    measurable = [topic.key for topic in layer.topics if "repo" in topic.instruments]
    shown = {topic: best[topic] for topic in measurable if topic in best}
    if not shown:
        return None
    if layer.choose is not None:  # the best topic stands for the layer: nobody works in every domain
        top = max(shown, key=lambda topic: shown[topic])
        shown, measurable = {top: shown[top]}, [top]
    caps = _caps(framework)
    return LayerRow(
        layer=index,
        level=float(max(shown.values())) if layer.choose is not None else level(list(shown.values())),
        noise_sd=NOISE * math.sqrt(len(measurable) / len(shown)),
        at_ceiling=all(grade >= caps[topic] for topic, grade in shown.items()),
    )


def _caps(framework: Framework) -> dict[str, int]:
    """Return the best grade that one commit can show of each topic."""
    caps: dict[str, int] = {}
    for signal in framework.signals.values():
        if signal.polarity > 0:
            for topic in signal.topics:
                caps[topic] = max(caps.get(topic, 0), min(signal.cap or CEILING, CEILING))
    return caps
