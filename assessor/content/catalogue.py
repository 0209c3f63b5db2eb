"""Read the folder of content: YAML files in, checked and frozen records out, and one hash of all that was read."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from pathlib import Path
from types import MappingProxyType

from assessor.content.items import read_items
from assessor.content.schema import Catalogue, Framework, Layer, Level, RoleTarget, Signal, SignalText, Topic
from assessor.content.yamlfile import ContentError, Problem, Problems, Value, read_file

__all__ = ["ContentError", "Problem", "load_catalogue", "load_framework"]

INSTRUMENTS = ("quiz", "review", "repo", "kata", "drill", "case")
EFFORTS = ("low", "medium", "high")
TOP = 5


def load_framework(folder: Path) -> Framework:
    """Return the framework alone, which is all that scoring a repository needs. Raises ContentError."""
    problems = Problems()
    framework = _framework(folder, problems)
    _raise(problems)
    return framework


def load_catalogue(folder: Path, *, questions: bool = True) -> Catalogue:
    """Return everything in a folder of content. Raises ContentError with every problem of every file.

    Scoring a repository needs no questions, and reading them costs as much as all the rest.
    """
    problems = Problems()
    framework = _framework(folder, problems)
    layers = [layer.key for layer in framework.layers]
    roles: dict[str, RoleTarget] = {}
    for file in _files(folder, "roles", problems):
        _role(read_file(folder, file, problems), layers, roles, file.stem)
    texts: dict[str, SignalText] = {}
    for file in _files(folder, "signals", problems):
        for entry in read_file(folder, file, problems).list():
            _signal_text(entry, framework.signals, texts)
    for key in framework.signals.keys() - texts.keys():
        problems.append(Problem(f"{folder.name}/signals", 1, f"the signal {key!r} has no text"))
    items = read_items(folder, framework, problems) if questions else {}
    _raise(problems)
    banks = tuple(f"items/{key}" for key in layers) if questions else ()
    return Catalogue(
        framework=framework,
        roles=MappingProxyType(roles),
        signal_texts=MappingProxyType(texts),
        items=MappingProxyType(items),
        items_digest=digest(folder, banks),
        digest=digest(folder, ("", "anchors", "roles", "signals", *banks)),
    )


def digest(folder: Path, parts: Iterable[str]) -> str:
    """Return one SHA-256 over the files of some folders, whatever order the disk lists them in."""
    total = hashlib.sha256()
    for part in parts:
        for path in sorted((folder / part).glob("*.yaml")):
            total.update(f"{part}/{path.name}\0".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _raise(problems: Problems) -> None:
    if problems:
        raise ContentError(tuple(sorted(set(problems))))


def _files(folder: Path, part: str, problems: Problems) -> list[Path]:
    found = sorted((folder / part).glob("*.yaml"))
    if not found:
        problems.append(Problem(f"{folder.name}/{part}", 1, "there is no .yaml file here"))
    return found


def _framework(folder: Path, problems: Problems) -> Framework:
    root = read_file(folder, folder / "framework.yaml", problems)
    parts = root.fields(("version", "levels", "layers", "signals"))
    levels = tuple(_level(entry) for entry in parts["levels"].list()) if "levels" in parts else ()
    if [level.level for level in levels] != list(range(TOP + 1)):
        problems.at(root, "levels must be 0 to 5, in this order")
    anchors = _anchors(folder, problems)
    zero = levels[0].sentence if levels else ""
    layers = tuple(_layer(entry, anchors, zero) for entry in parts["layers"].list()) if "layers" in parts else ()
    topics = {topic.key: topic for layer in layers for topic in layer.topics}
    if sum(len(layer.topics) for layer in layers) != len(topics):
        problems.at(parts.get("layers", root), "a topic's key stands here twice")
    for key in anchors.keys() - {layer.key for layer in layers}:
        problems.at(anchors[key], f"there is no layer {key!r}")
    signals: dict[str, Signal] = {}
    for entry in parts["signals"].list() if "signals" in parts else ():
        _signal(entry, topics.keys(), signals)
    version = parts["version"].whole(1, 10_000) if "version" in parts else 0
    return Framework(
        version, digest(folder, ("", "anchors")), levels, layers, MappingProxyType(topics), MappingProxyType(signals)
    )


def _level(entry: Value) -> Level:
    found = entry.fields(("level", "name", "sentence"))
    if len(found) < 3:
        return Level(-1, "", "")
    return Level(found["level"].whole(0, TOP), found["name"].text(), found["sentence"].text())


def _anchors(folder: Path, problems: Problems) -> dict[str, Value]:
    """Return the anchors' files by the key of their layer."""
    found: dict[str, Value] = {}
    for file in _files(folder, "anchors", problems):
        root = read_file(folder, file, problems)
        parts = root.fields(("layer", "version", "overall", "topics"))
        if len(parts) == 4:
            parts["version"].whole(1, 10_000)
            found[parts["layer"].text()] = root
    return found


def _text(found: dict[str, Value], name: str) -> str:
    return found[name].text() if name in found else ""


