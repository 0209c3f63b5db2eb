"""How the portfolio says where a repository comes from and how far its analysis is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from assessor.models.portfolio import Analysis, Repository
from assessor.services.sources import FOLDER

__all__ = ["Progress", "Source", "progress_of", "source_of"]

STAGES: Mapping[str, str] = {
    "fetching": "Fetching the repository",
    "reading": "Reading files",
    "authorship": "Asking who wrote the cited lines",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Say where a repository comes from; `href` is None where there is no page to open."""

    text: str
    href: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """Say how far an analysis is; `total` is 0 where the end is not known."""

    state: str
    text: str
    done: int
    total: int

    def as_json(self) -> dict[str, Any]:
        """Return what the page's script reads."""
        return asdict(self)


def source_of(repository: Repository) -> Source:
    """Say where a repository comes from."""
    if repository.kind == "zip":
        return Source(f"uploaded archive, SHA-256 {repository.source[:12]}", None)
    if repository.source.startswith(FOLDER):
        return Source(f"folder {repository.source.removeprefix(FOLDER)} on this server", None)
    return Source(repository.source.removeprefix("https://"), repository.source)


def progress_of(analysis: Analysis) -> Progress:
    """Say in one sentence how far an analysis is."""
    if analysis.state == "queued":
        return Progress("queued", "Waiting for a worker.", 0, 0)
    if analysis.state == "running":
        return Progress("running", _running(analysis), analysis.done, analysis.total)
    return Progress(analysis.state, "Finished." if analysis.state == "done" else "Failed.", 0, 0)


def _running(analysis: Analysis) -> str:
    stage = STAGES.get(analysis.stage, analysis.stage.capitalize() or "Getting ready")
    if analysis.total:
        return f"{stage}: {analysis.done:,} of {analysis.total:,}."
    if analysis.stage == "fetching" and analysis.done:
        return f"{stage}: {analysis.done / 2**20:.1f} MB."
    return f"{stage}."
