"""Read the questions of the quiz: one file for each topic, checked for what a candidate would stumble over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from assessor.content.answers import ChoiceKey, Key, NumericKey, Option, OrderingKey, OutputKey
from assessor.content.schema import Catalogue, Framework, Item, ItemType, Layer, Source
from assessor.content.yamlfile import Problem, Problems, Value, read_file

__all__ = ["bank_problems", "coverage_table", "read_items"]

ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
COMMON = ("id", "version", "type", "level", "title", "statement", "explanation", "source")
OF_TYPE = {"choice": "options", "numeric": "answer", "ordering": "order", "output": "answer"}

LONGEST_ID = 60
LONGEST_TITLE = 60
STATEMENT_WORDS, EXPLANATION_WORDS = 140, 160
CODE_WIDTH = 92
OUTPUT_LENGTH = 60
BROAD_ANSWERS = re.compile(r"\b(all|none|both) of (the|these)\b.*\b(above|options|answers)\b|\ball of these\b", re.I)
LEAST_GUESS_FREE = 0.5
"""Share of a layer's questions that cannot be guessed: numeric, ordering, output."""


def read_items(folder: Path, framework: Framework, problems: Problems) -> dict[str, Item]:
    """Return the questions of every topic by id; a wrong one is noted and left out."""
    items: dict[str, Item] = {}
    for layer in framework.layers:
        for topic in layer.topics:
            path = folder / "items" / layer.key / f"{topic.key}.yaml"
            if path.exists():
                _topic(read_file(folder, path, problems), layer, topic.key, items)
    known = {f"{layer.key}/{topic.key}" for layer in framework.layers for topic in layer.topics}
    for path in sorted((folder / "items").glob("*/*.yaml")):
        if f"{path.parent.name}/{path.stem}" not in known:
            problems.append(Problem(path.relative_to(folder.parent).as_posix(), 1, "no topic has this name"))
    return items


def bank_problems(folder: Path, framework: Framework, items: Mapping[str, Item]) -> list[Problem]:
    """Return what a bank as a whole lacks: topics without questions, layers in which guessing pays."""
    problems = []
    for layer in framework.layers:
        place = f"{folder.name}/items/{layer.key}"
        own = [item for item in items.values() if item.layer == layer.id]
        asked = {item.topic for item in own}
        problems += [
            Problem(f"{place}/{topic.key}.yaml", 1, "this topic has no questions")
            for topic in layer.topics
            if "quiz" in topic.instruments and topic.key not in asked
        ]
        free = sum(item.key.guess == 0.0 for item in own)
        if free < LEAST_GUESS_FREE * len(own):
            told = f"{free} of {len(own)} questions cannot be guessed; half of them must be numeric, ordering or output"
            problems.append(Problem(place, 1, told))
    return problems


def coverage_table(catalogue: Catalogue) -> str:
    """Return how many questions each topic of the quiz has, by type and by level, as a Markdown table."""
    kinds = get_args(ItemType)
    lines = [
        f"| topic | all | {' | '.join(kinds)} | to 2 | 2.5 to 3 | from 3.5 |",
        "|---|" + "---:|" * (len(kinds) + 4),
    ]
    for layer in catalogue.framework.layers:
        own = [item for item in catalogue.items.values() if item.layer == layer.id]
        rows = [(f"**{layer.id} {layer.name}**", own)]
        rows += [
            (topic.name, [item for item in own if item.topic == topic.key])
            for topic in layer.topics
            if "quiz" in topic.instruments
        ]
        for name, items in rows:
            counts = [len(items), *(sum(item.type == kind for item in items) for kind in kinds)]
            levels = [item.level for item in items]
            counts += [sum(level <= 2 for level in levels), sum(2 < level <= 3 for level in levels)]
            lines.append(f"| {name} | {' | '.join(map(str, [*counts, sum(level > 3 for level in levels)]))} |")
    return "\n".join(lines)


def _topic(root: Value, layer: Layer, topic: str, items: dict[str, Item]) -> None:
    found = root.fields(("topic", "items"))
    if "topic" in found and found["topic"].text() != topic:
        root.problems.at(found["topic"], "the topic and the name of the file must be the same")
    for entry in found["items"].list() if "items" in found else ():
        _item(entry, layer, topic, items)


