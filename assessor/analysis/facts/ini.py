"""Read ini files as leniently as their readers do, with the lines of sections and keys."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.facts.configuration_model import Task
from assessor.analysis.facts.shell import logical_lines

__all__ = ["sections_of", "tox_tasks"]

SECTION = re.compile(r"\[([^\]\n]{1,200})\]\s*(?:[#;].*)?$")
SETTING = re.compile(r"([A-Za-z_][\w.\-]*)\s*[=:]\s*(.*)")
MOST = 3_000

Keys = dict[str, tuple[str, int]]


def sections_of(source: str, first: int = 1) -> dict[str, tuple[int, Keys]]:
    """Return the sections of an ini file with their keys: name to (line, key to (value, line)); lenient, as its readers are."""
    found: dict[str, tuple[int, Keys]] = {}
    keys: Keys = {}
    parts: dict[str, list[str]] = {}
    name = ""
    for number, raw in enumerate(source.splitlines(), first):
        line = raw.strip()
        if not line or line[0] in "#;":
            if name in parts:
                parts[name].append("")
            continue
        if raw[0] == "[" and (match := SECTION.match(line)):
            _close(keys, parts)
            keys, parts, name = {}, {}, ""
            found.setdefault(match[1].strip(), (number, keys))
            continue
        match = SETTING.match(line) if raw[0] not in " \t" else None
        if match:
            name = match[1].lower()
            keys[name] = ("", number)
            parts[name] = [match[2]]
        elif name in parts and len(parts[name]) < MOST:
            parts[name].append(line)
        elif raw[0] not in " \t" and len(keys) < MOST:
            keys[line[:100]] = ("", number)
    _close(keys, parts)
    return found


def _close(keys: Keys, parts: dict[str, list[str]]) -> None:
    for name, lines in parts.items():
        keys[name] = ("\n".join(lines), keys[name][1])


def tox_tasks(source: str, first: int) -> Iterator[Task]:
    """Yield the environments of tox as tasks "tox:<name>", "tox:" the base one; a leading "-" of a command is kept."""
    for title, (line, keys) in sections_of(source, first).items():
        match = re.fullmatch(r"(?:tox:)?testenv(?::(.+))?", title)
        if match is None or "commands" not in keys:
            continue
        value, number = keys["commands"]
        run = []
        for command, at in logical_lines(value, number):
            command = re.sub(r"^[\w,{}!.\-]+:\s+", "", command)  # a factor: "py311: pytest"
            run.append(("- " + command if keys.get("ignore_outcome", ("", 0))[0].lower() == "true" else command, at))
        for name in (match[1] or "").strip("{}").split(",")[:50]:
            yield Task(f"tox:{name.strip()}", line, (), tuple(run))
