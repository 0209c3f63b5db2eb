"""Read Dockerfiles: instructions with their lines, stages, and how firmly each base image is named."""

from __future__ import annotations

import json
import re

from assessor.analysis.facts.configuration_model import DockerFacts, Instruction, Stage

__all__ = ["pinned_image", "read_dockerfile"]

INSTRUCTION = re.compile(
    r"(FROM|RUN|CMD|LABEL|MAINTAINER|EXPOSE|ENV|ADD|COPY|ENTRYPOINT|VOLUME|USER|WORKDIR|ARG|ONBUILD|STOPSIGNAL|HEALTHCHECK|SHELL)(?:\s+|$)",
    re.IGNORECASE,
)
HEREDOC = re.compile(r"<<-?\s*(['\"]?)([A-Za-z_]\w*)\1")
LONGEST = 20_000
MOST = 2_000


def read_dockerfile(_path: str, data: bytes) -> DockerFacts:
    """Return stages and instructions; comments and lines that are no instruction are left out."""
    stages: list[Stage] = []
    found: list[Instruction] = []
    arguments: dict[str, str] = {}
    for line, text in _joined(data.decode("utf-8", "replace").splitlines()):
        match = INSTRUCTION.match(text)
        if match is None or len(found) >= MOST:
            continue
        word, rest = match[1].upper(), _plain(text[match.end() :].strip())
        if word == "FROM":
            stages.append(_stage(rest, line, arguments))
        elif word == "ARG" and "=" in rest:
            name, _, value = rest.partition("=")
            arguments.setdefault(name.strip(), value.strip().strip("'\""))
        found.append(Instruction(word, rest, line, len(stages) - 1))
    return DockerFacts(tuple(stages), tuple(found))


def _joined(lines: list[str]) -> list[tuple[int, str]]:
    """Join continuation lines and here-documents to the line that they begin at."""
    found: list[tuple[int, str]] = []
    parts: list[str] = []
    start, until, size = 0, "", 0
    for number, raw in enumerate(lines, 1):
        line = raw.strip()
        if until:
            if line == until:
                until = ""
                found.append((start, "\n".join(parts)))
                parts = []
            elif size < LONGEST:
                parts.append(line)
                size += len(line)
            continue
        if not line or line.startswith("#"):
            continue
        if not parts:
            start, size = number, 0
        continued = line.endswith(("\\", "`")) and not line.endswith("\\\\")
        if size < LONGEST:
            parts.append(line[:-1].rstrip() if continued else line)
            size += len(line)
        if continued:
            continue
        here = HEREDOC.search(line) if "<<" in line and line.upper().startswith(("RUN", "COPY", "ADD")) else None
        if here:
            until = here[2]
            continue
        found.append((start, " ".join(parts)[:LONGEST]))
        parts = []
    if parts:
        found.append((start, " ".join(parts)[:LONGEST]))
    return found


def _plain(rest: str) -> str:
    """Return the text of an instruction; the JSON form is joined by blanks."""
    if rest.startswith("[") and rest.endswith("]"):
        try:
            words = json.loads(rest)
        except (ValueError, RecursionError):
            return rest
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return " ".join(words)
    return rest


def _stage(rest: str, line: int, arguments: dict[str, str]) -> Stage:
    words = [word for word in rest.split()[:8] if not word.startswith("--")]
    image = words[0] if words else ""
    for name, value in arguments.items():
        image = image.replace(f"${{{name}}}", value).replace(f"${name}", value) if "$" in image else image
    name = words[2] if len(words) > 2 and words[1].lower() == "as" else ""
    return Stage(image, name, line, pinned_image(image))


def pinned_image(image: str) -> str:
    """Say how firmly an image is named: "digest", "version", "tag", or "" for latest or none."""
    if "@sha256:" in image:
        return "digest"
    tag = image.rpartition("/")[2].partition(":")[2]
    if not tag or tag == "latest":
        return ""
    return "version" if re.search(r"\d", tag) or "$" in tag else "tag"