def _item(entry: Value, layer: Layer, topic: str, items: dict[str, Item]) -> None:
    kind = (
        entry.data["type"].one_of(get_args(ItemType)) if isinstance(entry.data, dict) and "type" in entry.data else ""
    )
    own = OF_TYPE.get(kind)
    found = entry.fields((*COMMON, *((own,) if own else ())), ("code",))
    if own is None or not {*COMMON, own} <= found.keys():
        return
    identity = found["id"].text()
    if not ID.fullmatch(identity) or len(identity) > LONGEST_ID:
        entry.problems.at(found["id"], f"an id is lower-case words with hyphens, at most {LONGEST_ID} characters")
    if identity in items:
        entry.problems.at(found["id"], f"the id {identity!r} stands in the bank twice")
    key = _key(kind, found[own])
    title, source = found["title"].text(), found["source"].fields(("title",), ("link",))
    if len(title) > LONGEST_TITLE:
        entry.problems.at(found["title"], f"a title has at most {LONGEST_TITLE} characters")
    if key is None or "title" not in source:
        return
    items[identity] = Item(
        id=identity,
        version=found["version"].whole(1, 10_000),
        type=kind,  # type: ignore[arg-type]
        topic=topic,
        layer=layer.id,
        level=found["level"].number(0, 5, step=0.5),
        title=title,
        statement=_prose(found["statement"], STATEMENT_WORDS),
        code=_code(found.get("code"), entry, needed=kind == "output"),
        key=key,
        explanation=_prose(found["explanation"], EXPLANATION_WORDS),
        source=Source(source["title"].text(), _link(source.get("link"))),
    )


def _prose(value: Value, most: int) -> str:
    text = value.text()
    if len(text.split()) > most:
        value.problems.at(value, f"{len(text.split())} words; at most {most} can be read in time")
    if text.count("`") % 2:
        value.problems.at(value, "a backtick is never closed")
    return text


def _code(value: Value | None, entry: Value, *, needed: bool) -> str | None:
    if value is None:
        if needed:
            entry.problems.at(entry, "a question for an output shows code")
        return None
    value.text()
    lines = str(value.data).rstrip().splitlines()
    if any(len(line) > CODE_WIDTH for line in lines):
        value.problems.at(value, f"a line of code has at most {CODE_WIDTH} characters")
    return "\n".join(lines)


def _link(value: Value | None) -> str | None:
    if value is None:
        return None
    link = value.text()
    if not link.startswith("https://"):
        value.problems.at(value, "a link starts with https://")
    return link


def _key(kind: str, value: Value) -> Key | None:
    match kind:
        case "choice":
            return _options(value)
        case "numeric":
            parts = value.fields(("value", "tolerance"), ("unit",))
            if len(parts) < 2:
                return None
            return NumericKey(
                _number(parts["value"]),
                abs(_number(parts["tolerance"])),
                str(parts["unit"].data if "unit" in parts else ""),
            )
        case "ordering":
            entries = tuple(one.text() for one in value.list())
            if not 3 <= len(entries) <= 7 or len(set(entries)) != len(entries):
                value.problems.at(value, "an order has 3 to 7 different entries")
            return OrderingKey(entries)
        case _:
            parts = value.fields(("text",), ("accept",))
            others = parts["accept"].list() if "accept" in parts else ()
            texts = tuple(str(one.data) for one in (*([parts["text"]] if "text" in parts else []), *others))
            if any(not text.strip() or len(text) > OUTPUT_LENGTH or "\n" in text for text in texts):
                value.problems.at(value, f"an output is one line of at most {OUTPUT_LENGTH} characters")
            return OutputKey(texts) if texts else None


def _options(value: Value) -> ChoiceKey | None:
    options = []
    for entry in value.list():
        found = entry.fields(("text",), ("correct", "why"))
        right = "correct" in found and found["correct"].flag()
        if right == ("why" in found):
            entry.problems.at(entry, "an option is either correct or says why it is wrong")
        text = found["text"].text() if "text" in found else ""
        if BROAD_ANSWERS.search(text):
            entry.problems.at(entry, "an option says something of its own, not of the others")
        options.append(Option(text, None if right else found["why"].text() if "why" in found else ""))
    if not 3 <= len(options) <= 5 or sum(option.why is None for option in options) != 1:
        value.problems.at(value, "a choice has 3 to 5 options, one of them correct")
        return None
    if len({option.text for option in options}) != len(options):
        value.problems.at(value, "two options are the same")
    return ChoiceKey(tuple(options))


def _number(value: Value) -> float:
    if not isinstance(value.data, int | float) or isinstance(value.data, bool):
        value.problems.at(value, f"{value.data!r} must be a number")
        return 0.0
    return float(value.data)
