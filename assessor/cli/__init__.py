"""The command line: one module for each command, imported when it is called and not before."""

from __future__ import annotations

import importlib

import click

from assessor import __version__

__all__ = ["main"]

COMMANDS = {
    "score": "Score a repository: a folder, a bare git directory, a zip or an https address.",
    "serve": "Start the web server and one worker.",
    "worker": "Run one worker until it is told to stop.",
    "user": "Add users, reset passwords, give roles.",
    "demo": "Load or remove the demo workspace.",
    "db": "Create, upgrade and check the database.",
    "calibrate": "Estimate drift, noises and the severity of raters from everybody's evidence.",
    "content": "Check the framework, the roles, the texts of signals and the questions.",
}
"""Every command with its line of help, in the order of what people do; the line spares an import for `--help`."""


class _Lazy(click.Group):
    """Load a command's module when the command is called: `score` must not pay for a web server."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of what people do."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = importlib.import_module(f"assessor.cli.{cmd_name}").command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="assessor")
def main() -> None:
    """Measure AI engineers across ten layers, with evidence for every number."""
