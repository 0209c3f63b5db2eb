"""What a commit on SQLite promises, asked of the database itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from assessor.models import session
from assessor.models.session import make_engine, writing


def test_an_acknowledged_commit_is_on_the_disk(tmp_path: Path) -> None:
    with make_engine(f"sqlite:///{tmp_path / 'a.db'}").connect() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")
        }
    full = 2
    assert pragmas == {"journal_mode": "wal", "synchronous": full}


def test_foreign_keys_hold(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with writing(engine).begin() as connection:
        connection.execute(text("CREATE TABLE a (id INTEGER PRIMARY KEY)"))
        connection.execute(text("CREATE TABLE b (a INTEGER REFERENCES a(id))"))
    with pytest.raises(IntegrityError), writing(engine).begin() as connection:
        connection.execute(text("INSERT INTO b VALUES (1)"))


def test_a_writer_takes_the_lock_when_it_begins_and_readers_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "BUSY_SECONDS", 0.1)
    engine = make_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with writing(engine).begin() as connection:
        connection.execute(text("CREATE TABLE a (id INTEGER)"))
    with writing(engine).begin(), engine.begin() as reader:
        assert reader.execute(text("SELECT count(*) FROM a")).scalar() == 0
        with pytest.raises(OperationalError, match="locked"), writing(engine).begin():
            pytest.fail("two writers at a time")
