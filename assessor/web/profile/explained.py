"""The figures that explain scores, taken from where they are used, so that no page can differ from the code."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from assessor.analysis.grading import CEILING, ENOUGH, NEGATIVE_CAP, NO_CREDIT, NOTEBOOKS_ONLY, SETTING_CAPS, TESTS_ONLY
from assessor.content.schema import Catalogue, Layer, Level, Signal, SignalText
from assessor.measurement.fusion import LAYERS, MIDDLE, VERIFYING_SHARE, EvidenceRow, Hyper, Instrument, fit
from assessor.services.parameters import Parameters
from assessor.services.standing import NO_PROOF_CEILING, PROOF_LAYERS

__all__ = ["Alone", "Explained", "SignalLine", "explained"]

EXAMPLE = 4.0


@dataclass(frozen=True, slots=True)
class Alone:
    """Show what one instrument makes of a person by itself: level and 90% interval in a layer, all ten said alike."""

    said: float
    level: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SignalLine:
    """Show one signal with the short names of the other layers it counts for."""

    signal: Signal
    text: SignalText
    also: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Hold all that /how-scores-are-made says in figures."""

    levels: tuple[Level, ...]
    layers: tuple[Layer, ...]
    signals: tuple[tuple[Layer, tuple[SignalLine, ...]], ...]
    count: int
    by_self: Alone
    by_repository: Alone
    by_both: Alone
    proof_layers: tuple[Layer, ...]
    version: str
    parameters: Parameters
    middle: float = MIDDLE
    verifying: float = VERIFYING_SHARE
    enough: float = ENOUGH
    ceiling: int = CEILING
    against: float = NEGATIVE_CAP
    notebooks: float = SETTING_CAPS[NOTEBOOKS_ONLY]
    tests: float = SETTING_CAPS[TESTS_ONLY]
    no_credit: float = NO_CREDIT
    no_proof: float = NO_PROOF_CEILING

    @property
    def hyper(self) -> Hyper:
        """Return the parameters of the model that are in use."""
        return self.parameters.hyper

    @property
    def drift(self) -> float:
        """Return by how much a level drifts in a year, as SD."""
        return math.sqrt(self.hyper.q)


def explained(catalogue: Catalogue, parameters: Parameters) -> Explained:
    """Put together what explains the scores of a catalogue that are fitted with these parameters."""
    framework = catalogue.framework
    layer_of = {topic.key: layer for layer in framework.layers for topic in layer.topics}
    lines: dict[str, list[SignalLine]] = {layer.key: [] for layer in framework.layers}
    for signal in framework.signals.values():
        first, *others = dict.fromkeys(layer_of[topic].key for topic in signal.topics)
        also = tuple(layer.short for layer in framework.layers if layer.key in others)
        lines[first].append(SignalLine(signal, catalogue.signal_texts[signal.key], also))
    return Explained(
        levels=framework.levels,
        layers=framework.layers,
        signals=tuple((layer, tuple(lines[layer.key])) for layer in framework.layers),
        count=len(framework.signals),
        by_self=_alone(parameters.hyper, "self"),
        by_repository=_alone(parameters.hyper, "repo"),
        by_both=_alone(parameters.hyper, "self", "repo"),
        proof_layers=tuple(layer for layer in framework.layers if layer.id in PROOF_LAYERS),
        version=framework.label,
        parameters=parameters,
    )


@lru_cache(maxsize=32)
def _alone(hyper: Hyper, *instruments: Instrument) -> Alone:
    rows = [
        EvidenceRow(time=0.0, layer=layer, level=EXAMPLE, noise_sd=None, instrument=one, source=one)
        for one in instruments
        for layer in range(LAYERS)
    ]
    profile = fit(rows, hyper=hyper)
    low, high = profile.interval(0.0)[0]
    return Alone(EXAMPLE, float(profile.level(0.0)[0]), float(low), float(high))
