"""What raises the levels of a person most: the next grade of a signal, weighed by the role they aim at."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from assessor.analysis.grading import CEILING, level, topic_grades
from assessor.analysis.union import Shown, union_grades
from assessor.content.schema import Catalogue, Layer, Signal, SignalText

__all__ = ["Standing", "Step", "StepKind", "next_steps", "path_up"]

StepKind = Literal["rate", "repository", "identity", "quiz", "signal"]
EFFORTS = ("low", "medium", "high")
SHOWN = 3
A_LEVEL = 1.0
LONGEST = 6
"""Steps of a path, at most: more would be a curriculum."""


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
    quizzed: Collection[int],
) -> tuple[Step, ...]:
    """Return up to three steps: first what nothing can be measured without, then the signals that gain most.

    `repositories` maps the analyses that count to what they show, `claimed` names analyses that count for nobody until
    an identity is confirmed, `quizzed` are the layers, 0..9, that a quiz has measured.
    """
    steps = []
    if all(standing.level is None for standing in standings):
        steps.append(Step("rate"))
    if not repositories:
        steps.append(Step("identity", analysis_id=claimed[-1]) if claimed else Step("repository"))
    steps += _quiz(catalogue, standings, quizzed)
    if repositories:
        steps += _signals(catalogue, standings, repositories)
    return tuple(steps[:SHOWN])


def _quiz(catalogue: Catalogue, standings: Sequence[Standing], quizzed: Collection[int]) -> Iterator[Step]:
    """Yield a quiz: the whole one where there was none, else of the layer whose unmeasured gap counts most, if any."""
    if not quizzed:
        yield Step("quiz")
        return
    gaps = [
        (standing.weight * (standing.target - (standing.level or 0.0)), index)
        for index, standing in enumerate(standings)
        if index not in quizzed and standing.target is not None and (standing.level or 0.0) < standing.target
    ]
    if gaps:
        yield Step("quiz", layer=catalogue.framework.layers[max(gaps)[1]])


def path_up(catalogue: Catalogue, layer: Layer, repositories: Mapping[str, Shown]) -> tuple[Step, ...]:
    """Return the steps that together raise by one level what a person's repositories show of a layer, the best first.

    A signal stands here once, with the `gain` of all its grades on the way. Fewer steps are returned where repositories
    can gain no more.
    """
    grades = union_grades(catalogue.framework, repositories.values())
    held = _held(repositories)
    newest = next(reversed(list(repositories)), None)
    start = _shown_level(layer, grades)
    steps: dict[str, Step] = {}
    while len(steps) < LONGEST and _shown_level(layer, grades) < start + A_LEVEL:
        options = [
            (gain, -EFFORTS.index(text.effort), signal, text, raised)
            for signal, text in _open_signals(catalogue, held)
            if (raised := _raised(catalogue, layer, signal, held, grades)) != grades
            and (gain := _shown_level(layer, raised) - _shown_level(layer, grades)) > 0
        ]
        if not options:
            break
        gain, _, signal, text, grades = max(options, key=lambda option: option[:2])
        grade, found_in = held.get(signal.key, (0, None))
        known = steps.get(signal.key)
        if known is None:
            steps[signal.key] = Step("signal", layer, signal, text, gain, found_in or newest, grade)
        else:
            steps[signal.key] = replace(known, gain=(known.gain or 0.0) + gain)
        held[signal.key] = (_next_grade(grade), found_in)
    return tuple(sorted(steps.values(), key=lambda step: -(step.gain or 0.0)))


def _shown_level(layer: Layer, grades: Mapping[str, int]) -> float:
    shown = [grades.get(topic.key, 0) for topic in layer.topics if "repo" in topic.instruments]
    return level(shown) if layer.choose is None else float(max(shown, default=0))


def _raised(
    catalogue: Catalogue,
    layer: Layer,
    signal: Signal,
    held: Mapping[str, tuple[int, str | None]],
    grades: Mapping[str, int],
) -> dict[str, int]:
    """Return the grades of the topics when one signal has its next grade."""
    after = topic_grades(catalogue.framework, {signal.key: _next_grade(held.get(signal.key, (0, None))[0])})
    mine = {topic.key for topic in layer.topics}
    return {**grades, **{key: max(grades.get(key, 0), grade) for key, grade in after.items() if key in mine}}


def _next_grade(grade: int) -> int:
    return grade + 1 if grade else 2


def _held(repositories: Mapping[str, Shown]) -> dict[str, tuple[int, str | None]]:
    """Return the best grade of every signal that is shown, and the analysis that shows it."""
    held: dict[str, tuple[int, str | None]] = {}
    for analysis_id, shown in repositories.items():
        for key, grade in shown.grades.items():
            if grade >= held.get(key, (0, None))[0]:
                held[key] = (grade, analysis_id)
    return held


def _open_signals(
    catalogue: Catalogue, held: Mapping[str, tuple[int, str | None]]
) -> Iterator[tuple[Signal, SignalText]]:
    """Yield the signals in favour that one commit can still raise."""
    for signal in catalogue.framework.signals.values():
        text = catalogue.signal_texts.get(signal.key)
        if (
            signal.polarity > 0
            and text is not None
            and held.get(signal.key, (0, None))[0] < min(signal.cap or CEILING, CEILING)
        ):
            yield signal, text


def _signals(catalogue: Catalogue, standings: Sequence[Standing], repositories: Mapping[str, Shown]) -> list[Step]:
    framework = catalogue.framework
    grades = union_grades(framework, repositories.values())
    held = _held(repositories)
    newest = list(repositories)[-1]
    found: list[tuple[float, int, Step]] = []
    for signal, text in _open_signals(catalogue, held):
        grade, found_in = held.get(signal.key, (0, None))
        raised = topic_grades(framework, {signal.key: _next_grade(grade)})
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
