"""What a report promises: the same bytes, no file that harms another, nothing unknown called absent, fair authorship."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from assessor.analysis.authorship import confirmed_challenges
from assessor.analysis.engine import Options, score
from assessor.analysis.limits import Limits
from assessor.analysis.report.serial import to_json, to_stored
from assessor.analysis.source import open_source
from tests.analysis.samples import NET, PRICES, SERVICE, SHOP, make_zip
from tests.gitrepo import AUTHOR, commit, make_repo, run_git

ROOT = Path(__file__).resolve().parents[2]
ADA, MALLORY = "ada@example.org", "mallory@example.org"
OTHER = f"Mallory <{MALLORY}>"


def report_of(source: Path, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(to_json(score(str(source), Options(**options))))
    return found


def signal_of(report: dict[str, Any], key: str) -> dict[str, Any]:
    (found,) = [signal for signal in report["signals"] if signal["key"] == key]
    return dict(found)


def notebook(*cells: str, kind: str = "code") -> str:
    made = [{"cell_type": kind, "source": text, "metadata": {}, "outputs": []} for text in cells]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made})


class TestSameBytes:
    """One commit, one report."""

    def test_without_with_cold_and_with_warm_cache(self, tmp_path: Path) -> None:
        files = {**SHOP, "broken.py": "def (:\n", "notes.ipynb": notebook("print(1)\n"), "old.py": "print 'x'\n"}
        path = str(make_repo(tmp_path / "r", files))
        plain = to_stored(score(path))
        cold, warm = Options(cache_dir=tmp_path / "cache"), Options(cache_dir=tmp_path / "cache")
        assert to_stored(score(path, cold)) == plain
        assert to_stored(score(path, warm)) == plain
        assert cold.stats.cache_hits == 0 < cold.stats.cache_misses
        assert warm.stats.cache_misses == 0 < warm.stats.cache_hits

    def test_whatever_the_order_of_hashes(self, tmp_path: Path) -> None:
        path = make_repo(tmp_path / "r", {**SHOP, **{f"m{n}.py": SERVICE for n in range(8)}})
        command = [sys.executable, "-m", "assessor", "score", str(path), "--format", "json", "--no-cache"]
        outputs = {
            subprocess.run(
                command, env={**os.environ, "PYTHONHASHSEED": seed}, cwd=ROOT, capture_output=True, check=True
            ).stdout
            for seed in ("1", "2", "3")
        }
        assert len(outputs) == 1

    @pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + b"\xff" * 5000])
    def test_with_a_broken_cache(self, tmp_path: Path, content: bytes) -> None:
        path = str(make_repo(tmp_path / "r", SHOP))
        plain = to_json(score(path))
        score(path, Options(cache_dir=tmp_path / "cache"))
        for file in (tmp_path / "cache").iterdir():
            file.write_bytes(content)
        assert to_json(score(path, Options(cache_dir=tmp_path / "cache"))) == plain

    def test_with_a_cache_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        path = str(make_repo(tmp_path / "r", SHOP))
        assert to_json(score(path, Options(cache_dir=tmp_path / "file" / "cache"))) == to_json(score(path))

    def test_one_cache_serves_the_same_bytes_under_another_name(self, tmp_path: Path) -> None:
        cache = tmp_path / "cache"
        score(str(make_repo(tmp_path / "a", {"one.py": "def (:\n", "shop/a.py": PRICES})), Options(cache_dir=cache))
        moved = make_repo(tmp_path / "b", {"two.py": "def (:\n", "store/b.py": PRICES})
        warm = Options(cache_dir=cache)
        assert to_stored(score(str(moved), warm)) == to_stored(score(str(moved)))
        assert warm.stats.cache_hits == 2

    def test_one_cache_knows_that_a_name_can_change_what_bytes_mean(self, tmp_path: Path) -> None:
        cache = tmp_path / "cache"
        key = 'KEY = "AKIA' + 'Q7RT2MXW4ZKD9BFH"\n'
        steps = "test:\n  script:\n    - pytest\njobs:\n  test:\n    steps:\n      - run: pytest\n"
        for name, files in {
            "tests": {"tests/data.py": key, ".travis.yml": steps},
            "own": {"shop/data.py": key, ".gitlab-ci.yml": steps},
            "both": {"shop/data.py": key, "tests/data.py": key, ".travis.yml": steps, ".gitlab-ci.yml": steps},
        }.items():
            path = str(make_repo(tmp_path / name, files))
            assert to_stored(score(path, Options(cache_dir=cache))) == to_stored(score(path)), name

    def test_limits_cut_the_same_files_whatever_the_cache_holds(self, tmp_path: Path) -> None:
        files = {f"m{number}.py": f"x = {number}\n" * 1000 for number in range(8)}
        path = str(make_repo(tmp_path / "r", files))
        score(path, Options(cache_dir=tmp_path / "cache"))
        for limits in (Limits(total_bytes=20_000), Limits(facts_bytes=1000)):
            warm = score(path, Options(cache_dir=tmp_path / "cache", limits=limits))
            assert to_stored(warm) == to_stored(score(path, Options(limits=limits)))
            assert "max-bytes" in warm.limits_hit


BROKEN: dict[str, tuple[str, str | bytes, str]] = {
    "python-2": ("old.py", "print 'hello'\n", "Python 2"),
    "python-2-except": ("old.py", "try:\n    pass\nexcept ValueError, error:\n    pass\n", "Python 2"),
    "nul": ("nul.py", b"x = 1\0\n", ""),
    "latin-1": ("latin.py", "name = 'café'\n".encode("latin-1"), "encoding"),
    "unknown-codec": ("codec.py", "# coding: nonsense\nx = 1\n", "encoding"),
    "deep": ("deep.py", "x = " + "(" * 100_000 + ")" * 100_000 + "\n", "syntax error|nested|complex"),
    "deep-lists": ("deep.py", "x = " + "[" * 150 + "]" * 150 + "\n", ""),
    "long-chain": ("chain.py", "x = 1" + " + 1" * 200_000 + "\n", ""),
    "attributes": ("chain.py", "x = a" + ".b" * 200_000 + "\n", ""),
    "large": ("large.py", "x = 1\n" * 200_000, "larger than 1 MB"),
    "syntax": ("bad.py", "def (:\n", "syntax error, line 1"),
    "notebook": ("bad.ipynb", "{", "JSON"),
    "other-notebook": ("bad.ipynb", "[1, 2]", "notebook"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_read_costs_itself_only(tmp_path: Path, name: str) -> None:
    file, content, reason = BROKEN[name]
    path = make_repo(tmp_path / "r", SHOP)
    before = report_of(path)
    commit(path, {file: content})
    after = report_of(path)
    assert after["signals"] == before["signals"]
    assert after["layers"] == before["layers"]
    assert all(one["path"] == file for one in after["skipped"])
    if reason:
        assert [any(word in one["reason"] for word in reason.split("|")) for one in after["skipped"]] == [True]


def test_a_cookie_is_believed(tmp_path: Path) -> None:
    text = "# -*- coding: latin-1 -*-\n" + SERVICE.replace('"price"', '"prix au café"')
    path = make_repo(tmp_path / "r", {**SHOP, "shop/service.py": text.encode("latin-1")})
    report = report_of(path)
    assert report["skipped"] == []
    assert signal_of(report, "http-api")["outcome"] == "present"


def test_skipped_files_are_listed_by_path(tmp_path: Path) -> None:
    report = report_of(make_repo(tmp_path / "r", {**SHOP, **{f"{name}.py": "def (:\n" for name in "cab"}}))
    assert [one["path"] for one in report["skipped"]] == ["a.py", "b.py", "c.py"]


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads((ROOT / "docs" / "score-report.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(schema, format_checker=checker)


class TestSchema:
    """docs/score-report.schema.json is what others build on."""

    def test_repository(self, tmp_path: Path, validator: jsonschema.Draft202012Validator) -> None:
        files = {**SHOP, "bad.py": "def (:", "net.ipynb": notebook("x = 1\n", NET)}
        report = report_of(make_repo(tmp_path / "r", files), authors=[ADA])
        validator.validate(report)
        assert any(signal["findings"] for signal in report["signals"])

    def test_empty_repository_and_archive(self, tmp_path: Path, validator: jsonschema.Draft202012Validator) -> None:
        run_git(tmp_path, "init", "-q", "-b", "main", "new")
        validator.validate(report_of(tmp_path / "new"))
        validator.validate(report_of(make_zip(tmp_path / "a.zip", SHOP)))

    def test_the_schema_can_refuse(self, tmp_path: Path, validator: jsonschema.Draft202012Validator) -> None:
        report = report_of(make_repo(tmp_path / "r", SHOP))
        for key, value in (("layers", report["layers"][:9]), ("commit", {}), ("schema_version", "2.0")):
            assert not validator.is_valid({**report, key: value})


class TestThreeValues:
    """Present, absent, unknown."""

    def test_no_file_of_the_kind_is_absent(self, tmp_path: Path) -> None:
        report = report_of(make_repo(tmp_path / "r", {"README.md": "# FastAPI, nn.Module and 100% tests\n"}))
        for key in ("http-api", "own-model", "unit-tests", "type-hints"):
            assert signal_of(report, key)["outcome"] == "absent"

    def test_no_file_that_could_be_read_is_unknown(self, tmp_path: Path) -> None:
        report = report_of(make_repo(tmp_path / "r", {"app.py": "print 'x'\n", "big.py": b"#" * 2_000_000}))
        for key in ("http-api", "own-model", "unit-tests", "type-hints"):
            assert signal_of(report, key)["outcome"] == "unknown"
            assert signal_of(report, key)["gain"] is None

    def test_one_file_that_could_be_read_is_enough(self, tmp_path: Path) -> None:
        report = report_of(make_repo(tmp_path / "r", {"app.py": "print 'x'\n", "ok.py": "x = 1\n"}))
        assert signal_of(report, "http-api")["outcome"] == "absent"

    def test_vendored_files_do_not_count_either_way(self, tmp_path: Path) -> None:
        report = report_of(make_repo(tmp_path / "r", {"vendor/app.py": "print 'x'\n"}))
        assert signal_of(report, "http-api")["outcome"] == "absent"

    def test_unknown_widens_the_bounds_and_never_counts_as_0(self, tmp_path: Path) -> None:
        for layer in report_of(make_repo(tmp_path / "r", SHOP))["layers"]:
            if layer["level"] is not None:
                low, high = layer["bounds"]
                assert low <= layer["level"] <= high


class TestLimits:
    """A cap that was hit is told."""

    def test_seconds(self, tmp_path: Path) -> None:
        report = report_of(make_repo(tmp_path / "r", SHOP), max_seconds=1e-6)
        assert "max-seconds" in report["limits_hit"]
        assert {one["path"] for one in report["skipped"]} == set(SHOP)
        assert signal_of(report, "http-api")["outcome"] == "unknown"

    def test_bytes_leave_out_the_largest_files(self, tmp_path: Path) -> None:
        files = {**SHOP, "large.py": "x = 1\n" * 10_000}
        report = report_of(make_repo(tmp_path / "r", files), limits=Limits(total_bytes=20_000))
        assert "max-bytes" in report["limits_hit"]
        assert report["skipped"] == [{"path": "large.py", "reason": "max-bytes"}]
        assert signal_of(report, "http-api")["outcome"] == "present"

    @pytest.mark.parametrize("packed", [False, True])
    def test_files(self, tmp_path: Path, packed: bool) -> None:
        files = {f"m{number:03}.py": "x = 1\n" for number in range(40)}
        source = make_zip(tmp_path / "a.zip", files) if packed else make_repo(tmp_path / "r", files)
        report = report_of(source, limits=Limits(files=10))
        assert "max-files" in report["limits_hit"]
        assert report["quality"]["python_files"] == 10

    def test_none_is_told_where_none_was_hit(self, tmp_path: Path) -> None:
        report = report_of(make_repo(tmp_path / "r", SHOP))
        assert not {"max-seconds", "max-bytes", "max-files"} & set(report["limits_hit"])


class TestFindings:
    """Where the evidence lies."""

    def test_twenty_are_shown_and_all_are_counted(self, tmp_path: Path) -> None:
        files = {f"shop/s{number:02}.py": SERVICE for number in range(25)}
        path = make_repo(tmp_path / "r", {**SHOP, **files})
        signal = signal_of(report_of(path), "http-api")
        assert len(signal["findings"]) == 20
        assert signal["findings_total"] == 26
        order = [(-one["grade"], one["path"], one["line"]) for one in signal["findings"]]
        assert order == sorted(order)

    def test_lines_are_those_of_the_file(self, tmp_path: Path) -> None:
        report = report_of(make_repo(tmp_path / "r", SHOP))
        (route,) = signal_of(report, "http-api")["findings"]
        assert route["path"] == "shop/service.py"
        lines = SERVICE.splitlines()[route["line"] - 1 : route["end_line"]]
        assert lines[0].startswith("@app.get") or lines[0].startswith("def show")
        assert lines[-1].endswith("price(amount)}")

    def test_excerpts_are_short(self, tmp_path: Path) -> None:
        long = SERVICE.replace("from fastapi", "# " + "long " * 400 + "\nfrom fastapi") + "\n# after\n" * 50
        path = make_repo(tmp_path / "r", {**SHOP, "shop/service.py": long})
        stored = json.loads(to_stored(score(str(path))))
        excerpts = [one["excerpt"] for signal in stored["signals"] for one in signal["findings"]]
        assert all(excerpts)
        for excerpt in excerpts:
            assert len(excerpt.split("\n")) <= 17
            assert max(map(len, excerpt.split("\n"))) <= 200
        assert any(len(line) == 200 for excerpt in excerpts for line in excerpt.split("\n"))
        assert any('@app.get("/price/{amount}")' in excerpt for excerpt in excerpts)

    def test_excerpts_stay_out_of_the_public_form(self, tmp_path: Path) -> None:
        assert '"excerpt"' not in to_json(score(str(make_repo(tmp_path / "r", SHOP))))

    def test_a_notebook_finding_counts_inside_its_cell(self, tmp_path: Path) -> None:
        cells = ("import math\n" * 30, "%matplotlib inline\n!pip install torch\n", NET)
        path = make_repo(tmp_path / "r", {"net.ipynb": notebook(*cells)})
        stored = json.loads(to_stored(score(str(path))))
        (found,) = signal_of(stored, "own-model")["findings"]
        assert found["cell"] == 3
        assert 1 <= found["line"] <= found["end_line"] <= len(NET.splitlines())
        assert NET.splitlines()[found["line"] - 1].startswith("class Net")
        assert "class Net(nn.Module):" in found["excerpt"]
        assert "import math" not in found["excerpt"]

    def test_cells_of_prose_count_too(self, tmp_path: Path) -> None:
        mixed = json.loads(notebook("# Title", NET))
        mixed["cells"][0]["cell_type"] = "markdown"
        report = report_of(make_repo(tmp_path / "r", {"net.ipynb": json.dumps(mixed)}))
        assert [one["cell"] for one in signal_of(report, "own-model")["findings"]] == [2]


MODEL = [
    "class Net(nn.Module):",
    "    def __init__(self, wide, deep):",
    "        super().__init__()",
    "        self.first = nn.Linear(wide, 128)",
    "        self.second = nn.Linear(128, deep)",
    "        self.last = nn.Linear(deep, 1)",
    "    def forward(self, rows):",
    "        rows = torch.relu(self.first(rows))",
    "        rows = torch.tanh(self.second(rows))",
    "        return self.last(rows)",
]
THEIRS = {
    3: "        self.first = nn.Bilinear(wide, wide, 256)",
    4: "        self.second = nn.Conv1d(256, deep, kernel_size=3)",
    5: "        self.last = nn.LazyLinear(out_features=1, bias=False)",
    7: "        rows = torch.sigmoid(self.first(rows, rows))",
    8: "        rows = torch.softmax(self.second(rows), dim=-1)",
}


def model_file(changed: dict[int, str]) -> str:
    body = [changed.get(number, line) for number, line in enumerate(MODEL)]
    return "\n".join(
        ["import torch", "from torch import nn", "", "", *body, "", "", "print(Net(4, 8)(torch.rand(2, 4)))", ""]
    )


class TestAuthorship:
    """Ada wrote the ten lines of a model; Mallory wrote some of them anew."""

    def repository(self, path: Path, count: int) -> Path:
        make_repo(path, {"net.py": model_file({})})
        changed = dict(list(THEIRS.items())[:count])
        commit(path, {"net.py": model_file(changed)}, author=OTHER, date="2024-02-01T00:00:00Z")
        return path

    @pytest.mark.parametrize(
        ("count", "author", "share", "lost"),
        [
            (3, [ADA], 0.7, 0),
            (5, [MALLORY], 0.5, 0),
            (3, [MALLORY], 0.3, 1),
            (2, [MALLORY], 0.2, 1),
            (3, [ADA, MALLORY], 1.0, 0),
            (3, ["Ada@Example.ORG"], 0.7, 0),
        ],
    )
    def test_share(self, tmp_path: Path, count: int, author: list[str], share: float, lost: int) -> None:
        path = self.repository(tmp_path / "r", count)
        full = signal_of(report_of(path), "own-model")
        assert full["findings"][0]["author_share"] is None
        found = signal_of(report_of(path, authors=author), "own-model")
        assert found["findings"][0]["author_share"] == share
        assert found["grade"] == full["grade"] - lost
        assert found["outcome"] == "present"

    def test_a_tenth_earns_nothing(self, tmp_path: Path) -> None:
        path = self.repository(tmp_path / "r", 1)
        found = signal_of(report_of(path, authors=[MALLORY]), "own-model")
        assert found["findings"][0]["author_share"] == 0.1
        assert (found["grade"], found["outcome"]) == (0, "absent")

    def test_a_stranger_earns_nothing_and_is_named(self, tmp_path: Path) -> None:
        report = report_of(make_repo(tmp_path / "r", SHOP), authors=["nobody@example.org"])
        assert report["author"] == "nobody@example.org"
        assert {one["level"] for one in report["layers"]} <= {0.0, None}

    def test_everything_by_one_author_keeps_every_grade(self, tmp_path: Path) -> None:
        path = make_repo(tmp_path / "r", {**SHOP, "net.ipynb": notebook(NET)})
        alone, own = report_of(path), report_of(path, authors=[ADA])
        assert own["layers"] == alone["layers"]
        assert {one["author_share"] for signal in own["signals"] for one in signal["findings"]} == {1.0}

    @pytest.mark.parametrize(
        "line",
        [
            f"Mallory <{MALLORY}> <{ADA}>",
            f"Mallory <{MALLORY}> Ada Lovelace <{ADA}>",
            f"<{MALLORY}> <{ADA}>",
        ],
    )
    def test_a_hostile_mailmap_gives_no_lines_away(self, tmp_path: Path, line: str) -> None:
        path = make_repo(tmp_path / "r", {"net.py": model_file({}), ".mailmap": line + "\n"})
        run_git(path, "config", "mailmap.blob", "HEAD:.mailmap")
        run_git(path, "config", "mailmap.file", str(path / ".mailmap"))
        ours, theirs = report_of(path, authors=[ADA]), report_of(path, authors=[MALLORY])
        assert signal_of(ours, "own-model")["findings"][0]["author_share"] == 1.0
        assert signal_of(theirs, "own-model")["findings"][0]["author_share"] == 0.0

    def test_a_trailer_gives_no_lines_away(self, tmp_path: Path) -> None:
        message = f"Start\n\nCo-authored-by: {OTHER}\nSigned-off-by: {OTHER}\n"
        path = make_repo(tmp_path / "r", {"net.py": model_file({})}, message=message)
        assert signal_of(report_of(path, authors=[MALLORY]), "own-model")["findings"][0]["author_share"] == 0.0

    def test_moved_and_indented_lines_stay_their_authors(self, tmp_path: Path) -> None:
        path = make_repo(tmp_path / "r", {"net.py": model_file({})})
        moved = "if True:\n" + "".join(f"    {line}\n" if line else "\n" for line in model_file({}).split("\n"))
        commit(path, {"net.py": None, "other/net.py": moved}, author=OTHER, date="2024-02-01T00:00:00Z")
        assert signal_of(report_of(path, authors=[ADA]), "own-model")["findings"][0]["author_share"] == 1.0

    def test_blank_lines_count_for_nobody(self, tmp_path: Path) -> None:
        path = make_repo(tmp_path / "r", {"net.py": model_file({})})
        spread = model_file({}).replace("    def forward", "\n\n\n\n\n\n\n\n    def forward")
        commit(path, {"net.py": spread}, author=OTHER, date="2024-02-01T00:00:00Z")
        assert signal_of(report_of(path, authors=[MALLORY]), "own-model")["findings"][0]["author_share"] == 0.0

    def test_a_line_of_a_file_cannot_pose_as_an_author(self, tmp_path: Path) -> None:
        posing = model_file({}) + f"author-mail <{MALLORY}>\n".join(["'''\n", "", "'''\n"])
        path = make_repo(
            tmp_path / "r", {"net.py": posing}, message=f"author-mail <{MALLORY}>\nauthor-mail <{MALLORY}>"
        )
        assert signal_of(report_of(path, authors=[MALLORY]), "own-model")["findings"][0]["author_share"] == 0.0

    def test_a_history_that_was_cut_off_gives_no_lines_away(self, tmp_path: Path) -> None:
        whole = self.repository(tmp_path / "whole", 1)
        run_git(tmp_path, "clone", "-q", "--depth=1", f"file://{whole}", "shallow")
        report = report_of(tmp_path / "shallow", authors=[MALLORY])
        assert signal_of(report, "own-model")["grade"] in (0, None)
        assert "shallow-history" in report["limits_hit"]
        assert "shallow-history" not in report_of(whole, authors=[MALLORY])["limits_hit"]


class TestChallenges:
    """An address is confirmed by a commit that adds a challenge under that very address."""

    FILE = ".assessor"

    def confirmed(self, path: Path, challenges: dict[str, str]) -> list[str]:
        with open_source(str(path)) as snapshot:
            return confirmed_challenges(snapshot, self.FILE, challenges)

    def test_by_the_very_address(self, tmp_path: Path) -> None:
        path = make_repo(tmp_path / "r", {**SHOP, self.FILE: "word-of-ada\n"})
        assert self.confirmed(path, {"word-of-ada": ADA, "word-of-mallory": MALLORY}) == [ADA]

    def test_not_by_another(self, tmp_path: Path) -> None:
        path = make_repo(tmp_path / "r", SHOP)
        commit(path, {self.FILE: "word-of-ada\n"}, author=OTHER)
        assert self.confirmed(path, {"word-of-ada": ADA}) == []

    def test_each_its_own_line(self, tmp_path: Path) -> None:
        path = make_repo(tmp_path / "r", {self.FILE: "word-of-ada\n"})
        commit(path, {self.FILE: "word-of-ada\n\nword-of-mallory\n"}, author=OTHER)
        challenges = {"word-of-ada": ADA, "word-of-mallory": MALLORY}
        assert self.confirmed(path, challenges) == [ADA, MALLORY]

    def test_not_through_a_mailmap(self, tmp_path: Path) -> None:
        path = make_repo(tmp_path / "r", {".mailmap": f"Ada <{ADA}> <{MALLORY}>\n"})
        commit(path, {self.FILE: "word-of-ada\n"}, author=OTHER)
        assert self.confirmed(path, {"word-of-ada": ADA}) == []

    def test_not_by_part_of_a_line_and_not_elsewhere(self, tmp_path: Path) -> None:
        path = make_repo(tmp_path / "r", {self.FILE: "xword-of-ada\n", "other": "word-of-ada\n"}, author=AUTHOR)
        assert self.confirmed(path, {"word-of-ada": ADA}) == []

    def test_not_in_an_archive(self, tmp_path: Path) -> None:
        archive = make_zip(tmp_path / "a.zip", {self.FILE: "word-of-ada\n", "app.py": "x = 1\n"})
        assert self.confirmed(archive, {"word-of-ada": ADA}) == []

    def test_addresses_compare_without_case(self, tmp_path: Path) -> None:
        path = make_repo(tmp_path / "r", {self.FILE: "word-of-ada\n"})
        assert self.confirmed(path, {"word-of-ada": "Ada@Example.org"}) == ["Ada@Example.org"]
