"""Read the papers of a repository that say something checkable: versions, owners, cards, interfaces, rules of git."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from assessor.analysis.facts.configuration_model import Lines, PaperFacts

__all__ = ["openapi", "read_paper"]

LONGEST, MOST = 400_000, 2_000

CHANGELOG = re.compile(
    r"(?:.*/)?(?:changelog|changes|history|news|releases?|release[-_ ]?notes)(?:\.(?:md|markdown|rst|txt|adoc))?"
)
CARD = re.compile(
    r"(?:.*/)?(?:[^/]*[-_])?(?:model|data|dataset)[-_ ]?(?:card|sheet)s?(?:[-_][^/]*)?\.(?:md|markdown|rst|txt|html)"
    r"|(?:.*/)?(?:model|data|dataset)[-_]?cards?/[^/]+\.(?:md|markdown|rst)"
    r"|(?:.*/)?(?:datasheet|model_?info)[^/]*\.(?:md|rst)"
)
OWNERS = re.compile(r"(?:\.github/|\.gitlab/|docs/)?codeowners")
ATTRIBUTES = re.compile(r"(?:.*/)?\.gitattributes")
PROTO = re.compile(r".*\.proto")

VERSION_HEAD = re.compile(
    r"^\s{0,3}(?:#{1,4}\s*|\*\*|=+\s*)?(?:version|release|v|\w[\w.-]{0,30}\s+)?\s*[\[(]?v?(\d+\.\d+(?:\.\d+)?[\w.+-]{0,20})[\])]?(?=[\s:(\]*\u2014\u2013-]|$)",
    re.I,
)
UNDERLINE = re.compile(r"^\s*[-=~^*]{3,}\s*$")
PLACEHOLDER = re.compile(
    r"more information needed|\[?\btodo\b|\btbd\b|\bfixme\b|lorem ipsum"
    r"|\{\{[^}]*\}\}|<[a-z][\w \-/]{2,60}>|\[(?:insert|your|add|describe|fill)[^\]]*\]"
    r"|\bfill (?:in|this)\b|^\s*(?:n/a|\.\.\.|-|_+)\s*$|^\s*[\w ]{1,40}:\s*$",
    re.I,
)
SERVICE = re.compile(r"^\s*(service\s+\w+|rpc\s+\w+|message\s+\w+)", re.M)


def read_paper(path: str, data: bytes) -> PaperFacts | None:
    """Return what a paper says, None where it says nothing that counts."""
    name = path.lower()
    source = data[:LONGEST].decode("utf-8", "replace")
    for pattern, kind, read in _READERS:
        if pattern.fullmatch(name):
            points = tuple(read(source))[:MOST]
            return PaperFacts(kind, points) if points else None
    return None


def _versions(source: str) -> Iterator[tuple[str, int]]:
    lines = source.splitlines()
    for number, line in enumerate(lines, 1):
        head = VERSION_HEAD.match(line) if len(line) < 160 else None
        if head is None:
            continue
        below = lines[number] if number < len(lines) else ""
        if line.lstrip().startswith(("#", "=", "**")) or UNDERLINE.match(below) or not line[:1].isspace():
            yield head[1], number


def _filled(source: str) -> Iterator[tuple[str, int]]:
    """Yield the headings of a card that have a sentence or a table below them, with that sentence's line."""
    title, told = "", False
    for number, line in enumerate(source.splitlines(), 1):
        text = line.strip()
        if text.startswith("#") or (text and set(text) <= set("=-~") and len(text) > 3):
            title, told = text.strip("# "), False
        elif title and not told and _tells(text):
            told = True
            yield title[:100], number


def _tells(text: str) -> bool:
    """Tell whether a line says something: three words and no placeholder."""
    if len(text) < 4 or text.startswith(("<!--", "```", "---")):
        return False
    return not PLACEHOLDER.search(text) and len(re.findall(r"\w+", text)) >= 3


def _owned(source: str) -> Iterator[tuple[str, int]]:
    for number, line in enumerate(source.splitlines(), 1):
        words = line.partition("#")[0].split()
        if len(words) >= 2 and any("@" in word for word in words[1:]):
            yield words[0], number


def _large(source: str) -> Iterator[tuple[str, int]]:
    for number, line in enumerate(source.splitlines(), 1):
        words = line.split()
        if words and not words[0].startswith("#") and "filter=lfs" in words[1:]:
            yield words[0].strip('"'), number


def _services(source: str) -> Iterator[tuple[str, int]]:
    for found in SERVICE.finditer(source):
        yield " ".join(found[1].split()), source.count("\n", 0, found.start(1)) + 1


_READERS: tuple[tuple[re.Pattern[str], str, Callable[[str], Iterator[tuple[str, int]]]], ...] = (
    (ATTRIBUTES, "large-files", _large),
    (OWNERS, "owners", _owned),
    (PROTO, "proto", _services),
    (CARD, "card", _filled),
    (CHANGELOG, "changelog", _versions),
)

OPEN_YAML = re.compile(rb"^(?:openapi|swagger):", re.M)
PATH_YAML = re.compile(r"^\s{1,4}['\"]?(/[^\s'\":]{0,200})['\"]?:", re.M)
PATH_JSON = re.compile(r"\"(/[^\"\s]{0,200})\"\s*:\s*\{")


def openapi(data: bytes, *, json: bool) -> PaperFacts | None:
    """Return the paths of an OpenAPI or Swagger description, None for another file."""
    head = data[:4_000]
    if (b'"openapi"' not in head and b'"swagger"' not in head) if json else not OPEN_YAML.search(head):
        return None
    source = data[:LONGEST].decode("utf-8", "replace")
    found: list[tuple[str, int]] = []
    for match in (PATH_JSON if json else PATH_YAML).finditer(source):
        found.append((match[1], source.count("\n", 0, match.start(1)) + 1))
        if len(found) >= 50:
            break
    lines: Lines = tuple(found)
    return PaperFacts("openapi", lines) if lines else None
