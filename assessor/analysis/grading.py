"""Turn findings into grades, and grades into levels: policy alone, so that stored findings can be scored again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from assessor.analysis.findings import Finding, Setting, Strength
from assessor.content.schema import Framework, Layer, Signal

TOP = 5
GRADE_NAMES = ("mentioned", "declared", "used", "wired in", "verified", "sustained")
CEILING = 4
"""The best grade one commit can show; 5 is work sustained over analyses that a workspace stored."""

ENOUGH = 0.6
"""The share of a layer's measurable topics that earns a level in full (evidence.md, "Levels")."""

NO_CREDIT, FULL_CREDIT = 0.2, 0.5
"""Shares of the cited lines under which an author gets nothing, and under which one grade less."""

LIVE_IN_TESTS = frozenset({"unit-tests", "dataset-checks", "adversarial-tests", "load-tests", "chaos-tests"})
"""Signals whose code is a test: 2 it asserts on the project's code, 3 CI runs it, 4 that run can fail (signals.yaml)."""

NEGATIVE_CAP = 2.0
NOTEBOOKS_ONLY, TESTS_ONLY = "notebooks-only", "tests-and-examples-only"
SETTING_CAPS = {NOTEBOOKS_ONLY: 2.0, TESTS_ONLY: 1.0}
_ASIDE = frozenset({Setting.TEST, Setting.EXAMPLE})
_NO_CODE = _ASIDE | {Setting.NOTEBOOK}


class Outcome(StrEnum):
    """Say whether a repository shows a signal; unknown is not absent, it widens the bounds."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Graded(NamedTuple):
    """Pair a finding with the grade that the policy gives it."""

    finding: Finding
    grade: int


@dataclass(frozen=True, slots=True)
class SignalScore:
    """Hold what a repository shows of one signal. `gain` is in levels, None where nothing can be gained or known."""

    key: str
    polarity: int
    outcome: Outcome
    grade: int | None
    gain: float | None
    findings: tuple[Graded, ...]


@dataclass(frozen=True, slots=True)
class TopicScore:
    """Hold the grade of one topic: its best signal's after authorship and cap."""

    key: str
    measurable: bool
    cap: int | None
    grade: int | None
    signals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LayerScore:
    """Hold the level of one layer, None where it could not be assessed, and the bounds it lies in."""

    id: int
    key: str
    level: float | None
    bounds: tuple[float, float] | None
    capped_by: tuple[str, ...]
    topics: tuple[TopicScore, ...]
    chain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scores:
    """Hold the ten layers and every signal of the framework, in its order."""

    layers: tuple[LayerScore, ...]
    signals: tuple[SignalScore, ...]


def grade(finding: Finding, signal: Signal) -> int:
    """Grade one finding from 0 to 4, cut by authorship and by the signal's cap (evidence.md, "Grades of a finding")."""
    earned = _standing(finding, signal)
    share = finding.author_share
    if share is not None and share < FULL_CREDIT:
        earned = 0 if share < NO_CREDIT else max(0, earned - 1)
    return earned if signal.cap is None else min(earned, signal.cap)


def _standing(finding: Finding, signal: Signal) -> int:
    wired, verified = finding.wired_by is not None, finding.verified_by is not None
    if finding.strength is Strength.MENTIONED:
        return 0
    if not finding.alive or (
        finding.strength is Strength.DECLARED and not (signal.configuration and (wired or verified))
    ):
        return 1
    if signal.key in LIVE_IN_TESTS:
        return 2 + wired + (wired and verified)
    if finding.setting in _ASIDE and signal.polarity > 0:
        return 2  # tests and examples do not wire anything in, and do not verify themselves
    return 4 if verified else 3 if wired else 2


def level(grades: Sequence[int | None]) -> float:
    """Return the level that topics at these grades make together: sum over g = 1..5 of min(1, s_g / 0.6)^2."""
    if not grades:
        return 0.0
    shares = (sum((grade or 0) >= step for grade in grades) / len(grades) for step in range(1, TOP + 1))
    return sum(min(1.0, share / ENOUGH) ** 2 for share in shares)


