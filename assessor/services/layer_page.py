"""What the page of one layer shows: where the person stands, by what, and what leads one level up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assessor.content.schema import Catalogue, Layer, Level, Signal, SignalText, Topic
from assessor.services.errors import NotFound
from assessor.services.outlook import Outlook, outlook
from assessor.services.profile_view import AnalysisLink, LayerView, ProfileView
from assessor.services.steps import Step, path_up

__all__ = ["LayerPage", "LevelLine", "SignalLine", "TopicLine", "layer_page"]


@dataclass(frozen=True, slots=True)
class LevelLine:
    """Show one of the six levels of a layer; `likely` says that it lies in the 90% interval."""

    level: Level
    anchor: str
    own: bool
    likely: bool


@dataclass(frozen=True, slots=True)
class SignalLine:
    """Show a signal that a repository has, at its best grade."""

    signal: Signal
    text: SignalText | None
    grade: int
    analysis_id: str
    repository: str
    counts: bool


@dataclass(frozen=True, slots=True)
class TopicLine:
    """Show one topic: the anchors of the level reached, where there is one, and of the next; and what shows it."""

    topic: Topic
    reached: str | None
    following: str | None
    by_repository: bool
    signals: tuple[SignalLine, ...]


@dataclass(frozen=True, slots=True)
class LayerPage:
    """Show one layer. `reached` is the level that is fully reached, None where nothing was measured.

    `before` and `after` are the next layers that may be seen. `repositories` are the newest analyses by id; evidence of an
    older one is not among them. `outlook` says what would verify or renew the level: None where nothing would have to, or
    where only a part of the profile may be seen.
    """

    view: LayerView
    before: Layer | None
    after: Layer | None
    reached: int | None
    levels: tuple[LevelLine, ...]
    topics: tuple[TopicLine, ...]
    repositories: Mapping[str, AnalysisLink]
    path: tuple[Step, ...]
    outlook: Outlook | None


def layer_page(catalogue: Catalogue, view: ProfileView, key: str) -> LayerPage:
    """Put the page of a layer together. Raises NotFound for a key that no layer has."""
    index = next((place for place, one in enumerate(view.layers) if one.layer.key == key), None)
    if index is None:
        raise NotFound("There is no such layer.", "Your radar links to all ten.")
    one = view.layers[index]
    # 2.96 is written as 3.0, so it has reached 3.
    reached = None if one.level is None else int(round(one.level, 1))
    confirmed = {link.id: view.shows[link.id] for link in view.analyses if link.confirmed}
    return LayerPage(
        view=one,
        before=next((other.layer for other in reversed(view.layers[:index]) if not other.private), None),
        after=next((other.layer for other in view.layers[index + 1 :] if not other.private), None),
        reached=reached,
        levels=tuple(_level(level, one, reached) for level in catalogue.framework.levels),
        topics=tuple(_topic(catalogue, view, topic, reached) for topic in one.layer.topics),
        repositories={link.id: link for link in view.analyses},
        path=path_up(catalogue, one.layer, confirmed),
        outlook=_outlook(view, one),
    )


def _outlook(view: ProfileView, one: LayerView) -> Outlook | None:
    lacks = one.measured and (one.stale or not one.verified)
    return outlook(view.fitted, one, view.at) if lacks and view.fitted is not None else None


def _level(level: Level, view: LayerView, reached: int | None) -> LevelLine:
    likely = view.low is not None and view.high is not None and int(view.low) <= level.level <= view.high
    return LevelLine(level, view.layer.anchors[level.level], level.level == reached, likely)


def _topic(catalogue: Catalogue, view: ProfileView, topic: Topic, reached: int | None) -> TopicLine:
    top = len(topic.anchors) - 1
    following = 1 if reached is None else reached + 1
    return TopicLine(
        topic,
        reached=topic.anchors[reached] if reached else None,
        following=topic.anchors[following] if following <= top else None,
        by_repository="repo" in topic.instruments,
        signals=tuple(_signals(catalogue, view, topic)),
    )


def _signals(catalogue: Catalogue, view: ProfileView, topic: Topic) -> Sequence[SignalLine]:
    """Return what repositories show of a topic, the best first; of each signal the best grade of all repositories."""
    best: dict[str, SignalLine] = {}
    for link in view.analyses:
        for key, grade in view.shows[link.id].grades.items():
            signal = catalogue.framework.signals.get(key)
            if signal is None or topic.key not in signal.topics:
                continue
            cut = min(grade, signal.cap or grade)
            line = SignalLine(signal, catalogue.signal_texts.get(key), cut, link.id, link.repository, link.confirmed)
            known = best.get(key)
            if known is None or (line.counts, line.grade) > (known.counts, known.grade):
                best[key] = line
    return sorted(best.values(), key=lambda line: (-line.grade, line.signal.key))
