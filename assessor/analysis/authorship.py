"""Say which share of the cited lines an identity wrote; copies and moves are followed, .mailmap is not believed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import zip_longest

from assessor.analysis.findings import Finding
from assessor.analysis.git import Blamed, Repository
from assessor.analysis.source import Progress, Snapshot

__all__ = ["MOST_FILES", "confirmed_challenges", "with_shares"]

MOST_FILES = 1_000
"""Files that are blamed; each costs a git of its own. What lies in further ones counts for nobody."""


def with_shares(
    findings: Iterable[Finding],
    repository: Repository,
    sha: str,
    authors: Collection[str],
    cells: Mapping[str, object],
    progress: Progress | None = None,
) -> list[Finding]:
    """Return findings with the share of non-blank lines that the authors wrote; mail addresses in any case.

    Only cited files are blamed, each once and MOST_FILES at most, every signal's in turn. In a notebook (a path in
    `cells`), whose lines are not the lines of its file, and where a finding names no line, the whole file counts. A
    fact about commits has no lines and no share.
    """
    wanted = {author.lower() for author in authors}
    found = list(findings)
    paths = _in_turn(found)[:MOST_FILES]
    blamed: dict[str, list[Blamed]] = {}
    for done, path in enumerate(paths):
        if progress is not None:
            progress("authorship", done, len(paths))
        blamed[path] = repository.blame(sha, path)
    return [
        one
        if one.path == "."
        else replace(one, author_share=_share(one, blamed.get(one.path, []), wanted, one.path in cells))
        for one in found
    ]


def _in_turn(found: Iterable[Finding]) -> list[str]:
    """Return the cited paths: the first of every signal, the second of every signal, and so on."""
    cited: dict[str, set[str]] = defaultdict(set)
    for one in found:
        if one.path != ".":
            cited[one.signal].add(one.path)
    turns = zip_longest(*(sorted(paths) for _, paths in sorted(cited.items())))
    return list(dict.fromkeys(path for turn in turns for path in turn if path is not None))


def _share(finding: Finding, lines: list[Blamed], authors: set[str], whole: bool) -> float:
    if not whole and finding.line is not None:
        last = finding.end_line or finding.line
        lines = [one for one in lines if finding.line <= one.line <= last]
    if not lines:
        return 0.0
    return round(sum(one.email in authors for one in lines) / len(lines), 4)


def confirmed_challenges(snapshot: Snapshot, file: str, challenges: Mapping[str, str]) -> list[str]:
    """Return the addresses whose challenge stands in `file` on a line that a commit by that very address wrote.

    `challenges` maps what must be written to the address it confirms.
    """
    entry = next((entry for entry in snapshot.tree.entries() if entry.path == file), None)
    if entry is None or snapshot.git is None or snapshot.sha is None or entry.size > 1 << 16:
        return []
    data = next(snapshot.tree.read([entry]))[1] or b""
    lines = data.decode("utf-8", "replace").splitlines()
    writers = {one.line: one.email for one in snapshot.git.blame(snapshot.sha, file)}
    found = set()
    for number, text in enumerate(lines, start=1):
        email = challenges.get(text.strip())
        if email is not None and writers.get(number) == email.lower():
            found.add(email)
    return sorted(found)