def _layer(entry: Value, anchors: dict[str, Value], zero: str) -> Layer:
    found = entry.fields(("id", "key", "short", "name", "motto", "topics"), ("choose",))
    key = _text(found, "key")
    number = found["id"].whole(1, 10) if "id" in found else 0
    told = anchors.get(key)
    if told is None:
        entry.problems.at(entry, f"the layer {key!r} has no file of anchors")
    parts = told.data if told is not None else {}
    sentences = dict(parts["topics"].items()) if parts else {}
    topics = tuple(_topic(one, number, sentences, zero) for one in found["topics"].list()) if "topics" in found else ()
    for extra in sentences.keys() - {topic.key for topic in topics}:
        entry.problems.at(sentences[extra], f"the layer {key!r} has no topic {extra!r}")
    return Layer(
        number,
        key,
        _text(found, "short"),
        _text(found, "name"),
        _text(found, "motto"),
        topics,
        found["choose"].whole(1, len(topics)) if "choose" in found else None,
        _sentences(parts.get("overall"), zero),
    )


def _topic(entry: Value, layer: int, anchors: dict[str, Value], zero: str) -> Topic:
    found = entry.fields(("key", "name", "covers", "instruments"))
    key = _text(found, "key")
    if key not in anchors:
        entry.problems.at(entry, f"the topic {key!r} has no anchors")
    instruments = found["instruments"].list() if "instruments" in found else ()
    return Topic(
        key,
        _text(found, "name"),
        _text(found, "covers"),
        layer,
        tuple(one.one_of(INSTRUMENTS) for one in instruments),
        _sentences(anchors.get(key), zero),
    )


def _sentences(value: Value | None, zero: str) -> tuple[str, ...]:
    """Return six sentences, for the levels 0 to 5; the first is the same everywhere."""
    if value is None:
        return (zero,) * (TOP + 1)
    found = tuple(one.text() for one in value.list())
    if len(found) != TOP or len(set(found)) != TOP:
        value.problems.at(
            value, f"there must be {TOP} different sentences, for the levels 1 to {TOP}, not {len(set(found))}"
        )
    return (zero, *found)


def _signal(entry: Value, topics: Collection[str], signals: dict[str, Signal]) -> None:
    found = entry.fields(
        ("key", "topics", "counts", "look_alikes"), ("cap", "polarity", "keyed", "configuration", "ratio")
    )
    if not {"key", "topics", "counts", "look_alikes"} <= found.keys():
        return
    key = found["key"].text()
    polarity = int(found["polarity"].number(-1, 1, step=2) if "polarity" in found else 1)
    if key in signals:
        entry.problems.at(entry, f"the signal {key!r} stands here twice")
    if ("cap" in found) != (polarity > 0):
        entry.problems.at(entry, "a signal in favour has a cap, one against has none")
    cap = found["cap"].whole(1, TOP) if "cap" in found else None
    if cap not in (None, 2, 4, 5):
        entry.problems.at(entry, "a cap is 2 (hint), 4 (indirect) or 5 (strong)")
    flags = {name: found[name].flag() if name in found else False for name in ("keyed", "configuration", "ratio")}
    signals[key] = Signal(
        key=key,
        topics=tuple(one.one_of(topics) for one in found["topics"].list()),
        cap=cap,
        polarity=polarity,
        counts=found["counts"].text(),
        look_alikes=found["look_alikes"].text(),
        **flags,
    )


def _role(root: Value, layers: list[str], roles: dict[str, RoleTarget], stem: str) -> None:
    found = root.fields(("key", "version", "name", "summary", "levels", "weights"))
    if len(found) < 6:
        return
    key = found["key"].text()
    if key != stem:
        root.problems.at(found["key"], f"the key {key!r} and the name of the file must be the same")
    levels, weights = found["levels"].fields(layers), found["weights"].fields(layers)
    roles[key] = RoleTarget(
        key,
        found["version"].whole(1, 10_000),
        found["name"].text(),
        found["summary"].text(),
        tuple(levels[layer].number(0, TOP, step=0.5) if layer in levels else 0.0 for layer in layers),
        tuple(weights[layer].number(0.5, 5, step=0.5) if layer in weights else 1.0 for layer in layers),
    )


def _signal_text(entry: Value, signals: Collection[str], texts: dict[str, SignalText]) -> None:
    found = entry.fields(("key", "version", "name", "why", "next_step", "effort"), ("link",))
    if not {"key", "version", "name", "why", "next_step", "effort"} <= found.keys():
        return
    key = found["key"].one_of(signals)
    if key in texts:
        entry.problems.at(entry, f"the text of {key!r} stands here twice")
    link = found["link"].text() if "link" in found else None
    if link is not None and not link.startswith("https://"):
        entry.problems.at(found["link"], "a link starts with https://")
    texts[key] = SignalText(
        key,
        found["version"].whole(1, 10_000),
        found["name"].text(),
        found["why"].text(),
        found["next_step"].text(),
        found["effort"].one_of(EFFORTS),
        link,
    )
