"""What raises the levels of a person most: the next grade of a signal, weighed by the role they aim at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from assessor.analysis.grading import CEILING, level, topic_grades
from assessor.analysis.union import Shown, union_grades
from assessor.content.schema import Catalogue, Layer, Signal, SignalText

__all__ = ["Standing", "Step", "StepKind", "next_steps"]

StepKind = Literal["rate", "repository", "identity", "signal"]
EFFORTS = ("low", "medium", "high")
SHOWN = 3


class Standing(NamedTuple):
    """Say where a person stands in one layer: level and target are None where there is none."""

    level: float | None
    target: float | None
    weight: float


@dataclass(frozen=True, slots=True)
class Step:
    """Name one next step. `gain` is in levels of `layer` as a repository shows it, before the fusion with other evidence."""

    kind: StepKind
    layer: Layer | None = None
    signal: Signal | None = None
    text: SignalText | None = None
    gain: float | None = None
    analysis_id: str | None = None
    grade: int | None = None


def next_steps(
    catalogue: Catalogue,
    standings: Sequence[Standing],
    repositories: Mapping[str, Shown],
    claimed: Sequence[str],
) -> tuple[Step, ...]:
    """Return up to three steps: first what nothing can be measured without, then the signals that gain most.

    `repositories` maps the analyses that count to what they show, `claimed` names analyses that count for nobody until
    an identity is confirmed.
    """
    steps = []
    if all(standing.level is None for standing in standings):
        steps.append(Step("rate"))
    if not repositories:
        steps.append(Step("identity", analysis_id=claimed[-1]) if claimed else Step("repository"))
    if repositories:
        steps += _signals(catalogue, standings, repositories)
    return tuple(steps[:SHOWN])


def _signals(catalogue: Catalogue, standings: Sequence[Standing], repositories: Mapping[str, Shown]) -> list[Step]:
    framework = catalogue.framework
    grades = union_grades(framework, repositories.values())
    held: dict[str, tuple[int, str | None]] = {}
    for analysis_id, shown in repositories.items():
        for key, grade in shown.grades.items():
            if grade >= held.get(key, (0, None))[0]:
                held[key] = (grade, analysis_id)
    newest = list(repositories)[-1]
    found: list[tuple[float, int, Step]] = []
    for signal in framework.signals.values():
        grade, found_in = held.get(signal.key, (0, None))
        text = catalogue.signal_texts.get(signal.key)
        if signal.polarity < 0 or text is None or grade >= min(signal.cap or CEILING, CEILING):
            continue
        raised = topic_grades(framework, {signal.key: grade + 1 if grade else 2})
        layer, gain, worth = max(
            (_gain(layer, standings[index], grades, raised) for index, layer in enumerate(framework.layers)),
            key=lambda option: option[2],
        )
        if worth > 0:
            step = Step("signal", layer, signal, text, gain, found_in or newest, grade)
            found.append((-worth, EFFORTS.index(text.effort), step))
    found.sort(key=lambda option: option[:2])
    return _one_per_topic(found)


def _gain(
    layer: Layer, standing: Standing, grades: Mapping[str, int], raised: Mapping[str, int]
) -> tuple[Layer, float, float]:
    """Return the layer, what it gains, and what that is worth: weight of the role, double under the target."""
    topics = [topic.key for topic in layer.topics if "repo" in topic.instruments]
    if layer.choose is not None or not any(topic in raised for topic in topics):
        return layer, 0.0, 0.0
    after = level([max(grades.get(topic, 0), raised.get(topic, 0)) for topic in topics])
    gain = after - level([grades.get(topic, 0) for topic in topics])
    short = standing.target is not None and (standing.level is None or standing.level < standing.target)
    return layer, gain, gain * standing.weight * (2.0 if short else 1.0)


def _one_per_topic(found: Sequence[tuple[float, int, Step]]) -> list[Step]:
    """Keep the best step of each topic: three ways to the same thing would read as one."""
    seen: set[str] = set()
    steps = []
    for _, _, step in found:
        topics = set(step.signal.topics) if step.signal else set()
        if not topics & seen:
            seen |= topics
            steps.append(step)
    return steps
