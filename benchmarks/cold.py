"""Compare a cold `assessor score` with reading and parsing the same files: CPU time, as a ratio of one run.

    python benchmarks/cold.py [REPOSITORY]

Without an argument a repository is made of 2 MB of Python that is installed anyway. The time of `assessor --version` is
taken off, since starting Python is not what is measured.
"""

from __future__ import annotations

import ast
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import sqlalchemy

WANTED = 2_000_000
RUNS = 5
GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
WHO = ("-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.org")


def main() -> None:
    """Print the costs and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(sys.argv[1]) if len(sys.argv) > 1 else make(Path(folder) / "repository")
        sources = read(repository)
        size = sum(map(len, sources))
        ratios, costs = [], []
        for _ in range(RUNS):  # each in turn, so that a slow moment of the machine meets all three
            base = cost("--version")
            whole = cost("score", str(repository), "--no-cache", "--format", "json", "--output", os.devnull)
            parse = parsing(repository)
            costs.append((base, whole, parse))
            ratios.append((whole - base) / parse)
        base, whole, parse = (statistics.median(column) for column in zip(*costs, strict=True))
        print(f"{len(sources)} files, {size / 1e6:.2f} MB of Python; medians of {RUNS} runs, CPU seconds")
        print(f"assessor --version {base:.3f}   score {whole:.3f}   read and ast.parse {parse:.3f}")
        print(
            f"ratio {statistics.median(ratios):.2f} (least {min(ratios):.2f}, most {max(ratios):.2f}); must be <= 3.6"
        )


def make(folder: Path) -> Path:
    """Commit installed modules, up to the wanted size."""
    total = 0
    package = Path(sqlalchemy.__file__).parent
    for path in sorted(package.rglob("*.py")):
        if "testing" in path.parts:
            continue
        data = path.read_bytes()
        if total + len(data) > WANTED:
            continue
        total += len(data)
        target = folder / "library" / path.relative_to(package)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    for command in (("init", "-q"), ("add", "."), (*WHO, "commit", "-q", "-m", "Benchmark")):
        subprocess.run(["git", *command], cwd=folder, check=True, env=os.environ | GIT)
    return folder


def read(repository: Path) -> list[bytes]:
    """Return the Python files of HEAD."""
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "-z", "--name-only", "HEAD"], cwd=repository, check=True, capture_output=True
    )
    names = [name for name in listed.stdout.split(b"\0") if name.endswith(b".py")]
    asked = b"".join(b"HEAD:" + name + b"\n" for name in names)
    out = subprocess.run(
        ["git", "cat-file", "--batch"], cwd=repository, input=asked, check=True, capture_output=True
    ).stdout
    found, at = [], 0
    for _ in names:
        end = out.index(b"\n", at)
        size = int(out[at:end].split()[2])
        found.append(out[end + 1 : end + 1 + size])
        at = end + size + 2
    return found


def cost(*arguments: str) -> float:
    """Return the CPU seconds of a command and what it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "assessor", *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def parsing(repository: Path) -> float:
    """Return the CPU seconds of reading the files out of git and parsing them in this process."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for data in read(repository):
            try:
                ast.parse(data)
            except (SyntaxError, ValueError):
                continue
    mine = time.process_time() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine + after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime


if __name__ == "__main__":
    main()