def topic_grades(framework: Framework, grades: Mapping[str, int | None]) -> dict[str, int]:
    """Return the grade of every topic for which any signal of positive polarity has one.

    `grades` maps signals to grades after authorship; the caps are applied here again, since a framework may have
    lowered one since the grade was stored.
    """
    best: dict[str, int] = {}
    for signal in framework.signals.values():
        earned = grades.get(signal.key)
        if signal.polarity > 0 and earned is not None:
            for topic in signal.topics:
                best[topic] = max(best.get(topic, 0), _cut(earned, signal))
    return best


def gaining_layer(
    framework: Framework, grades: Mapping[str, int | None], signal: Signal, held: Collection[str]
) -> Layer:
    """Return the layer of a signal that its next grade raises most, the first among equals.

    `held` are the keys of layers that something holds down: they gain nothing, and come last.
    """
    layers = [layer for layer in framework.layers if any(topic.key in signal.topics for topic in layer.topics)]
    now = topic_grades(framework, grades)
    raised = topic_grades(framework, {**grades, signal.key: (grades.get(signal.key) or 0) + 1})
    return max(layers, key=lambda layer: (layer.key not in held, _raw(layer, raised) - _raw(layer, now)))


def score_layers(
    framework: Framework, findings: Mapping[str, Iterable[Finding]], unknown: Collection[str] = ()
) -> Scores:
    """Score every signal and layer of the framework.

    `findings` are grouped by signal; those of signals that the framework does not have are left out. `unknown` names
    signals that could not be looked for; one that has a finding all the same is known.
    """
    graded = {key: _graded(findings.get(key, ()), signal) for key, signal in framework.signals.items()}
    policy = _Policy(framework, graded, unknown)
    return Scores(
        layers=tuple(policy.layer(layer) for layer in framework.layers),
        signals=tuple(policy.signal(signal) for signal in framework.signals.values()),
    )


def _graded(findings: Iterable[Finding], signal: Signal) -> tuple[Graded, ...]:
    return tuple(sorted((Graded(finding, grade(finding, signal)) for finding in findings), key=_rank))


def _rank(graded: Graded) -> tuple[object, ...]:
    finding = graded.finding
    place = (finding.path, finding.cell or 0, finding.line or 0, finding.end_line or 0)
    rest = (finding.wired_by or "", finding.verified_by or "", finding.setting, finding.strength, finding.alive)
    return (-graded.grade, *place, finding.detector, finding.message, *rest)


def _cut(earned: int, signal: Signal) -> int:
    return earned if signal.cap is None else min(earned, signal.cap)


