"""What is loaded for which command, and that every command is told of."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from assessor.cli import COMMANDS, main
from tests.analysis.samples import SHOP, make_zip
from tests.gitrepo import make_repo

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import json, sys
from assessor.cli import main
main(sys.argv[2:], standalone_mode=False)
with open(sys.argv[1], "w") as file:
    json.dump(sorted(sys.modules), file)
"""


def loaded(folder: Path, *arguments: str | Path) -> set[str]:
    """Return the modules that a command had imported when it was done."""
    told = folder / "modules"
    command = [sys.executable, "-c", SCRIPT, told, *arguments]
    subprocess.run(list(map(str, command)), cwd=ROOT, check=True, capture_output=True)
    found: list[str] = json.loads(told.read_text())
    return set(found)


HEAVY = {"flask", "werkzeug", "jinja2", "sqlalchemy", "dbos", "numpy", "alembic", "structlog", "wtforms"}


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html"])
def test_scoring_in_every_form_stays_light(tmp_path: Path, form: str) -> None:
    path = make_repo(tmp_path / "r", SHOP)
    options = (
        "--author",
        "ada@example.org",
        "--stats",
        "--cache-dir",
        tmp_path / "cache",
        "--output",
        tmp_path / "out",
    )
    found = loaded(tmp_path, "score", path, "--format", form, *options)
    assert (tmp_path / "out").stat().st_size > 1000
    assert not {name.partition(".")[0] for name in found} & HEAVY
    assert {name for name in found if name.startswith("assessor.analysis.report.")} >= {
        "assessor.analysis.report.model"
    }
    others = {"text", "markdown", "html"} - {form}
    assert not found & {f"assessor.analysis.report.{other}" for other in others}


def test_nothing_of_a_stranger_is_parsed_in_the_process_that_scores(tmp_path: Path) -> None:
    files = {**SHOP, "pyproject.toml": "[project]\nname = 'shop'\n", ".github/workflows/ci.yml": "on: push\n"}
    for source in (make_repo(tmp_path / "r", files), make_zip(tmp_path / "a.zip", files)):
        found = loaded(tmp_path, "score", source, "--no-cache", "--output", tmp_path / "out")
        readers = {"python", "manifests", "workflows", "dependencies", "settings"}
        assert found & {f"assessor.analysis.facts.{reader}" for reader in readers} <= {"assessor.analysis.facts.python"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_under_a_command_is_documented(command: str) -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))))
    found = main.get_command(click.Context(main), command)
    assert found is not None
    inner = [f"{command} {name}" for name in found.commands] if isinstance(found, click.Group) else [command]
    assert [name for name in inner if f"assessor {name}" not in text] == []
