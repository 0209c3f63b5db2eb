"""What the page of one repository shows: its newest report in a reader's order, and how its levels went; no query here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from assessor.analysis.grading import LayerScore, Outcome
from assessor.analysis.report.model import Report, SignalReport, best_evidence, helped_layer, next_steps, place
from assessor.analysis.report.outline import RULES
from assessor.content.schema import Catalogue, Layer, Signal, SignalText
from assessor.models.portfolio import Analysis, Repository

__all__ = ["Held", "LayerLine", "RepositoryPage", "SignalGroup", "SignalLine", "newest_done", "repository_page"]


@dataclass(frozen=True, slots=True)
class SignalLine:
    """Show one signal. `place` is where its best finding lies, None where there is none."""

    signal: Signal
    text: SignalText
    report: SignalReport
    layer: Layer
    place: str | None

    @property
    def known(self) -> bool:
        """Tell whether it was looked for."""
        return self.report.outcome is not Outcome.UNKNOWN

    @property
    def present(self) -> bool:
        """Tell whether the repository shows it."""
        return self.report.outcome is Outcome.PRESENT

    @property
    def against(self) -> bool:
        """Tell whether showing it speaks against the layer."""
        return self.signal.polarity < 0


@dataclass(frozen=True, slots=True)
class Held:
    """Name what holds a level down; `signal` is the key of the signal whose evidence shows it, None for a rule."""

    name: str
    signal: str | None


@dataclass(frozen=True, slots=True)
class LayerLine:
    """Show the level of one layer and what holds it down."""

    layer: Layer
    score: LayerScore
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class SignalGroup:
    """Show the signals whose first topic is of one layer, those looked for apart from the others."""

    layer: Layer
    known: tuple[SignalLine, ...]
    unknown: tuple[SignalLine, ...]


@dataclass(frozen=True, slots=True)
class RepositoryPage:
    """Show a repository. `latest` is its newest analysis, `shown` its newest finished one, which `report` is of."""

    repository: Repository
    latest: Analysis | None
    shown: Analysis | None
    report: Report | None
    layers: tuple[LayerLine, ...]
    best: tuple[SignalLine, ...]
    steps: tuple[SignalLine, ...]
    groups: tuple[SignalGroup, ...]
    trend: tuple[Analysis, ...]

    @property
    def waiting(self) -> bool:
        """Tell whether an analysis is queued or running."""
        return self.latest is not None and self.latest.state in ("queued", "running")


def newest_done(repository: Repository) -> Analysis | None:
    """Return the newest finished analysis of a repository, or None."""
    return next((one for one in reversed(repository.analyses) if one.state == "done"), None)


def repository_page(catalogue: Catalogue, repository: Repository, report: Report | None) -> RepositoryPage:
    """Put the page of a repository together; `report` is of its newest finished analysis, None where there is none."""
    signals = _signals(catalogue, report)
    by_key = {line.signal.key: line for line in signals}
    return RepositoryPage(
        repository=repository,
        latest=repository.analyses[-1] if repository.analyses else None,
        shown=newest_done(repository),
        report=report,
        layers=_layers(catalogue, report),
        best=tuple(by_key[one.key] for one in best_evidence(report) if one.key in by_key) if report else (),
        steps=_steps(catalogue, report, by_key) if report else (),
        groups=_groups(catalogue, signals),
        trend=tuple(one for one in reversed(repository.analyses) if one.state == "done"),
    )


def _signals(catalogue: Catalogue, report: Report | None) -> list[SignalLine]:
    layer_of = {topic.key: layer for layer in catalogue.framework.layers for topic in layer.topics}
    lines = []
    for told in report.signals if report else ():
        signal, text = catalogue.framework.signals.get(told.key), catalogue.signal_texts.get(told.key)
        if signal is not None and text is not None:  # a report of an older framework may name others
            best = place(told.findings[0]) if told.findings else None
            lines.append(SignalLine(signal, text, told, layer_of[signal.topics[0]], best))
    return lines


def _steps(catalogue: Catalogue, report: Report, by_key: Mapping[str, SignalLine]) -> tuple[SignalLine, ...]:
    """Return the next steps, each in the layer that its gain is in."""
    return tuple(
        replace(by_key[one.key], layer=helped_layer(report, one, catalogue.framework))
        for one in next_steps(report)
        if one.key in by_key
    )


def _layers(catalogue: Catalogue, report: Report | None) -> tuple[LayerLine, ...]:
    layers = {layer.key: layer for layer in catalogue.framework.layers}
    return tuple(
        LayerLine(layers[score.key], score, tuple(_held(catalogue, rule) for rule in score.capped_by))
        for score in (report.layers if report else ())
        if score.key in layers
    )


def _held(catalogue: Catalogue, rule: str) -> Held:
    text = catalogue.signal_texts.get(rule)
    return Held(text.name, rule) if text is not None else Held(RULES.get(rule, rule), None)


def _groups(catalogue: Catalogue, signals: Sequence[SignalLine]) -> tuple[SignalGroup, ...]:
    groups = []
    for layer in catalogue.framework.layers:
        own = [line for line in signals if line.layer is layer]
        groups.append(
            SignalGroup(layer, tuple(line for line in own if line.known), tuple(line for line in own if not line.known))
        )
    return tuple(group for group in groups if group.known or group.unknown)
