"""Bring the database's schema up to date, and tell where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from assessor.cli.environment import read_settings
from assessor.config import Settings, resource_dir

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["command", "downgrade", "pending", "ready", "upgrade"]

MIGRATION_LOCK = 0x41534553
"""Key of the advisory lock that keeps two machines from migrating one PostgreSQL database at a time."""


def upgrade(settings: Settings) -> None:
    """Bring the database and the job queue's tables to this version's schema; one that is there already is left alone."""
    from alembic import command as alembic

    from assessor.jobs.queue import create_tables

    with _configured(settings) as config:
        alembic.upgrade(config, "head")
    create_tables(settings)


def downgrade(settings: Settings, revision: str) -> None:
    """Take the database back to an earlier revision, or to "base", which is empty."""
    from alembic import command as alembic

    with _configured(settings) as config:
        alembic.downgrade(config, revision)


def pending(settings: Settings) -> list[str]:
    """Return the revisions that this version needs and the database does not have yet, oldest first."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    with _configured(settings) as config:
        current = MigrationContext.configure(config.attributes["connection"]).get_current_heads()
        revisions = ScriptDirectory.from_config(config).iterate_revisions("head", current or "base")
        return [revision.revision for revision in revisions][::-1]


@contextmanager
def ready(settings: Settings) -> Iterator[None]:
    """Let a command work on a database whose schema is current; what a service refuses ends it with cause and cure."""
    from assessor.services.errors import ServiceError

    if pending(settings):
        raise click.ClickException("the database is not ready; run `assessor db upgrade` first")
    try:
        yield
    except ServiceError as error:
        raise click.ClickException(f"{error.cause} {error.cure}".strip()) from error


@contextmanager
def _configured(settings: Settings) -> Iterator[Config]:
    from alembic.config import Config
    from sqlalchemy import text

    from assessor.models.session import make_engine, writing

    if settings.embedded:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = make_engine(settings.database_url)
    try:
        with writing(engine).connect() as connection:
            if not settings.embedded:
                connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
                connection.commit()
            config = Config()
            config.set_main_option("script_location", str(resource_dir("migrations")).replace("%", "%%"))
            config.attributes["connection"] = connection
            yield config
            connection.commit()
    finally:
        engine.dispose()


@click.group(name="db")
def command() -> None:
    """Create, upgrade and check the database."""


@command.command(name="upgrade")
def upgrade_command() -> None:
    """Bring the schema to this version; safe to repeat."""
    settings = read_settings()
    waiting = pending(settings)
    upgrade(settings)
    click.echo(f"The schema is up to date; {len(waiting)} migrations were applied.")


@command.command(name="downgrade")
@click.argument("revision")
@click.confirmation_option(prompt="Columns and tables that the older version does not know are lost. Go on?")
def downgrade_command(revision: str) -> None:
    """Take the schema back to REVISION ("base" removes everything)."""
    downgrade(read_settings(), revision)
    click.echo(f"The schema is at {revision}.")


@command.command(name="check")
def check_command() -> None:
    """Tell whether the schema is this version's; exit 1 if not."""
    waiting = pending(read_settings())
    if waiting:
        raise click.ClickException(f"migrations are waiting: {', '.join(waiting)}; run `assessor db upgrade`")
    click.echo("The schema is up to date.")
