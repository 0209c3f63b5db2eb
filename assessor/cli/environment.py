"""What every command that needs an installation asks first."""

from __future__ import annotations

import click

from assessor.config import Settings, SettingsError

__all__ = ["read_settings"]


def read_settings() -> Settings:
    """Return the settings of the environment; a variable that cannot be used ends the command with its name."""
    try:
        return Settings.from_environment()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
