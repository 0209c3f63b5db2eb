"""The only place that starts git, with fixed argument lists, on object directories that strangers filled."""

from __future__ import annotations

import hashlib
import os
import re
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, TypeVar

from assessor.analysis.limits import Limits, SourceError
from assessor.analysis.tree import Entry

if TYPE_CHECKING:
    from assessor.analysis.gate import Route

__all__ = ["Blamed", "Repository", "clone", "open_repository"]

SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
SHORT = re.compile(r"[0-9a-f]{7,64}")
REF = re.compile(r"(?!.*(?:\.\.|@\{|//|\.lock(?:/|$)|/\.|\.$|/$))(?![./-])[^\x00-\x20\x7f~^:?*\[\\]+")
BLAMED = re.compile(rb"([0-9a-f]{40,64}) \d+ (\d+)(?: \d+)?\n$")
SMALL, PACKED = 4096, 16 << 20
PACKED_REF = re.compile(r"^([0-9a-f]{40}|[0-9a-f]{64}) (\S+)$", re.MULTILINE)
LARGEST = 16 << 20
"""Bytes of the largest object that is read: files that are larger are never asked for, commits have no reason to be."""

RESTARTS = 20
"""Times that git may die on objects before the rest is given up."""

LONGEST_NAME = 255
WINDOW = 64
"""Objects that are asked for before answers are read: their ids fit into a pipe."""

CONFIGURATION = """[core]
\trepositoryformatversion = {version}
\tbare = true
\tcommitGraph = false
\tmultiPackIndex = false
\tpackedGitWindowSize = 16m
\tpackedGitLimit = 128m
\tdeltaBaseCacheLimit = 32m
\thooksPath = /dev/null
\tfsmonitor = false
[mailmap]
\tfile =
\tblob =
[log]
\tshowSignature = false
[gc]
\tauto = 0
{extension}"""

T = TypeVar("T")
MOST_TAGS, MOST_COMMITS = 5_000, 5_000
COMMITTED = re.compile(rb"\x01(\d{1,12})\n$")
Answers = Callable[[subprocess.Popen[bytes], Sequence[str]], Iterator[tuple[str, T | None]]]


class Blamed(NamedTuple):
    """Say who wrote a line that is not blank, by mail address in lower case, and in which commit."""

    line: int
    email: str
    commit: str


