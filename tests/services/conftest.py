"""Every service test runs on SQLite and on PostgreSQL, each with a database of its own."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assessor.config import Settings, resource_dir
from assessor.content.catalogue import load_catalogue
from assessor.content.schema import Catalogue
from assessor.models.session import make_engine
from assessor.services.permissions import Actor
from assessor.services.unit import UnitFactory
from tests.conftest import EVERYTHING, NEEDS
from tests.databases import copy_template, drop, postgres_binaries, postgres_server, prepare_template
from tests.databases import upgrade as migrate


class Clock:
    """Be a clock that tests set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        """Move on by a timedelta."""
        self.now += timedelta(**by)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue(resource_dir("rubrics"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("migrated")
    migrate(Settings.for_tests(folder))
    return folder / "assessor.db"


@pytest.fixture(scope="session")
def postgres_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if postgres_binaries() is None and not EVERYTHING:
        pytest.skip(f"left out: needs {NEEDS['postgres']}")
    with postgres_server() as address:
        prepare_template(address, tmp_path_factory.mktemp("template"))
        yield address


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("migrated_file"), tmp_path / "assessor.db")
        yield Settings.for_tests(tmp_path)
        return
    address, name = request.getfixturevalue("postgres_address"), f"test_{uuid.uuid4().hex}"
    yield Settings.for_tests(tmp_path, database_url=copy_template(address, name))
    drop(address, name)


@pytest.fixture
def unit(settings: Settings, catalogue: Catalogue, clock: Clock) -> Iterator[UnitFactory]:
    factory = UnitFactory(make_engine(settings.database_url), catalogue, settings, clock)
    yield factory
    factory.engine.dispose()


@pytest.fixture
def actor(unit: UnitFactory) -> Actor:
    return sign_up(unit, "ada@example.org")


def sign_up(unit: UnitFactory, email: str, role: str = "admin") -> Actor:
    """Create a user in the workspace "main" and sign them in."""
    with unit(write=True) as u:
        user = u.account.create(email, "hash", roles=(role,))
        key = u.account.sign_in(user.id, "Browser 1.0")
    with unit() as u:
        found = u.account.actor(key)
    assert found is not None
    return found
