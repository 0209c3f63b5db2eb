"""Where forges show a file at a commit: the link from a finding to the line it is about."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from assessor.analysis.findings import Finding

__all__ = ["commit_address", "file_address"]

FILES: Mapping[str, tuple[str, str]] = {
    # host: the address of a file, the sign of a line
    "github.com": ("{source}/blob/{sha}/{path}", "#L{line}"),
    "gitlab.com": ("{source}/-/blob/{sha}/{path}", "#L{line}"),
    "codeberg.org": ("{source}/src/commit/{sha}/{path}", "#L{line}"),
    "bitbucket.org": ("{source}/src/{sha}/{path}", "#lines-{line}"),
    "huggingface.co": ("{source}/blob/{sha}/{path}", "#L{line}"),
    "git.sr.ht": ("{source}/tree/{sha}/item/{path}", "#L{line}"),
}
COMMITS: Mapping[str, str] = {
    "github.com": "{source}/commit/{sha}",
    "gitlab.com": "{source}/-/commit/{sha}",
    "codeberg.org": "{source}/commit/{sha}",
    "bitbucket.org": "{source}/commits/{sha}",
    "huggingface.co": "{source}/commit/{sha}",
    "git.sr.ht": "{source}/commit/{sha}",
}


def commit_address(source: str, sha: str | None) -> str | None:
    """Return where the forge shows a commit, or None for a source that is on no known forge."""
    pattern = COMMITS.get(_host(source))
    return pattern.format(source=source, sha=sha) if pattern and sha else None


def file_address(source: str, sha: str | None, finding: Finding) -> str | None:
    """Return where the forge shows the file of a finding, at its line unless it counts inside a notebook's cell."""
    if finding.path == ".":
        return commit_address(source, sha)
    known = FILES.get(_host(source))
    if known is None or not sha:
        return None
    file, line = known
    address = file.format(source=source, sha=sha, path=quote(finding.path))
    return address + line.format(line=finding.line) if finding.line is not None and finding.cell is None else address


def _host(source: str) -> str:
    parts = urlsplit(source)
    return parts.hostname or "" if parts.scheme == "https" else ""
