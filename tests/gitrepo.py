"""Real git repositories for tests, the same bytes every time: fixed identities and dates, no configuration of the machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

AUTHOR = "Ada Lovelace <ada@example.org>"
DATE = "2024-01-15T12:00:00Z"

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


def make_repo(
    path: Path,
    files: Mapping[str, str | bytes | None],
    *,
    message: str = "Start",
    author: str = AUTHOR,
    date: str = DATE,
    bare: bool = False,
) -> Path:
    """Make a repository on branch main with one commit that holds `files`, and return `path`.

    The folder has a work tree unless `bare`. Add further commits with `commit`.
    """
    path.mkdir(parents=True, exist_ok=True)
    run_git(path, "init", "-q", "--template=", "-b", "main", *(["--bare"] if bare else []))
    commit(path, files, message=message, author=author, date=date)
    return path


def commit(
    path: Path,
    files: Mapping[str, str | bytes | None],
    *,
    message: str = "Change",
    author: str = AUTHOR,
    date: str = DATE,
    branch: str = "main",
) -> str:
    """Add a commit to `branch` that writes `files` (None removes one), check it out if there is a work tree, return its id.

    `author` is "Name <mail>" and also commits; `date` is ISO 8601.
    """
    who = f"{author} {int(datetime.fromisoformat(date).timestamp())} +0000\n".encode()
    stream = [f"commit refs/heads/{branch}\n".encode()]
    stream += [b"author " + who, b"committer " + who, _data(message.encode())]
    if run_git(path, "rev-parse", "-q", "--verify", f"refs/heads/{branch}", check=False):
        stream.append(f"from refs/heads/{branch}^0\n".encode())
    for name, content in files.items():
        quoted = b'"' + name.encode("utf-8", "surrogateescape").replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
        quoted = quoted.replace(b"\n", b"\\n")
        if content is None:
            stream.append(b"D " + quoted + b"\n")
        else:
            content = content.encode() if isinstance(content, str) else content
            stream.append(b"M 100644 inline " + quoted + b"\n" + _data(content))
    run_git(path, "fast-import", "--quiet", data=b"".join(stream))
    if (path / ".git").is_dir() and run_git(path, "symbolic-ref", "HEAD") == f"refs/heads/{branch}":
        run_git(path, "reset", "-q", "--hard")
    return run_git(path, "rev-parse", f"refs/heads/{branch}")


def run_git(path: Path, *arguments: str, data: bytes | None = None, check: bool = True, **extra: str) -> str:
    """Run git in `path` without the machine's configuration, return its output; `extra` joins the environment."""
    done = subprocess.run(
        ["git", "-C", str(path), *arguments], input=data, capture_output=True, env={**ENVIRONMENT, **extra}, check=False
    )
    if check and done.returncode:
        raise AssertionError(f"git {' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)