class Repository:
    """Read one object directory through a git directory of our own; nothing of theirs is configuration here."""

    def __init__(self, theirs: Path, ours: Path, limits: Limits) -> None:
        self._theirs = theirs
        self._limits = limits
        self.shallow = frozenset(filter(SHA.fullmatch, (self._small(theirs / "shallow", PACKED) or "").split()))
        """Commits whose parents were never fetched: the lines that blame ends at them for may be anybody's."""
        (ours / "shallow").write_text("".join(f"{sha}\n" for sha in sorted(self.shallow)))
        self._environment = _environment(ours) | {
            "GIT_DIR": str(ours),
            "GIT_OBJECT_DIRECTORY": str(theirs / "objects"),
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
        }

    def resolve(self, rev: str | None) -> str | None:
        """Return the commit that HEAD or a branch, tag or commit id names; None for a repository without commits.

        Raises SourceError for a name that is not there.
        """
        if rev is None or rev == "HEAD":
            found = self._head()
            return None if found is None else self._commit(found, "HEAD")
        cure = "Give a branch, a tag or at least 7 digits of a commit that the repository has."
        if not REF.fullmatch(rev) and not SHORT.fullmatch(rev):
            raise SourceError(f"{rev[:80]!r} cannot be the name of a revision.", cure)
        for name in (rev, f"refs/heads/{rev}", f"refs/tags/{rev}", f"refs/remotes/origin/{rev}", f"refs/{rev}"):
            found = self._refs.get(name) or self._loose(name)
            if found:
                return self._commit(found, rev)
        if SHORT.fullmatch(rev):
            return self._commit(rev, rev)
        raise SourceError(f"There is no revision {rev[:80]!r}.", cure)

    def committed_at(self, sha: str) -> str:
        """Return when a commit was made, in UTC with Z."""
        text = next(self.read([sha]))[1] or b""
        found = re.search(rb"^committer .*? (\d{1,12}) [+-]\d{4}$", text, re.MULTILINE)
        seconds = min(int(found[1]), 253402300799) if found else 0
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def entries(self, sha: str) -> tuple[list[Entry], list[str], list[str]]:
        """Return the regular files of a commit, the paths whose object is missing, and the limits that were hit."""
        named: list[tuple[str, str, int]] = []
        hit: list[str] = []
        seen = size = 0
        # -t tells of directories too: without it a tree of directories alone would print nothing for ever.
        with self._running("ls-tree", "-r", "-t", "-z", "--full-tree", sha) as process:
            assert process.stdout is not None
            for record in _records(process.stdout):
                seen, size = seen + 1, size + len(record)
                if seen > 2 * self._limits.files or len(named) >= self._limits.files or size > self._limits.paths:
                    hit.append("max-files")
                    break
                file = _file(record)
                if file is not None:
                    named.append(file)
            else:
                if process.wait():
                    if not named:
                        cure = "Its objects are damaged or missing; clone it anew."
                        raise SourceError("The files of the commit cannot be read.", cure)
                    hit.append("missing-folders")
        sizes = dict(self._asked("--batch-check", dict.fromkeys(blob for _, blob, _ in named), self._sizes))
        found, missing = [], []
        for path, blob, mode in sorted(named):
            known = sizes[blob]
            if known is None:
                missing.append(path)
            else:
                found.append(Entry(path, blob, known, mode))
        return found, missing, hit

    def read(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Yield objects by id in the order asked; None for one that is missing, damaged, false or above the size limit."""
        return self._asked("--batch", ids, self._contents)

    def blame(self, sha: str, path: str) -> list[Blamed]:
        """Return who wrote each line of a file, copies and moves followed, .mailmap ignored.

        Where the history is cut off, nobody ("") wrote what was there before.
        """
        arguments = ("blame", "--line-porcelain", "-w", "-M", "-C", sha, "--", path)
        found: list[Blamed] = []
        commit, email, line = "", "", 0
        with self._running(*arguments) as process:
            assert process.stdout is not None
            for raw in process.stdout:
                if raw.startswith(b"\t"):
                    if raw.strip():
                        found.append(Blamed(line, "" if commit in self.shallow else email, commit))
                elif raw.startswith(b"author-mail "):
                    email = raw[12:].strip().strip(b"<>").decode("utf-8", "replace").lower()
                elif head := BLAMED.match(raw):
                    commit, line = head[1].decode(), int(head[2])
        return found

    def _asked(self, how: str, ids: Iterable[str], answers: Answers[T]) -> Iterator[tuple[str, T | None]]:
        """Yield what git answers for each id; an object on which it dies costs itself only."""
        waiting = list(ids)
        for _ in range(RESTARTS):
            if not waiting:
                return
            done = 0
            with self._running("cat-file", how, stdin=True) as process:
                for sha, answer in answers(process, waiting):
                    done += 1
                    yield sha, answer
            if done == 0:  # the first that this git was asked for: nothing else can have ended it
                yield waiting[0], None
                done = 1
            waiting = waiting[done:]
        yield from ((sha, None) for sha in waiting)

    def _sizes(self, process: subprocess.Popen[bytes], ids: Sequence[str]) -> Iterator[tuple[str, int | None]]:
        assert process.stdout is not None
        for sha in _sent(process, ids):
            head = process.stdout.readline().split()
            if len(head) == 2:  # "<id> missing"
                yield sha, None
            elif len(head) == 3:
                yield sha, int(head[2]) if head[1] == b"blob" else None
            else:
                return

    def _contents(self, process: subprocess.Popen[bytes], ids: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
        assert process.stdout is not None
        for sha in _sent(process, ids):
            head = process.stdout.readline().split()
            if len(head) == 2:
                yield sha, None
                continue
            if len(head) != 3 or int(head[2]) > LARGEST:
                return
            data = process.stdout.read(int(head[2]) + 1)
            if len(data) != int(head[2]) + 1:
                return
            yield sha, data[:-1] if _is_named(sha, head[1], data[:-1]) else None

    def _head(self) -> str | None:
        text = self._small(self._theirs / "HEAD")
        if text is None:
            raise SourceError(
                "There is no HEAD in this repository.", "Give the folder of a whole repository, or clone it anew."
            )
        text = text.strip()
        if SHA.fullmatch(text):
            return text
        name = text.removeprefix("ref:").strip()
        if not text.startswith("ref:") or not REF.fullmatch(name):
            raise SourceError("HEAD names nothing that can be read.", "Clone the repository anew.")
        if name.endswith("/.invalid"):
            raise SourceError(
                "This repository keeps its branches in a reftable.", "Clone it; a clone keeps them in files."
            )
        found = self._loose(name) or self._refs.get(name)
        if found is None and (self._refs or any(files for _, _, files in os.walk(self._theirs / "refs"))):
            raise SourceError(
                f"HEAD names {name[:80]!r}, which is not there.", "Say which branch or commit with --rev."
            )
        return found

    def _commit(self, sha: str, asked: str) -> str:
        """Return the id of the commit that an object is or, for a tag, points to."""
        done = self._output(
            "cat-file", "--batch-check=%(objectname) %(objecttype)", data=f"{sha}^{{commit}}\n".encode()
        )
        parts = done.decode("ascii", "replace").split()
        if len(parts) != 2 or parts[1] != "commit":
            raise SourceError(
                f"{asked[:80]} names no commit that is there.", "Its objects may be missing: clone the repository anew."
            )
        return parts[0]

    @cached_property
    def _refs(self) -> dict[str, str]:
        text = self._small(self._theirs / "packed-refs", PACKED) or ""
        return {name: sha for sha, name in PACKED_REF.findall(text) if REF.fullmatch(name)}

    def tags(self) -> tuple[str, ...]:
        """Return the names of the tags, sorted; thousands at the most."""
        found = {name.removeprefix("refs/tags/") for name in self._refs if name.startswith("refs/tags/")}
        folder = self._theirs / "refs" / "tags"
        for where, _, files in os.walk(folder):
            if len(found) > MOST_TAGS:
                break
            found |= {(Path(where) / name).relative_to(folder).as_posix() for name in files[:MOST_TAGS]}
        return tuple(
            sorted(name for name in found if self._refs.get(f"refs/tags/{name}") or self._loose(f"refs/tags/{name}"))
        )

    def changed(self, sha: str, counts: Callable[[str], bool], enough: int, seconds: int) -> tuple[int, ...]:
        """Return when commits before one, merges left out, changed a path that counts: the newest first.

        Reading ends with as many commits over as many seconds as are enough, and after thousands in any case.
        """
        arguments = (
            "log",
            "--no-merges",
            "--no-renames",
            "--name-only",
            "--format=%x01%ct",
            f"-n{MOST_COMMITS}",
            sha,
            "--",
        )
        found: list[int] = []
        when = 0
        with self._running(*arguments) as process:
            assert process.stdout is not None
            for raw in process.stdout:
                if head := COMMITTED.match(raw):
                    when = int(head[1])
                elif when and raw.strip() and counts(raw.strip().decode("utf-8", "replace").strip('"')):
                    found.append(when)
                    when = 0  # one path is enough
                    if len(found) >= enough and max(found) - min(found) >= seconds:
                        break
        return tuple(found)

    def _loose(self, name: str, depth: int = 5) -> str | None:
        if not name.startswith("refs/") or not REF.fullmatch(name) or len(name) > LONGEST_NAME or depth == 0:
            return None
        path = self._theirs.joinpath(*name.split("/"))
        if any(
            part.is_symlink()
            for part in [path, *path.parents]
            if part.is_relative_to(self._theirs) and part != self._theirs
        ):
            return None
        text = (self._small(path) or "").strip()
        if text.startswith("ref:"):
            return self._loose(text.removeprefix("ref:").strip(), depth - 1)
        return text if SHA.fullmatch(text) else None

    def _small(self, path: Path, limit: int = SMALL) -> str | None:
        """Return the text of a small regular file that is no link, or None."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            return file.read(limit).decode("utf-8", "surrogateescape")

    def _output(self, *arguments: str, data: bytes) -> bytes:
        with self._running(*arguments, stdin=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(data)
            process.stdin.close()
            return process.stdout.read(1 << 20)

    @contextmanager
    def _running(self, *arguments: str, stdin: bool = False) -> Iterator[subprocess.Popen[bytes]]:
        with run(arguments, self._environment, self._limits, self._limits.git_seconds, stdin=stdin) as process:
            if sys.platform == "linux":  # packs are mapped and do not count here; what git makes of them does
                resource.prlimit(process.pid, resource.RLIMIT_DATA, (self._limits.git_heap, self._limits.git_heap))
            yield process


@contextmanager
def run(
    arguments: Sequence[str], environment: dict[str, str], limits: Limits, seconds: float, *, stdin: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """Run git in a process group of its own with limits on memory and time; the group ends with the block."""
    try:
        process = subprocess.Popen(
            ["git", *arguments],
            env=environment,
            cwd="/",
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise SourceError("git is not there.", "Install it, and see that PATH leads to it.") from None
    if sys.platform == "linux":
        resource.prlimit(process.pid, resource.RLIMIT_AS, (limits.git_memory, limits.git_memory))
        resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
    watchdog = threading.Timer(seconds, end, (process,))
    watchdog.daemon = True
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        end(process)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                _close(stream)
        process.wait()


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process with everything it started."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


@contextmanager
def open_repository(path: Path, limits: Limits) -> Iterator[Repository]:
    """Open a git directory for reading. Raises SourceError for one that points outside itself."""
    try:
        refuse_tricks(path)
        long = _uses_sha256(path)
    except OSError as error:
        raise SourceError(
            f"The repository cannot be read: {error.strerror}.", "Check who may read its folders."
        ) from None
    with tempfile.TemporaryDirectory(prefix="assessor-git-") as folder:
        ours = Path(folder) / "git"
        (ours / "refs").mkdir(parents=True)
        (ours / "objects").mkdir()
        (ours / "HEAD").write_text("ref: refs/heads/none\n")
        extension = "[extensions]\n\tobjectFormat = sha256\n" if long else ""
        (ours / "config").write_text(CONFIGURATION.format(version=1 if long else 0, extension=extension))
        yield Repository(path, ours, limits)


def refuse_tricks(path: Path) -> None:
    """Return if everything git would read lies below a git directory. Raises SourceError."""
    cure = "Give a plain clone of the repository."
    if (path / "commondir").exists():
        raise SourceError(
            "This is a linked work tree, whose objects lie elsewhere.", "Give the folder of the main work tree."
        )
    for name in ("objects", "refs", "HEAD", "packed-refs", "objects/info", "objects/pack"):
        if (path / name).is_symlink():
            raise SourceError(f"{name} of this repository is a link.", cure)
    for name in ("alternates", "http-alternates"):
        if (path / "objects" / "info" / name).exists():
            raise SourceError(
                "This repository borrows objects from another one.",
                "Run `git repack -a -d` in it, or give a plain clone.",
            )
    with os.scandir(path / "objects") as found:
        folders = [entry for entry in found if not _is_file(entry, cure)]
    for folder in folders:
        with os.scandir(folder) as found:
            for entry in found:
                _is_file(entry, cure)


def _is_file(entry: os.DirEntry[str], cure: str) -> bool:
    """Tell a file from a folder. Raises SourceError for what leads elsewhere (a link) or waits for ever (a pipe)."""
    file = entry.is_file(follow_symlinks=False)
    if not file and not entry.is_dir(follow_symlinks=False):
        raise SourceError(f"{entry.name} among the objects of this repository is a link or a pipe.", cure)
    return file


def clone(route: Route, into: Path, limits: Limits, *, token: str | None = None) -> Iterator[int]:
    """Clone an address into an empty folder, bare, and yield the bytes so far. Raises SourceError."""
    environment = _environment(into.parent) | {"GIT_ALLOW_PROTOCOL": route.protocol}
    options = [
        *("-c", "http.followRedirects=false", "-c", "transfer.fsckObjects=true", "-c", "core.hooksPath=/dev/null"),
        *("-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=30", "-c", "credential.helper="),
    ]
    if route.pinned is not None:
        address = f"[{route.pinned}]" if ":" in route.pinned else route.pinned
        options += ["-c", f"http.curloptResolve={route.host}:443:{address}"]
    if token is not None:  # through the environment: argument lists can be read by every user of the machine
        environment |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.https://{route.host}/.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Bearer {token}",
        }
    command = [*options, "clone", "--quiet", "--bare", "--template=", "--", route.url, str(into)]
    with run(command, environment, limits, limits.clone_seconds) as process:
        running = True
        while running:
            running = process.poll() is None
            size = _size(into)  # looked at once more after the end: what is fast is not therefore small
            if size > limits.clone_bytes:
                raise SourceError(
                    f"The repository is larger than {limits.clone_bytes >> 20} MB.",
                    "Clone it yourself and run `assessor score` on the folder, or upload an archive without data.",
                )
            yield size
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.25)
        if process.returncode:
            raise SourceError(
                "The repository could not be fetched.",
                "Check that it exists, is public, and can be cloned without signing in.",
            )


def _environment(home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "LC_ALL": "C",
    }


def _uses_sha256(path: Path) -> bool:
    """Tell which hash a repository uses by the length of its objects' names, since its configuration is not read."""
    for pack in (path / "objects" / "pack").glob("pack-*.idx"):
        return len(pack.stem) > 50
    for folder in (path / "objects").glob("[0-9a-f][0-9a-f]"):
        for loose in folder.glob("*"):
            return len(loose.name) > 40
    return False


def _records(stream: IO[bytes]) -> Iterator[bytes]:
    kept = b""
    while chunk := stream.read(1 << 16):
        *whole, kept = (kept + chunk).split(b"\0")
        yield from whole


def _file(record: bytes) -> tuple[str, str, int] | None:
    """Return path, blob and mode of a regular file, None for what is no file."""
    head, _, raw = record.partition(b"\t")
    parts = head.split()
    if len(parts) != 3 or parts[1] != b"blob" or parts[0] not in (b"100644", b"100755", b"100664"):
        return None
    return raw.decode("utf-8", "replace"), parts[2].decode(), int(parts[0], 8)


def _sent(process: subprocess.Popen[bytes], ids: Sequence[str]) -> Iterator[str]:
    """Ask git for objects, a window at a time, and yield each id when its answer is to be read."""
    assert process.stdin is not None
    for start in range(0, len(ids), WINDOW):
        part = ids[start : start + WINDOW]
        try:
            process.stdin.write("".join(f"{sha}\n" for sha in part).encode())
            process.stdin.flush()
            if start + WINDOW >= len(ids):
                process.stdin.close()
        except OSError:
            return
        yield from part


def _is_named(sha: str, kind: bytes, data: bytes) -> bool:
    """Tell whether an object is what its id says: git does not look, and facts are kept by the id of their blob."""
    digest = hashlib.new("sha1" if len(sha) == 40 else "sha256", b"%s %d\0" % (kind, len(data)), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest() == sha


def _size(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118 - called for every file four times a second
            except OSError:
                continue
    return total


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except OSError:
        return
