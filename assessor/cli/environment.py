"""What every command that needs an installation asks first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from assessor.config import Settings, SettingsError

__all__ = ["read_settings", "ready"]


def read_settings() -> Settings:
    """Return the settings of the environment; a variable that cannot be used ends the command with its name."""
    try:
        return Settings.from_environment()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def ready(settings: Settings) -> Iterator[None]:
    """Let a command work on a database whose schema is current; what a service refuses ends it with cause and cure."""
    from assessor.cli.db import pending
    from assessor.services.errors import ServiceError

    if pending(settings):
        raise click.ClickException("the database is not ready; run `assessor db upgrade` first")
    try:
        yield
    except ServiceError as error:
        raise click.ClickException(f"{error.cause} {error.cure}".strip()) from error
