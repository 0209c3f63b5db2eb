"""What operators type: accounts, database, content; each in a process of its own, on a folder of its own."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from assessor.config import Settings, resource_dir
from assessor.factory import create_unit
from assessor.services.unit import utc_now
from tests.simulated import store_people

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


def test_a_calibration_is_looked_at_before_it_is_stored(home: Path) -> None:
    assert "assessor db upgrade" in assessor(home, "calibrate", "people").stderr
    assert assessor(home, "db", "upgrade").returncode == 0
    early = assessor(home, "calibrate", "people", "--store")
    assert early.returncode == 1
    assert "0 people have evidence of two dates" in early.stdout
    assert "Calibrate again when" in early.stdout
    assert "nothing is stored" in early.stderr
    assert "There is none" in assessor(home, "calibrate", "list").stdout

    fill(home)
    dry = assessor(home, "calibrate", "people")
    assert dry.returncode == 0, dry.stderr
    assert "In use: the defaults of the model." in dry.stdout
    assert "Evidence: 2,640 rows of 22 people." in dry.stdout
    assert re.search(r"^drift a year \(q\) +0\.250 +\d\.\d{3} +2,640 rows of 22 people$", dry.stdout, re.MULTILINE)
    assert re.search(r"^ada@example\.org +\+0\.00 +-\d\.\d\d +-\d\.\d\d to -\d\.\d\d ", dry.stdout, re.MULTILINE)
    assert re.search(r"Levels that would move by 0\.1 or more: [1-9]\d* of 220, of \d+ people\.", dry.stdout)
    assert re.search(r"The largest move: Person \d+, [\w ,&-]+, from \d\.\d\d to \d\.\d\d\.", dry.stdout)
    assert dry.stdout.endswith("Nothing is stored. Add --store to compute every level with these from now on.\n")
    assert "There is none" in assessor(home, "calibrate", "list").stdout

    assert "Stored as calibration 1:" in assessor(home, "calibrate", "people", "--store").stdout
    again = assessor(home, "calibrate", "people", "--store")
    assert "In use: calibration 1 of" in again.stdout
    assert again.stdout.endswith("Nothing to store: these parameters are in use already.\n")
    back = assessor(home, "calibrate", "people", "--defaults", "--store")
    assert "Stored as calibration 2:" in back.stdout
    listed = assessor(home, "calibrate", "list").stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["2", "1"]
    assert "q 0.25  0 raters" in listed[0]
    assert "3 raters  from 2,640 rows of 22 people" in listed[1]


def fill(home: Path) -> None:
    """Store people who were measured three times, and reviewed by three raters of whom one is a harsh user."""
    unit = create_unit(Settings.from_environment({"ASSESSOR_DATA_DIR": str(home)}))
    with unit(write=True) as u:
        harsh = u.account.create("ada@example.org", "hash").id
        raters = {f"user:{harsh}": -1.0, "user:901": 0.0, "user:902": 0.3}
        store_people(u.session, utc_now(), 22, q=1.0, raters=raters)
    unit.engine.dispose()


def test_a_setting_that_cannot_be_used_is_named(home: Path) -> None:
    for command in (
        ("db", "check"),
        ("serve",),
        ("worker",),
        ("user", "list"),
        ("demo", "load"),
        ("calibrate", "list"),
    ):
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
