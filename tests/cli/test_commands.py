"""What operators type: accounts, database, content; each in a process of its own, on a folder of its own."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from assessor.config import resource_dir

PASSWORD = "four unrelated plain words"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "data"


def assessor(home: Path, *arguments: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "assessor", *arguments],
        env={"PATH": os.environ["PATH"], "ASSESSOR_DATA_DIR": str(home), "HOME": str(home), **environment},
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_an_account_from_first_admin_to_reset(home: Path) -> None:
    early = assessor(home, "user", "list")
    assert early.returncode == 1
    assert "assessor db upgrade" in early.stderr
    assert assessor(home, "db", "check").returncode == 1
    assert assessor(home, "db", "upgrade").returncode == 0
    assert assessor(home, "db", "check").returncode == 0

    short = assessor(home, "user", "add", "ada@example.org", "--password-stdin", given="short\n")
    assert short.returncode == 1
    assert "12 characters" in short.stderr
    added = assessor(home, "user", "add", "ada@example.org", "--role", "admin", "--password-stdin", given=PASSWORD)
    assert added.returncode == 0, added.stderr
    first = stored_password(home)
    assert first.startswith("$argon2id$")
    assert PASSWORD not in first
    twice = assessor(home, "user", "add", "ada@example.org", "--password-stdin", given=PASSWORD)
    assert (twice.returncode, twice.stdout) == (1, "")
    assert "ada@example.org" in twice.stderr

    assert assessor(home, "user", "role", "ada@example.org", "panellist").returncode == 0
    assert "panellist" in assessor(home, "user", "list").stdout
    unknown = assessor(home, "user", "role", "ada@example.org", "emperor")
    assert unknown.returncode == 1
    assert "panellist" in unknown.stderr  # it says which there are
    assert assessor(home, "user", "reset", "ada@example.org", "--password-stdin", given=PASSWORD + "!").returncode == 0
    assert stored_password(home) != first


def test_keys_are_for_their_owner_alone(home: Path) -> None:
    assert assessor(home, "db", "upgrade").returncode == 0
    assert home.stat().st_mode & 0o777 == 0o700
    for name in ("secret_key", "password_salt"):
        assert (home / name).stat().st_mode & 0o777 == 0o600


def test_a_setting_that_cannot_be_used_is_named(home: Path) -> None:
    for command in (("db", "check"), ("serve",), ("worker",), ("user", "list"), ("demo", "load")):
        done = assessor(home, *command, PORT="eighty")
        assert done.returncode == 1, command
        assert "PORT is 'eighty'" in done.stderr
        assert "Traceback" not in done.stderr


def test_content_is_linted(home: Path, tmp_path: Path) -> None:
    right = assessor(home, "content", "lint")
    assert right.returncode == 0, right.stderr
    assert "57 topics" in right.stdout
    folder = tmp_path / "rubrics"
    shutil.copytree(resource_dir("rubrics"), folder, ignore=shutil.ignore_patterns("demo"))
    role = folder / "roles" / "ml-engineer.yaml"
    role.write_text(role.read_text().replace("summary:", "sumary:"))
    wrong = assessor(home, "content", "lint", str(folder))
    assert wrong.returncode == 1
    assert "rubrics/roles/ml-engineer.yaml:" in wrong.stderr
    assert "did you mean 'summary'?" in wrong.stderr


def stored_password(home: Path) -> str:
    with sqlite3.connect(home / "assessor.db") as database:
        found = database.execute("SELECT password FROM user_account").fetchone()
    return str(found[0])
