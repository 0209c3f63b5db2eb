"""The schema that migrations make is the one that the models map, on both databases, up and down."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from assessor.cli.db import downgrade, pending, upgrade
from assessor.config import Settings
from assessor.models import Base
from assessor.models.session import make_engine
from tests.conftest import EVERYTHING, NEEDS
from tests.databases import create, drop, postgres_binaries, postgres_server


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    if postgres_binaries() is None and not EVERYTHING:
        pytest.skip(f"left out: needs {NEEDS['postgres']}")
    with postgres_server() as address:
        yield address


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    if request.param == "sqlite":
        yield Settings.for_tests(tmp_path)
        return
    address, name = request.getfixturevalue("server"), f"test_{uuid.uuid4().hex}"
    jobs = f"sqlite:///{tmp_path / 'jobs.db'}"
    yield Settings.for_tests(tmp_path, database_url=create(address, name), jobs_database_url=jobs)
    drop(address, name)


def test_migrations_make_what_the_models_map(settings: Settings) -> None:
    assert pending(settings)
    upgrade(settings)
    assert pending(settings) == []
    engine = make_engine(settings.database_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_down_to_nothing_and_up_again(settings: Settings) -> None:
    upgrade(settings)
    downgrade(settings, "base")
    engine = make_engine(settings.database_url)
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    upgrade(settings)
    upgrade(settings)
    assert set(inspect(engine).get_table_names()) >= set(Base.metadata.tables)
    engine.dispose()
