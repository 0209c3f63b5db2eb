"""What a view may ask of the application it runs in: units of work, settings, the queue, who acts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import cast

from flask import Flask, current_app, g

from assessor.config import Settings
from assessor.content.schema import Catalogue
from assessor.services.errors import SignInNeeded
from assessor.services.permissions import Actor
from assessor.services.unit import Unit, UnitFactory

__all__ = ["DRAFT", "actor", "bind", "catalogue", "enqueue", "now", "settings", "signed_in", "unit"]

DRAFT = "draft"
"""Where the signed cookie keeps the token of answers given before there was an account."""

Enqueue = Callable[[str], None]
"""Puts an analysis, by its id, into the queue of background work."""


def bind(app: Flask, factory: UnitFactory, settings: Settings, enqueue: Enqueue) -> None:
    """Give an application its unit factory, settings and queue."""
    app.extensions["assessor.unit"] = factory
    app.extensions["assessor.settings"] = settings
    app.extensions["assessor.jobs"] = enqueue


def unit(*, write: bool = False) -> AbstractContextManager[Unit]:
    """Open a unit of work: `with unit() as u` reads, `with unit(write=True) as u` writes."""
    return _factory()(write=write)


def catalogue() -> Catalogue:
    """Return the content this application was started with."""
    return _factory().catalogue


def now() -> datetime:
    """Return the time, in UTC."""
    return _factory().clock()


def settings() -> Settings:
    """Return the settings this application was started with."""
    return cast(Settings, current_app.extensions["assessor.settings"])


def enqueue(analysis_id: str) -> None:
    """Queue an analysis; call it after the unit that stored the analysis has closed."""
    cast(Enqueue, current_app.extensions["assessor.jobs"])(analysis_id)


def actor() -> Actor | None:
    """Return who sent this request, or None for a visitor."""
    return cast("Actor | None", g.get("actor"))


def signed_in() -> Actor:
    """Return who sent this request. Raises SignInNeeded for a visitor."""
    found = actor()
    if found is None:
        raise SignInNeeded("This page is for signed-in users.", "Sign in, then open it again.")
    return found


def _factory() -> UnitFactory:
    return cast(UnitFactory, current_app.extensions["assessor.unit"])
