"""Check the content of rubrics/: schema, references, ids, versions, spelling of keys."""

from __future__ import annotations

from pathlib import Path

import click

from assessor.config import resource_dir

__all__ = ["command"]


@click.group(name="content")
def command() -> None:
    """Check the framework, the roles, the texts of signals and the questions of the quiz."""


@command.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
def lint(folder: Path | None) -> None:
    """Check every file of FOLDER (the installed content by default); exit 1 and name file and line of each problem."""
    from assessor.cli.demo.reading import read_story
    from assessor.content.catalogue import ContentError, load_catalogue
    from assessor.content.items import bank_problems

    folder = folder or resource_dir("rubrics")
    try:
        found = load_catalogue(folder)
        if lacking := bank_problems(folder, found.framework, found.items):
            raise ContentError(tuple(lacking))
        if (folder / "demo" / "story.yaml").exists():
            read_story(folder, found)
    except ContentError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        raise click.ClickException(f"{len(error.problems)} problems in the content") from error
    framework = found.framework
    click.echo(
        f"Content {framework.label} is right: {len(framework.layers)} layers, {len(framework.topics)} topics, "
        f"{len(framework.signals)} signals, {len(found.roles)} roles, {len(found.items)} questions."
    )


@command.command()
def coverage() -> None:
    """Print how many questions each topic has, by type and level, as a Markdown table."""
    from assessor.content.catalogue import load_catalogue
    from assessor.content.items import coverage_table

    click.echo(coverage_table(load_catalogue(resource_dir("rubrics"))))
