"""The application on a migrated SQLite database, and browsers that follow its pages: forms carry the token they show."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from assessor.config import Settings
from assessor.content.schema import Catalogue
from assessor.factory import create_app
from assessor.models.session import make_engine
from assessor.services.permissions import Actor
from assessor.services.unit import UnitFactory
from assessor.web.access import SESSION_KEY
from tests.services.conftest import Clock, catalogue, clock, migrated_file, sign_up

__all__ = ["Browser", "catalogue", "clock", "migrated_file"]


class Browser:
    """Open pages and send their forms, as a person with cookies does."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def open(self, path: str, *, status: int = 200) -> str:
        """Return the text of a page, after any redirects."""
        answer = self.client.get(path, follow_redirects=True)
        assert answer.status_code == status, f"{path}: {answer.status_code}"
        return answer.get_data(as_text=True)

    def send(self, path: str, *, shown_at: str | None = None, **fields: object) -> TestResponse:
        """Send a form with the token of the page that shows it; redirects are not followed."""
        found = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', self.open(shown_at or path))
        assert found is not None, f"{shown_at or path} shows no form"
        return self.client.post(path, data={"csrf_token": found[1], **fields})


@dataclass(frozen=True)
class Person:
    """Be somebody who is signed in."""

    actor: Actor
    browser: Browser

    @property
    def id(self) -> int:
        """Return the id of the person who is measured."""
        return self.actor.person_id


@pytest.fixture
def settings(tmp_path: Path, migrated_file: Path) -> Settings:
    shutil.copyfile(migrated_file, tmp_path / "assessor.db")
    return Settings.for_tests(tmp_path, demo=True)


@pytest.fixture
def unit(settings: Settings, catalogue: Catalogue, clock: Clock) -> Iterator[UnitFactory]:
    factory = UnitFactory(make_engine(settings.database_url), catalogue, settings, clock)
    yield factory
    factory.engine.dispose()


@pytest.fixture
def queued() -> list[str]:
    """Return the ids of the analyses that were queued."""
    return []


@pytest.fixture
def app(settings: Settings, unit: UnitFactory, queued: list[str]) -> Flask:
    return create_app(settings, unit=unit, enqueue=queued.append)


@pytest.fixture
def visitor(app: Flask) -> Browser:
    return Browser(app.test_client())


@pytest.fixture
def signed_in(app: Flask, unit: UnitFactory) -> Callable[[str], Person]:
    """Return a function that signs somebody up and in."""

    def sign_in(email: str) -> Person:
        who = sign_up(unit, email)
        with unit(write=True) as u:
            key = u.account.sign_in(who.user_id)
        browser = Browser(app.test_client())
        with browser.client.session_transaction() as session:
            session[SESSION_KEY] = key
        return Person(who, browser)

    return sign_in


@pytest.fixture
def ada(signed_in: Callable[[str], Person]) -> Person:
    return signed_in("ada@example.org")


@pytest.fixture
def statements(unit: UnitFactory) -> list[str]:
    """Return the SQL statements sent from now on; clear it before what is to be counted."""
    sent: list[str] = []
    event.listen(unit.engine, "before_cursor_execute", lambda _c, _u, statement, *_: sent.append(statement))
    return sent


@pytest.fixture
def invited_only(settings: Settings, unit: UnitFactory) -> Browser:
    closed = replace(settings, registration="invite", demo=False)
    return Browser(create_app(closed, unit=unit, enqueue=lambda _id: None).test_client())
