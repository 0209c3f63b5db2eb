"""Manage users from the operator's terminal: the first admin, resets without mail, roles."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from assessor.cli.db import ready
from assessor.cli.environment import read_settings
from assessor.config import Settings

if TYPE_CHECKING:
    from assessor.services.unit import UnitFactory

workspace_option = click.option("--workspace", default="main", show_default=True, help="Workspace by its short name.")
password_option = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@click.group(name="user")
def command() -> None:
    """Add users, reset passwords, set roles."""


@command.command()
@click.argument("email")
@click.option("--name", default="", help="Name that others see.")
@click.option("--role", default="member", show_default=True, help="member, manager, panellist, admin or operator.")
@workspace_option
@password_option
def add(email: str, name: str, role: str, workspace: str, password_stdin: bool) -> None:
    """Add a user, for example the first admin."""
    with _unit() as (unit, settings):
        password = _hashed(settings, _password(password_stdin))
        with unit(write=True) as u:
            roles = ["admin", role] if role == "operator" else [role]
            u.account.create(email, password, name=name, workspace=workspace, roles=roles)
    click.echo(f"{email} can sign in now, as {role} of the workspace {workspace}.")


@command.command()
@click.argument("email")
@password_option
def reset(email: str, password_stdin: bool) -> None:
    """Set a new password and sign the user out everywhere."""
    with _unit() as (unit, settings):
        password = _hashed(settings, _password(password_stdin))
        with unit(write=True) as u:
            u.account.set_password(email, password)
    click.echo(f"{email} has a new password; every session of theirs is signed out.")


@command.command()
@click.argument("email")
@click.argument("role")
@workspace_option
def role(email: str, role: str, workspace: str) -> None:
    """Give a user a role in a workspace."""
    with _unit() as (unit, _settings), unit(write=True) as u:
        u.account.set_role(email, role, workspace=workspace)
    click.echo(f"{email} is now {role}{'' if role == 'operator' else f' of {workspace}'}.")


@command.command(name="list")
def list_command() -> None:
    """List all users with their roles."""
    with _unit() as (unit, _settings), unit() as u:
        for line in u.account.everybody():
            state = "" if line.active else "  (blocked)"
            click.echo(f"{line.email}  {', '.join(line.roles)}{state}")


@contextmanager
def _unit() -> Iterator[tuple[UnitFactory, Settings]]:
    from assessor.factory import create_unit

    settings = read_settings()
    with ready(settings):
        yield create_unit(settings), settings


def _password(from_stdin: bool) -> str:
    from assessor.services.account import PASSWORD_LENGTH

    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    if len(password) < PASSWORD_LENGTH:
        raise click.ClickException(
            f"a password has at least {PASSWORD_LENGTH} characters; a few unrelated words make a good one"
        )
    return password


def _hashed(settings: Settings, password: str) -> str:
    """Hash as the web does, with the keys of this installation."""
    from flask_security import hash_password

    from assessor.factory import create_app

    with create_app(settings).app_context():
        hashed: str = hash_password(password)
        return hashed
