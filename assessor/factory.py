"""Put an application together: settings, engine, catalogue, queue, the frame, and the pages of each noun."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime

from flask import Flask

from assessor.config import Settings, resource_dir
from assessor.content.catalogue import load_catalogue
from assessor.jobs.queue import Queue
from assessor.models.session import make_engine
from assessor.services.unit import UnitFactory, utc_now
from assessor.web import account, hiring, home, portfolio, profile, quiz, review, team
from assessor.web.access import init_access
from assessor.web.account.sign_in import init_accounts
from assessor.web.context import bind
from assessor.web.errors import init_errors
from assessor.web.filters import init_filters
from assessor.web.limits import init_limits
from assessor.web.logs import configure_logging, init_logs
from assessor.web.security import csrf, init_security

__all__ = ["create_app", "create_unit"]


def create_unit(
    settings: Settings, *, clock: Callable[[], datetime] = utc_now, chance: random.Random | None = None
) -> UnitFactory:
    """Create the factory of units of work on the configured database; for workers, commands and the application."""
    engine, catalogue = make_engine(settings.database_url), load_catalogue(resource_dir("rubrics"))
    return UnitFactory(engine, catalogue, settings, clock, chance)


def create_app(
    settings: Settings | None = None,
    *,
    unit: UnitFactory | None = None,
    enqueue: Callable[[str], None] | None = None,
) -> Flask:
    """Create the web application.

    Settings come from the environment unless given. `unit` and `enqueue` replace database and queue, for tests and
    tools: `enqueue` is called with the id of each analysis that was stored.
    """
    settings = settings or Settings.from_environment()
    if not settings.testing:
        configure_logging(settings.log_level)
    if unit is None:
        unit = create_unit(settings)
    app = Flask("assessor", template_folder=str(resource_dir("templates")), static_folder=str(resource_dir("static")))
    app.testing = settings.testing
    bind(app, unit, settings, enqueue or Queue(settings).enqueue)
    # The order of these is the order in which a request passes them.
    init_logs(app, settings)
    init_security(app, settings)
    init_access(app)
    csrf.init_app(app)
    init_filters(app)
    init_errors(app)
    init_accounts(app, settings, unit)
    for noun in (home, account, profile, portfolio, quiz, review, team, hiring):
        app.register_blueprint(noun.pages)
    init_limits(app, settings)
    return app
