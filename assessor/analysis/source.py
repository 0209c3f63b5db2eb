"""From what was asked for to a readable commit: a folder, a bare repository, an archive or an address."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from assessor.analysis.archive import open_archive
from assessor.analysis.facts.model import Skipped
from assessor.analysis.git import Repository, clone, open_repository
from assessor.analysis.limits import Limits, SourceError
from assessor.analysis.tree import Entry, MemoryTree, Tree

if TYPE_CHECKING:
    from assessor.analysis.gate import Gate

__all__ = ["Limits", "Progress", "Snapshot", "SourceError", "fetch", "open_source"]

Progress = Callable[[str, int, int], None]
"""Is told the stage, how much is done, and of how much (0 where nobody knows)."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Hold one commit that can be read. `sha` is None for a repository without commits, `git` None for an archive."""

    source: str
    sha: str | None
    committed_at: str | None
    tree: Tree
    git: Repository | None = None
    skipped: list[Skipped] = field(default_factory=list)
    limits_hit: list[str] = field(default_factory=list)


class CommitTree:
    """Show the files of one commit in a git directory."""

    def __init__(self, repository: Repository, entries: Sequence[Entry]) -> None:
        self._repository = repository
        self._entries = tuple(entries)

    def entries(self) -> Sequence[Entry]:
        """Return every regular file, sorted by path."""
        return self._entries

    def read(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes | None]]:
        """Yield each entry with its bytes; None where the object is missing."""
        asked = list(entries)
        for entry, (_, data) in zip(asked, self._repository.read(entry.blob for entry in asked), strict=True):
            yield entry, data


@contextmanager
def open_source(
    source: str,
    *,
    rev: str | None = None,
    gate: Gate | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
    token: str | None = None,
) -> Iterator[Snapshot]:
    """Open a source for reading: always a commit, never a work tree. Raises SourceError with cause and cure."""
    limits = limits or Limits()
    if "://" in source or source.startswith("git@"):
        with tempfile.TemporaryDirectory(prefix="assessor-clone-") as folder:
            clone_into = Path(folder) / "repository"
            clone_into.mkdir()
            fetch(source, clone_into, gate=gate, limits=limits, progress=progress, token=token)
            with _commit(clone_into, _clean(source), rev, limits) as snapshot:
                yield snapshot
        return
    path = Path(source).absolute()  # git is started elsewhere
    _look_at(path)
    if path.is_file():
        with _archive(path, rev, limits) as snapshot:
            yield snapshot
        return
    with _commit(_git_dir(path), source, rev, limits) as snapshot:
        yield snapshot


def fetch(
    url: str,
    into: Path,
    *,
    gate: Gate | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
    token: str | None = None,
) -> None:
    """Clone an address into an empty folder, bare. Raises SourceError."""
    from assessor.analysis.gate import Gate  # HTTP and TLS: a third of the imports, for addresses alone

    route = (gate or Gate()).admit(url)
    for size in clone(route, into, limits or Limits(), token=token):
        if progress is not None:
            progress("fetching", size, 0)


def _clean(url: str) -> str:
    """Return an address without name and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _look_at(path: Path) -> None:
    try:
        path.stat()
    except FileNotFoundError:
        raise SourceError(f"There is no {str(path)!r}.", "Check the path, or give an https address.") from None
    except (OSError, ValueError) as error:  # too long, a NUL byte, no permission, a file in place of a folder
        why = getattr(error, "strerror", None) or error
        raise SourceError(
            f"{str(path)[:200]!r} cannot be opened: {why}.", "Check the path and who may read it."
        ) from None


def _git_dir(path: Path) -> Path:
    inner = path / ".git"
    if inner.is_symlink() or inner.is_file():
        raise SourceError(
            f"{str(path)!r} keeps its repository elsewhere (a work tree or submodule).",
            "Give the main repository, or clone it.",
        )
    for folder in (inner, path):
        if (folder / "objects").is_dir() and (folder / "HEAD").exists():
            return folder
    for parent in path.resolve().parents:
        if (parent / ".git").is_dir():
            raise SourceError(
                f"{str(path)!r} is a folder inside a repository.", "Give the top folder of the repository."
            )
    raise SourceError(
        f"{str(path)!r} is not a git repository.", "Run `git init` and commit there, or pack the folder as .zip."
    )


@contextmanager
def _commit(path: Path, source: str, rev: str | None, limits: Limits) -> Iterator[Snapshot]:
    with open_repository(path, limits) as repository:
        sha = repository.resolve(rev)
        if sha is None:
            yield Snapshot(source, None, None, MemoryTree({}), repository, limits_hit=["empty-repository"])
            return
        entries, missing, hit = repository.entries(sha)
        skipped = [Skipped(name, "its object is missing") for name in missing]
        tree = CommitTree(repository, entries)
        yield Snapshot(source, sha, repository.committed_at(sha), tree, repository, skipped, hit)


@contextmanager
def _archive(path: Path, rev: str | None, limits: Limits) -> Iterator[Snapshot]:
    if rev is not None:
        raise SourceError("An archive has no revisions.", "Leave --rev out, or give the repository itself.")
    with open_archive(path, limits) as tree:
        yield Snapshot(str(path), tree.digest, None, tree, None, tree.skipped, tree.limits_hit)
