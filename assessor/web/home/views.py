"""The landing page with the demo's radar, and the two probes of operators."""

from __future__ import annotations

from functools import cache

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from assessor.config import resource_dir
from assessor.web.access import action
from assessor.web.context import unit
from assessor.web.profile_chart import profile_radar

__all__ = ["pages"]

pages = Blueprint("home", __name__)


@pages.get("/")
@action("home.see")
def index() -> ResponseReturnValue:
    """Show the three doors and the radar of the demo person."""
    with unit() as u:
        person = u.profile.demo_person()
        view = u.profile.view(person) if person is not None else None
    chart = profile_radar(view, "/demo/layers") if view else None
    return render_template("home/index.html", view=view, chart=chart)


@pages.get("/healthz")
@action("home.health")
def healthz() -> ResponseReturnValue:
    """Answer while the process lives."""
    return {"status": "ok"}


@pages.get("/readyz")
@action("home.health")
def readyz() -> ResponseReturnValue:
    """Answer 200 while the database can be read and its schema is the one of this version."""
    try:
        with unit() as u:
            found = set(MigrationContext.configure(u.session.connection()).get_current_heads())
    except SQLAlchemyError:
        return {"status": "database not reachable"}, 503
    if found != _expected_heads():
        return {"status": "schema of another version; run `assessor db upgrade`"}, 503
    return {"status": "ok"}


@cache
def _expected_heads() -> set[str]:
    config = Config()
    config.set_main_option("script_location", str(resource_dir("migrations")))
    return set(ScriptDirectory.from_config(config).get_heads())
