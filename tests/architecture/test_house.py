"""Promises about the house as a whole: what is imported, what is documented, what no file says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from assessor.cli import COMMANDS
from assessor.services.permissions import RULES
from tests.gitrepo import make_repo

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_scoring_imports_neither_web_nor_database_nor_numpy(tmp_path: Path) -> None:
    path = make_repo(tmp_path / "repository", {"app.py": "print(1)\n", "ci.yml": "on: push\n"})
    script = (
        "import json, sys\n"
        "from assessor.cli import main\n"
        f"main(['score', {str(path)!r}, '--no-cache', '--format', 'json', '--output', {str(tmp_path / 'out')!r}], "
        "standalone_mode=False)\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert "assessor" in loaded
    assert not loaded & {"flask", "sqlalchemy", "dbos", "numpy", "werkzeug", "jinja2", "git"}


def test_the_application_is_three_lines() -> None:
    assert [line for line in (ROOT / "app.py").read_text().splitlines() if line] == [
        "from assessor.factory import create_app",
        "app = create_app()",
    ]


def test_every_setting_is_documented() -> None:
    read = set(re.findall(r'read\.\w+\(\s*"([A-Z_]+)"', (ROOT / "assessor" / "config.py").read_text()))
    assert len(read) > 15
    told = set(re.findall(r"`([A-Z_]+)`", (ROOT / "docs" / "operations.md").read_text()))
    assert read - told == set()


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "assessor").rglob("*.py")
        if re.search(r"^import os$.*os\.(?:environ|getenv)", path.read_text(), re.MULTILINE | re.DOTALL)
    }
    # serve hands options on to its children; git needs a PATH; the cache of `score`, which has no settings, a folder.
    beside = {"assessor/cli/serve.py", "assessor/analysis/git.py", "assessor/analysis/cache.py"}
    assert readers == {"assessor/config.py"} | beside


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented_and_helps(command: str) -> None:
    assert any(f"assessor {command}" in path.read_text() for path in DOCUMENTS)
    done = subprocess.run(
        [sys.executable, "-m", "assessor", command, "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: ")


def test_commands_stand_in_the_order_of_what_people_do() -> None:
    done = subprocess.run([sys.executable, "-m", "assessor", "--help"], capture_output=True, text=True, check=True)
    listed = re.findall(r"^  (\w+)  ", done.stdout.partition("Commands:")[2], re.MULTILINE)
    assert listed == ["score", "serve", "worker", "user", "demo", "db", "calibrate", "content"]


def test_links_between_documents_lead_somewhere() -> None:
    for path in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_actions_are_named_after_nouns() -> None:
    nouns = {path.name for path in (ROOT / "assessor" / "web").iterdir() if (path / "__init__.py").exists()}
    assert {action.partition(".")[0] for action in RULES} == nouns


def test_no_file_names_a_package_index() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    sign = "index" + "-url"
    for name in filter(None, listed.split("\0")):
        text = (ROOT / name).read_bytes().decode("utf-8", "replace")
        if name.startswith("requirements"):
            assert "http" not in text
        if name not in ("Makefile", Path(__file__).relative_to(ROOT).as_posix()):  # make lock says that none is written
            assert sign not in text, name
