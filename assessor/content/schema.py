"""What the content of rubrics/ means to the code: frozen records, made and checked by catalogue.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from assessor.content.answers import Key

__all__ = [
    "Catalogue",
    "Framework",
    "Item",
    "ItemType",
    "Layer",
    "Level",
    "RoleTarget",
    "Signal",
    "SignalText",
    "Source",
    "Topic",
]

ItemType = Literal["choice", "numeric", "ordering", "output"]


@dataclass(frozen=True, slots=True)
class Level:
    """Name one of the levels 0 to 5 and say in one sentence what it means everywhere."""

    level: int
    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Topic:
    """Hold one topic of a layer. `anchors` are six sentences, for the levels 0 to 5: what people at that level do."""

    key: str
    name: str
    covers: str
    layer: int
    instruments: tuple[str, ...]
    anchors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """Hold one of the ten layers, `id` 1 to 10. `choose` is the number of topics that stand for the layer, None for all."""

    id: int
    key: str
    short: str
    name: str
    motto: str
    topics: tuple[Topic, ...]
    choose: int | None
    anchors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signal:
    """Hold one thing that a repository can show. `cap` is the best grade it gives a topic, None for signals against.

    `configuration` signals are present from grade 1, `ratio` ones may fall when code is added. `counts` and
    `look_alikes` say to readers what makes it present and what does not.
    """

    key: str
    topics: tuple[str, ...]
    cap: int | None
    polarity: int
    keyed: bool
    counts: str
    look_alikes: str
    configuration: bool
    ratio: bool


@dataclass(frozen=True, slots=True)
class SignalText:
    """Hold what a user reads about a signal: why it matters and how to show more of it."""

    key: str
    version: int
    name: str
    why: str
    next_step: str
    effort: str
    link: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """Name where the facts of a question can be read."""

    title: str
    link: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """Hold one question of the quiz. `layer` is 1 to 10; `level` is where half of the people solve it.

    Texts are paragraphs with `code` in backticks; `code` is a listing that is shown after the statement as it is.
    """

    id: str
    version: int
    type: ItemType
    topic: str
    layer: int
    level: float
    title: str
    statement: str
    code: str | None
    key: Key
    explanation: str
    source: Source


@dataclass(frozen=True, slots=True)
class RoleTarget:
    """Hold the levels that a role asks for and how much each layer weighs in it, ten of each in the order of layers."""

    key: str
    version: int
    name: str
    summary: str
    levels: tuple[float, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Framework:
    """Hold what scores are made by: levels, layers with their topics, and signals in their public order."""

    version: int
    digest: str
    levels: tuple[Level, ...]
    layers: tuple[Layer, ...]
    topics: Mapping[str, Topic]
    signals: Mapping[str, Signal]

    @property
    def label(self) -> str:
        """Return what reports name: version and the beginning of the content's hash."""
        return f"{self.version}+{self.digest[:12]}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Hold all content of one folder."""

    framework: Framework
    roles: Mapping[str, RoleTarget]
    signal_texts: Mapping[str, SignalText]
    items: Mapping[str, Item]
    items_digest: str
    digest: str

    @property
    def items_label(self) -> str:
        """Return what attempts at the quiz name: the beginning of the hash of all questions."""
        return self.items_digest[:12]
