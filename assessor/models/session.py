"""Connect to SQLite or PostgreSQL so that both promise the same: durable commits, real foreign keys, no lost update."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

__all__ = ["BUSY_SECONDS", "make_engine", "writing"]

BUSY_SECONDS = 10.0
"""How long a statement waits for the lock of another writer before it fails."""


def make_engine(database_url: str) -> Engine:
    """Return the engine for a database address. SQLite runs in WAL mode with synchronous FULL.

    A transaction begins deferred, so that readers never wait; one of `writing(engine)` takes the write lock at its
    start, so that it cannot fail half-way because another writer came first.
    """
    if not database_url.startswith("sqlite"):
        seconds = int(BUSY_SECONDS)
        options = f"-c timezone=UTC -c lock_timeout={seconds}s -c idle_in_transaction_session_timeout=60s"
        return create_engine(
            database_url, pool_pre_ping=True, connect_args={"options": options, "connect_timeout": seconds}
        )
    if make_url(database_url).database in (None, "", ":memory:"):
        raise ValueError("an SQLite database needs a file: readers and writers use connections of their own")
    # isolation_level None: the driver starts no transaction by itself, _begin does.
    engine = create_engine(database_url, connect_args={"timeout": BUSY_SECONDS, "isolation_level": None})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def writing(engine: Engine) -> Engine:
    """Return the same engine, whose transactions take the write lock when they begin."""
    return engine.execution_options(assessor_writes=True)


def _configure(connection: sqlite3.Connection, _record: Any) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    statement = "BEGIN IMMEDIATE" if connection.get_execution_options().get("assessor_writes") else "BEGIN"
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)
    try:
        driver.execute(statement)
    except sqlite3.Error as error:
        raise OperationalError(statement, None, error) from error
