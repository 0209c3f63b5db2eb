"""A small bank of questions in every layer, so that tests of the quiz do not depend on what the real one holds."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from assessor.content.answers import ChoiceKey, Key, NumericKey, Option, OrderingKey, OutputKey
from assessor.content.schema import Catalogue, Item, Source

__all__ = ["RIGHT", "small_bank"]

KEYS: dict[str, Key] = {
    "numeric": NumericKey(0.5, 0.01, "ms"),
    "choice": ChoiceKey((Option("zebra", None), Option("yak", "No yak."), Option("emu", "No emu."))),
    "ordering": OrderingKey(("first", "second", "third")),
    "output": OutputKey(("(3, 4)",)),
}
RIGHT = {"numeric": ["0.5"], "output": ["(3,4)"]}
"""What is sent for a right answer, where the order of the page does not matter."""


def small_bank(catalogue: Catalogue, each: int = 4) -> Catalogue:
    """Return the catalogue with `each` questions in every layer and in every domain of layer 8, of all types in turn."""
    items: dict[str, Item] = {}
    for layer in catalogue.framework.layers:
        topics = [topic.key for topic in layer.topics if "quiz" in topic.instruments]
        for topic in topics if layer.choose else topics[:1]:
            for number in range(each):
                kind = list(KEYS)[number % len(KEYS)]
                identity = f"{topic}-{kind}-{number}"
                items[identity] = Item(
                    id=identity,
                    version=1,
                    type=kind,  # type: ignore[arg-type]
                    topic=topic,
                    layer=layer.id,
                    level=2.0 + 0.5 * (number % 4),
                    title=f"On {topic} {number}",
                    statement=f"What of {topic}? See `x = {number}`.\n\nThink twice.",
                    code="print(1)" if kind == "output" else None,
                    key=KEYS[kind],
                    explanation="Because it is so.",
                    source=Source("A paper", None),
                )
    return replace(catalogue, items=MappingProxyType(items), items_digest="small" * 4)
