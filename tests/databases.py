"""Real databases for tests: an SQLite file and a PostgreSQL server of Debian's binaries, migrated once and copied."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import create_engine, text

from assessor.cli.db import upgrade
from assessor.config import Settings

TEMPLATE = "migrated"


@cache
def postgres_binaries() -> Path | None:
    """Return the folder of the newest installed PostgreSQL server, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    other = shutil.which("initdb")
    return Path(other).parent if other else None


@contextmanager
def postgres_server() -> Iterator[str]:
    """Start a server of our own on a socket in a temporary folder; yield the address of a database up to its name."""
    binaries = postgres_binaries()
    assert binaries is not None
    # A short path: a socket's name must fit into 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    run = []
    if os.geteuid() == 0:  # the server refuses to be root
        shutil.chown(folder, "postgres", "postgres")
        run = ["runuser", "-u", "postgres", "--"]
    data = folder / "data"
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    subprocess.run([*run, binaries / "initdb", "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "-N"], **quiet)
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c max_connections=50"
    control = [*run, binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]
    subprocess.run([*control, "-o", options, "start"], **quiet)
    try:
        yield f"postgresql+psycopg://test@/{{name}}?host={folder}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **quiet)
        shutil.rmtree(folder, ignore_errors=True)


def prepare_template(address: str, folder: Path) -> None:
    """Create the database that every test's own is a copy of."""
    url = create(address, TEMPLATE)
    upgrade(Settings.for_tests(folder, database_url=url, jobs_database_url=f"sqlite:///{folder / 'jobs.db'}"))


def create(address: str, name: str) -> str:
    """Create an empty database and return its address."""
    _administer(address, f"CREATE DATABASE {name}")
    return address.format(name=name)


def copy_template(address: str, name: str) -> str:
    """Create a migrated database and return its address."""
    _administer(address, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    return address.format(name=name)


def drop(address: str, name: str) -> None:
    """Delete a database with whatever is still connected to it."""
    _administer(address, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(address: str, statement: str) -> None:
    engine = create_engine(address.format(name="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
