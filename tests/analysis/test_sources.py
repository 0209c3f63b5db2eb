"""Whatever a repository is handed in as, its commit is read, and the report says the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from assessor.analysis.engine import Options, score
from assessor.analysis.git import open_repository
from assessor.analysis.limits import Limits, SourceError
from assessor.analysis.report.serial import to_json
from assessor.analysis.signals.lasting import is_code
from tests.analysis.samples import PRICES, SERVICE, SHOP, make_zip
from tests.gitrepo import commit, make_repo, run_git

NOTHING: Mapping[str, str] = {"README.md": "# Nothing here\n"}


def report_of(source: Path | str, **options: Any) -> dict[str, Any]:
    """Return the report as its readers get it."""
    found: dict[str, Any] = json.loads(to_json(score(str(source), Options(**options))))
    return found


def shown(report: dict[str, Any]) -> set[str]:
    return {signal["key"] for signal in report["signals"] if signal["outcome"] == "present"}


def refusal(source: Path | str, **options: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        score(str(source), Options(**options))
    assert caught.value.cause.endswith((".", "?")), "the cause is a sentence"
    assert caught.value.cure.endswith("."), "the cure is a sentence"
    return caught.value


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "shop", SHOP)


def test_folder_with_a_work_tree(shop: Path) -> None:
    report = report_of(shop)
    assert report["commit"] == {"sha": run_git(shop, "rev-parse", "HEAD"), "committed_at": "2024-01-15T12:00:00Z"}
    assert shown(report) == {"http-api", "modular-package", "own-model", "type-hints", "unit-tests"}
    assert report["source"] == str(shop)
    assert report["skipped"] == []


def test_folder_bare_and_archive_say_the_same(shop: Path, tmp_path: Path) -> None:
    folder = report_of(shop)
    bare = report_of(make_repo(tmp_path / "shop.git", SHOP, bare=True))
    packed = report_of(make_zip(tmp_path / "shop.zip", SHOP))
    for part in ("layers", "signals", "quality", "skipped"):
        assert folder[part] == bare[part] == packed[part], part
    assert folder["commit"] == bare["commit"]
    assert packed["commit"]["committed_at"] is None
    assert len(packed["commit"]["sha"]) == 40


def test_git_folder_with_neither_configuration_nor_work_tree(shop: Path) -> None:
    before = report_of(shop)
    for left in shop.iterdir():
        if left.is_dir() and left.name != ".git":
            shutil.rmtree(left)
    (shop / ".git" / "config").unlink()
    (shop / ".git" / "index").unlink()
    assert report_of(shop) == before


def test_relative_names(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = report_of(shop)
    for folder, name in (
        (shop.parent, "shop"),
        (shop.parent, "shop/.git"),
        (shop, "."),
        (shop, ".git"),
        (shop / "tests", ".."),
    ):
        monkeypatch.chdir(folder)
        found = report_of(name)
        assert found.pop("source") == name
        assert found == {key: value for key, value in expected.items() if key != "source"}


def test_archive_with_one_common_folder(tmp_path: Path) -> None:
    plain = report_of(make_zip(tmp_path / "plain.zip", SHOP))
    nested = report_of(make_zip(tmp_path / "nested.zip", SHOP, top="shop-1a2b3c/"))
    plain.pop("source"), nested.pop("source")
    assert nested == plain
    assert "shop/service.py" in {one["path"] for signal in nested["signals"] for one in signal["findings"]}


def test_archive_of_the_folder_with_its_git_directory(shop: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "whole"), "zip", shop.parent, "shop"))
    assert report_of(archive)["signals"] == report_of(shop)["signals"]


def test_archive_has_no_revision_and_no_authors(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "shop.zip", SHOP)
    assert "--rev" in refusal(archive, rev="main").cure
    report = report_of(archive, authors=["ada@example.org"])
    assert "no-authorship" in report["limits_hit"]
    assert report["author"] is None


def test_a_partial_copy_loses_only_the_missing_file(shop: Path) -> None:
    whole = report_of(shop)
    drop(shop, "shop/net.py")
    part = report_of(shop)
    assert part["skipped"] == [{"path": "shop/net.py", "reason": "its object is missing"}]
    assert shown(part) == shown(whole) - {"own-model"}
    unchanged = [signal for signal in whole["signals"] if signal["key"] in ("http-api", "unit-tests")]
    assert [(one["key"], one["grade"], one["findings"]) for one in unchanged] == [
        (one["key"], one["grade"], one["findings"])
        for one in part["signals"]
        if one["key"] in ("http-api", "unit-tests")
    ]


def test_a_partial_copy_without_any_module_is_unknown_and_not_absent(shop: Path) -> None:
    for path in SHOP:
        if SHOP[path]:
            drop(shop, path)
    drop(shop, "shop/__init__.py")
    report = report_of(shop)
    outcomes = {signal["key"]: signal["outcome"] for signal in report["signals"]}
    assert {outcomes[key] for key in ("unit-tests", "type-hints", "own-model", "http-api")} == {"unknown"}
    assert {one["path"] for one in report["skipped"]} == set(SHOP)


def drop(repository: Path, path: str) -> None:
    blob = run_git(repository, "rev-parse", f"HEAD:{path}")
    unpack(repository)
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()


def unpack(repository: Path) -> None:
    """Turn packs into one file for each object."""
    folder = repository / ".git" / "objects" / "pack"
    for pack in folder.glob("*.pack"):
        data = pack.read_bytes()
        for file in folder.glob(f"{pack.stem}.*"):
            file.unlink()
        run_git(repository, "unpack-objects", "-q", data=data)


def test_missing_commit_is_an_error_with_a_cure(shop: Path) -> None:
    unpack(shop)
    sha = run_git(shop, "rev-parse", "HEAD")
    (shop / ".git" / "objects" / sha[:2] / sha[2:]).unlink()
    assert "clone" in refusal(shop).cure


class TestRevisions:
    """Branch main has no route, branch api has one; tags v1 (light) and v2 (annotated) stand where these do."""

    @pytest.fixture(params=["loose", "packed", "repacked"])
    def repository(self, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
        path = make_repo(tmp_path / "r", {"shop/__init__.py": "", "shop/prices.py": PRICES})
        run_git(path, "tag", "v1")
        run_git(path, "branch", "feature/api")
        commit(path, {"shop/service.py": SERVICE}, branch="feature/api", date="2024-02-01T00:00:00Z")
        who = {
            "GIT_COMMITTER_NAME": "A",
            "GIT_COMMITTER_EMAIL": "a@example.org",
            "GIT_COMMITTER_DATE": "1700000000 +0000",
        }
        run_git(path, "tag", "-a", "-m", "Two", "v2", "feature/api", **who)
        if request.param != "loose":
            run_git(path, "pack-refs", "--all", "--prune")
            assert not (path / ".git" / "refs" / "tags" / "v2").exists()
        if request.param == "repacked":
            run_git(path, "repack", "-adq")
        return path

    @pytest.mark.parametrize(
        ("rev", "route"),
        [
            (None, False),
            ("HEAD", False),
            ("main", False),
            ("refs/heads/main", False),
            ("v1", False),
            ("feature/api", True),
            ("refs/heads/feature/api", True),
            ("v2", True),
        ],
    )
    def test_branch_and_tag(self, repository: Path, rev: str | None, route: bool) -> None:
        report = report_of(repository, rev=rev)
        assert ("http-api" in shown(report)) is route
        assert report["commit"]["sha"] == run_git(repository, "rev-parse", "feature/api" if route else "main")

    @pytest.mark.parametrize("digits", [7, 12, 40])
    def test_commit_id(self, repository: Path, digits: int) -> None:
        sha = run_git(repository, "rev-parse", "feature/api")
        report = report_of(repository, rev=sha[:digits])
        assert report["commit"] == {"sha": sha, "committed_at": "2024-02-01T00:00:00Z"}

    @pytest.mark.parametrize("rev", ["nowhere", "v3", "main~1", "abc", ""])
    def test_what_is_not_there_is_refused(self, repository: Path, rev: str) -> None:
        assert "branch" in refusal(repository, rev=rev).cure

    def test_a_commit_id_that_is_not_there_is_refused(self, repository: Path) -> None:
        assert "clone" in refusal(repository, rev="abcdef0").cure

    def test_a_detached_head(self, repository: Path) -> None:
        sha = run_git(repository, "rev-parse", "feature/api")
        (repository / ".git" / "HEAD").write_text(sha + "\n")
        assert report_of(repository)["commit"]["sha"] == sha


def test_a_branch_of_the_remote_that_was_never_checked_out(shop: Path) -> None:
    sha = commit(shop, {"more.py": "MORE = 1\n"}, branch="side")
    run_git(shop, "update-ref", "refs/remotes/origin/topic", sha)
    run_git(shop, "update-ref", "-d", "refs/heads/side")
    assert report_of(shop, rev="topic")["commit"]["sha"] == sha


@pytest.mark.parametrize("bare", [False, True])
def test_empty_repository(tmp_path: Path, bare: bool) -> None:
    run_git(tmp_path, "init", "-q", "-b", "main", *(["--bare"] if bare else []), "new")
    report = report_of(tmp_path / "new")
    assert report["commit"] == {"sha": None, "committed_at": None}
    assert "empty-repository" in report["limits_hit"]
    assert shown(report) == set()


def test_a_commit_without_files(tmp_path: Path) -> None:
    report = report_of(make_repo(tmp_path / "r", {}))
    assert report["commit"]["sha"] is not None
    assert shown(report) == set()
    assert "empty-repository" not in report["limits_hit"]


def test_uncommitted_work_is_not_read(shop: Path) -> None:
    before = report_of(shop)
    (shop / "shop" / "service.py").write_text("broken(\n")
    (shop / "shop" / "more.py").write_text(SERVICE)
    (shop / "shop" / "net.py").unlink()
    run_git(shop, "add", "-A")
    assert report_of(shop) == before


def test_committed_work_is_read_though_it_was_deleted_since(tmp_path: Path) -> None:
    path = make_repo(tmp_path / "r", NOTHING)
    assert shown(report_of(path)) == set()
    commit(path, SHOP)
    assert "http-api" in shown(report_of(path))


def test_folder_inside_a_repository_names_the_cure(shop: Path) -> None:
    error = refusal(shop / "shop")
    assert "inside a repository" in error.cause
    assert "top folder" in error.cure


def test_linked_work_tree_names_the_cure(shop: Path, tmp_path: Path) -> None:
    run_git(shop, "worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    assert "main repository" in refusal(tmp_path / "linked").cure


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("missing", id="missing"),
        pytest.param("x" * 300, id="long-name"),
        pytest.param("a/" * 3000, id="long-path"),
        pytest.param("nul\0byte", id="nul"),
    ],
)
def test_no_such_path(tmp_path: Path, name: str) -> None:
    assert "path" in refusal(f"{tmp_path}/{name}").cure


def test_folder_that_is_no_repository(tmp_path: Path) -> None:
    assert ".zip" in refusal(tmp_path).cure


@pytest.mark.parametrize("content", [b"", b"PK", b"not an archive", b"\x1f\x8b\x08" + b"\0" * 100])
def test_file_that_is_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.zip").write_bytes(content)
    assert ".zip" in refusal(tmp_path / "file.zip").cure


def test_sha256_repository(tmp_path: Path) -> None:
    path = tmp_path / "long"
    run_git(tmp_path, "init", "-q", "-b", "main", "--object-format=sha256", "long")
    commit(path, SHOP)
    report = report_of(path)
    assert len(report["commit"]["sha"]) == 64
    assert "http-api" in shown(report)


@pytest.mark.parametrize(
    "name", ["größe.py", "with space.py", "a\tb.py", 'q"uote.py', "back\\slash.py", "new\nline.py"]
)
def test_odd_names_are_read_and_blamed(tmp_path: Path, name: str) -> None:
    path = make_repo(
        tmp_path / "r", {name: SERVICE.replace("from shop.prices import price\n", "from math import exp as price\n")}
    )
    report = report_of(path, authors=["ada@example.org"])
    (signal,) = [one for one in report["signals"] if one["key"] == "http-api"]
    assert [(one["path"], one["author_share"]) for one in signal["findings"]] == [(name, 1.0)]


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    name = b"caf\xe9.py".decode("utf-8", "surrogateescape")
    path = make_repo(tmp_path / "r", {name: SERVICE, "shop/__init__.py": "", "shop/prices.py": PRICES})
    report = report_of(path)
    assert {"http-api", "type-hints"} <= shown(report)


def test_commits_that_change_code_are_read_as_far_as_needed(tmp_path: Path) -> None:
    work = make_repo(tmp_path / "work", {"a.py": "x = 1\n"}, date="2024-01-01T00:00:00Z")
    for day in range(1, 6):
        name = "a.py" if day % 2 else "README.md"
        commit(work, {name: f"x = {day + 1}\n"}, date=f"2024-01-{day * 5:02}T00:00:00Z")
    with open_repository(work / ".git", Limits()) as repository:
        sha = repository.resolve(None)
        assert sha is not None
        everything = repository.changed(sha, is_code, 100, 0)
        assert len(everything) == 4
        assert everything == tuple(sorted(everything, reverse=True))
        assert repository.changed(sha, is_code, 2, 9 * 86_400) == everything[:2]


def test_tags_and_lasting_work_are_seen(tmp_path: Path) -> None:
    work = make_repo(tmp_path / "work", {"a.py": "x = 1\n"}, date="2023-01-01T00:00:00Z")
    for month in range(1, 13):
        for day in (2, 16):
            commit(work, {"a.py": f"x = {month * day}\n"}, date=f"2023-{month:02}-{day:02}T00:00:00Z")
    assert "maintained" not in shown(report_of(work))
    run_git(work, "tag", "v1.0")
    run_git(work, "tag", "v1.1", "HEAD~3")
    assert "maintained" in shown(report_of(work))