class _Policy:
    """Hold the grades of one repository while its layers and signals are asked for."""

    def __init__(
        self, framework: Framework, graded: Mapping[str, tuple[Graded, ...]], unknown: Collection[str]
    ) -> None:
        self._framework = framework
        self._graded = graded
        self._grades: dict[str, int | None] = {key: found[0].grade if found else None for key, found in graded.items()}
        self._unknown = {key for key in framework.signals if key in unknown and not graded[key]}
        self._settings = {
            key: frozenset(item.finding.setting for item in found if item.grade >= 1) for key, found in graded.items()
        }
        self._layer_of = {topic.key: layer for layer in framework.layers for topic in layer.topics}
        seen = [_cut(earned, framework.signals[key]) for key, earned in self._grades.items() if earned is not None]
        self._best_seen = max(seen, default=0)
        self._topics = topic_grades(framework, self._grades)
        assumed = {key: self._best_seen if key in self._unknown else earned for key, earned in self._grades.items()}
        self._possible = topic_grades(framework, assumed)
        verified = {key: earned for key, earned in self._grades.items() if earned is not None and earned >= 4}
        self._verified = topic_grades(framework, verified)

    def layer(self, layer: Layer) -> LayerScore:
        """Return level, bounds and what holds the level down."""
        topics = tuple(self._topic(layer, key) for key in (topic.key for topic in layer.topics))
        informing = self._informing(layer)
        if not any(topic.measurable for topic in topics) or all(signal.key in self._unknown for signal in informing):
            return LayerScore(layer.id, layer.key, None, None, (), topics)
        caps = self._caps(layer)
        raw = _raw(layer, self._topics)
        lowest = min(caps.values(), default=float(TOP))
        widest = caps
        if any(signal.key in self._unknown for signal in informing):
            # What was not looked for may lie anywhere, also outside notebooks and tests.
            widest = {rule: cap for rule, cap in caps.items() if rule not in SETTING_CAPS}
        low = min(_raw(layer, self._verified), lowest)
        high = min(_raw(layer, self._possible), min(widest.values(), default=float(TOP)))
        held = tuple(rule for rule, cap in caps.items() if cap < raw)
        return LayerScore(layer.id, layer.key, _round(min(raw, lowest)), (_round(low), _round(high)), held, topics)

    def signal(self, signal: Signal) -> SignalScore:
        """Return outcome, grade and gain."""
        earned = self._grades[signal.key]
        outcome = Outcome.PRESENT if self._present(signal) else Outcome.ABSENT
        if signal.key in self._unknown:
            outcome = Outcome.UNKNOWN
        return SignalScore(signal.key, signal.polarity, outcome, earned, self._gain(signal), self._graded[signal.key])

    def _topic(self, layer: Layer, key: str) -> TopicScore:
        topic = next(topic for topic in layer.topics if topic.key == key)
        signals = [signal for signal in self._framework.signals.values() if key in signal.topics]
        caps = [signal.cap for signal in signals if signal.polarity > 0 and signal.cap is not None]
        measurable = "repo" in topic.instruments
        cap = max(caps, default=None) if measurable else None
        return TopicScore(key, measurable, cap, self._topics.get(key), tuple(signal.key for signal in signals))

    def _informing(self, layer: Layer) -> list[Signal]:
        return [
            signal
            for signal in self._framework.signals.values()
            if signal.polarity > 0 and any(self._layer_of[topic] is layer for topic in signal.topics)
        ]

    def _present(self, signal: Signal) -> bool:
        earned = self._grades[signal.key]
        return earned is not None and earned >= (1 if signal.configuration else 2)

    def _caps(self, layer: Layer, *, without: str | None = None) -> dict[str, float]:
        caps = {
            signal.key: NEGATIVE_CAP
            for signal in self._framework.signals.values()
            if signal.polarity < 0 and signal.key != without and self._present(signal)
            if any(self._layer_of[topic] is layer for topic in signal.topics)
        }
        settings = frozenset[Setting]().union(*(self._settings[signal.key] for signal in self._informing(layer)))
        if settings and settings <= _ASIDE:
            caps[TESTS_ONLY] = SETTING_CAPS[TESTS_ONLY]
        elif settings and settings <= _NO_CODE:
            caps[NOTEBOOKS_ONLY] = SETTING_CAPS[NOTEBOOKS_ONLY]
        return caps

    def _gain(self, signal: Signal) -> float | None:
        """Return the levels that the next grade, or a removed signal against, adds to the layer that gains most."""
        if signal.key in self._unknown or (signal.polarity < 0 and not self._present(signal)):
            return None
        layers = {self._layer_of[topic].id: self._layer_of[topic] for topic in signal.topics}
        return _round(max(self._layer_gain(signal, layer) for layer in layers.values()))

    def _layer_gain(self, signal: Signal, layer: Layer) -> float:
        caps = self._caps(layer)
        now = min(_raw(layer, self._topics), *caps.values(), float(TOP))
        if signal.polarity < 0:
            return min(_raw(layer, self._topics), *self._caps(layer, without=signal.key).values(), float(TOP)) - now
        raised = topic_grades(self._framework, {**self._grades, signal.key: (self._grades[signal.key] or 0) + 1})
        return min(_raw(layer, raised), *caps.values(), float(TOP)) - now


def _raw(layer: Layer, grades: Mapping[str, int]) -> float:
    measurable = [grades.get(topic.key) for topic in layer.topics if "repo" in topic.instruments]
    if layer.choose is not None:
        return float(max((earned or 0 for earned in measurable), default=0))
    return level(measurable)


def _round(value: float) -> float:
    return round(value, 4)
