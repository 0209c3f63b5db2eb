"""`assessor score` as people and CI run it: a process with arguments, two streams and an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from tests.gitrepo import make_repo

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "shop/__init__.py": "",
    "shop/price.py": "def total(prices: list[float]) -> float:\n    return sum(prices)\n",
    "tests/test_price.py": "from shop.price import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n",
    ".github/workflows/ci.yml": "on: push\njobs:\n  t:\n    runs-on: x\n    steps:\n      - run: pytest\n",
}
HOSTILE = "tests/test_<script>alert(1)<|`*\x1b[2J\u202e.py"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repo(tmp_path_factory.mktemp("cli") / "shop", FILES)


def score(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "assessor", "score", *map(str, arguments)],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONUTF8": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_text_is_a_table_with_evidence_and_next_steps(repository: Path) -> None:
    done = score(repository, "--no-cache")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    layers = [line for line in lines if line[2:4].strip().isdigit()]
    assert [int(line[2:4]) for line in layers] == list(range(1, 11))
    assert any(set("█▉▊▋▌▍▎▏") & set(line) for line in layers)
    evidence = lines[lines.index("Best evidence") : lines.index("Most useful next steps")]
    assert any("tests/test_price.py:5" in line for line in evidence)
    assert sum(": +" in line and "effort" in line for line in lines) == 3
    assert all(len(line) <= 130 for line in lines)


def test_the_json_is_valid_and_nothing_else_is_printed(repository: Path) -> None:
    done = score(repository, "--no-cache", "--format", "json")
    report = json.loads(done.stdout)
    schema = json.loads((ROOT / "docs" / "score-report.schema.json").read_text())
    jsonschema.validate(report, schema, format_checker=jsonschema.FormatChecker())
    assert done.stderr == ""
    found = {signal["key"]: signal for signal in report["signals"]}
    assert found["unit-tests"]["grade"] == found["ci-tests"]["grade"] == 4
    assert found["unit-tests"]["findings"][0]["path"] == "tests/test_price.py"


def test_every_form_stands_what_a_repository_may_be_called(tmp_path: Path) -> None:
    path = make_repo(tmp_path / "hostile", FILES | {HOSTILE: FILES["tests/test_price.py"]})
    for form in ("text", "markdown", "html", "json"):
        done = score(path, "--no-cache", "--format", form)
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout
        assert "\u202e" not in done.stdout
        assert "<script>" not in done.stdout or form in ("text", "json")
    markdown = score(path, "--no-cache", "--format", "markdown").stdout
    rows = [line for line in markdown.splitlines() if line.startswith("| ")]
    cells = [line.replace("\\|", "").count("|") for line in rows]
    assert set(cells) == {5, 6}, "a cell of one of the two tables broke"
    HTMLParser().feed(score(path, "--no-cache", "--format", "html").stdout)


def test_the_report_goes_into_a_file_and_what_it_cost_beside_it(repository: Path, tmp_path: Path) -> None:
    target = tmp_path / "score.json"
    first = score(repository, "--cache-dir", tmp_path / "cache", "--format", "json", "--output", target, "--stats")
    assert (first.returncode, first.stdout) == (0, "")
    assert "cache: 0 found" in first.stderr
    text = target.read_text()
    again = score(repository, "--cache-dir", tmp_path / "cache", "--format", "json", "--stats")
    assert again.stdout == text
    assert "0 parsed" in again.stderr
    assert str(tmp_path) not in text


def test_without_a_cache_nothing_is_kept(repository: Path, tmp_path: Path) -> None:
    assert score(repository, "--no-cache", XDG_CACHE_HOME=str(tmp_path / "cache")).returncode == 0
    assert not (tmp_path / "cache").exists()
    assert score(repository, XDG_CACHE_HOME=str(tmp_path / "cache")).returncode == 0
    assert list((tmp_path / "cache").rglob("*.db"))


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--fail-under", "production-infrastructure=0.1"), 0, ""),
        (("--fail-under", "production-infrastructure=5"), 1, "production-infrastructure is 0."),
        (("--fail-under", "4=5", "--fail-under", "2=0"), 1, "below 5"),
        (("--fail-under", "domain-leverage=1"), 1, "domain-leverage is 0.0"),
        (("--fail-under", "production"), 2, "Write a layer"),
        (("--fail-under", "4=6"), 2, "0 to 5"),
        (("--rev", "nowhere"), 2, "There is no revision 'nowhere'"),
        (("--rev", "--output=x"), 2, "cannot be the name of a revision"),
        (("--output", "/no/such/folder/x"), 2, "There is no folder"),
        (("--max-seconds", "0"), 2, "--max-seconds"),
        (("--format", "xml"), 2, "--format"),
    ],
)
def test_exit_codes(repository: Path, arguments: tuple[str, ...], code: int, told: str) -> None:
    done = score(repository, "--no-cache", *arguments)
    assert (done.returncode, told in done.stderr) == (code, True), done.stderr
    assert (done.stdout == "") == (code == 2)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("/no/such/place", "Check the path"),
        ("file:///etc/passwd", "Only https addresses"),
        ("https://127.0.0.1/owner/name", "127.0.0.1"),
        ("git@github.com:owner/name", "https"),
        ("ext::sh -c touch% /tmp/x", "Check the path"),
    ],
)
def test_a_source_that_is_no_good_is_told_in_one_line(source: str, told: str) -> None:
    done = score(source, "--no-cache")
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_that_is_no_repository_is_told(tmp_path: Path) -> None:
    done = score(tmp_path)
    assert done.returncode == 2
    assert "is not a git repository" in done.stderr


def test_an_author_without_a_share_shows_nothing(repository: Path) -> None:
    mine = json.loads(score(repository, "--no-cache", "--format", "json", "--author", "ada@example.org").stdout)
    theirs = json.loads(score(repository, "--no-cache", "--format", "json", "--author", "bob@example.org").stdout)
    assert mine["author"] == "ada@example.org"
    grades = [{one["key"]: one["grade"] for one in report["signals"]} for report in (mine, theirs)]
    assert grades[0]["unit-tests"] == 4
    assert not grades[1]["unit-tests"]
