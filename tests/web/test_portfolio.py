from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from jsonschema import Draft202012Validator

from assessor.analysis.findings import Finding
from assessor.factory import create_app
from assessor.models.portfolio import Analysis
from assessor.services.portfolio import PENDING_LIMIT
from assessor.services.unit import UnitFactory
from assessor.services.uploads import UPLOAD_LIMIT, upload_path
from assessor.web.forge import commit_address, file_address
from tests.web.clients import SOURCE, add, demo_person, finish, words
from tests.web.conftest import Person

HERE = Path(__file__).resolve().parents[2]
SCHEMA = HERE / "docs" / "score-report.schema.json"
SHA = "a" * 40


def upload(data: bytes, name: str = "churn.zip") -> tuple[io.BytesIO, str]:
    return io.BytesIO(data), name


# Adding


def test_an_empty_portfolio_says_what_to_do(ada: Person) -> None:
    page = words(ada.browser.open("/portfolio"))
    assert "Add your first repository" in page
    assert "Up to 100 MB" in page
    assert "confirm the address you commit with" in page


def test_who_has_confirmed_an_identity_is_not_told_to(ada: Person, unit: UnitFactory) -> None:
    with unit(write=True) as u:
        u.identity.confirm(ada.id, "ada@example.org", "mail")
    assert "move nobody's level" not in words(ada.browser.open("/portfolio"))


def test_an_address_is_stored_before_it_is_queued(app: Flask, unit: UnitFactory, ada: Person) -> None:
    seen: list[str] = []

    def enqueue(analysis_id: str) -> None:
        with unit() as u:  # another transaction: it sees what is committed and nothing else
            seen.append(u.portfolio.analysis(analysis_id).state)

    app.extensions["assessor.jobs"] = enqueue
    answer = ada.browser.send("/portfolio", source=" github.com/ada/churn.git ", rev="v1.2")
    assert answer.status_code == 302
    assert seen == ["queued"]
    page = ada.browser.open(answer.location)
    assert '<meta http-equiv="refresh" content="2">' in page
    assert "Waiting for a worker." in words(page)
    with unit() as u:
        [repository] = u.portfolio.list(ada.id)
    assert (repository.source, repository.analyses[0].rev) == (SOURCE, "v1.2")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"source": ""}, "Write the address of a repository"),
        ({"source": "git@github.com:ada/churn"}, "https"),
        ({"source": "https://127.0.0.1/ada/churn"}, "are not fetched here; allowed are github.com"),
        ({"source": SOURCE, "rev": "--upload-pack=x"}, "Write a branch, a tag or a commit"),
        ({"source": "https://github.com/a/" + "x" * 600}, "longer than 500 characters"),
        ({"source": "<script>alert(1)</script>"}, "Write the address of the repository alone"),
    ],
)
def test_a_wrong_address_is_kept_and_told_why(
    ada: Person, queued: list[str], fields: dict[str, str], told: str
) -> None:
    answer = ada.browser.send("/portfolio", **fields)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert told in words(page)
    assert 'aria-invalid="true"' in page
    assert "<script>alert" not in page
    assert not fields["source"] or fields["source"].replace("<", "&lt;").replace(">", "&gt;") in page
    assert queued == []


def test_too_many_that_wait_keep_the_input(ada: Person, unit: UnitFactory, queued: list[str]) -> None:
    for number in range(PENDING_LIMIT):
        add(unit, ada.id, f"{SOURCE}-{number}")
    answer = ada.browser.send("/portfolio", source=SOURCE)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert "Add the next one when some are finished." in words(page)
    assert f'value="{SOURCE}"' in page
    assert queued == []


def test_a_zip_is_stored_and_queued(ada: Person, unit: UnitFactory, queued: list[str]) -> None:
    answer = ada.browser.send(
        "/portfolio/zip", shown_at="/portfolio", archive=upload(b"PK\x03\x04...", "../chu\trn.zip")
    )
    assert answer.status_code == 302
    with unit() as u:
        [repository] = u.portfolio.list(ada.id)
    assert repository.name == "churn"
    assert upload_path(unit.settings.data_dir, repository.source).exists()
    assert queued == [repository.analyses[0].id]
    assert "uploaded archive" in words(ada.browser.open(answer.location))


@pytest.mark.parametrize(
    ("data", "told"), [(b"", "Choose a zip archive."), (b"MZ\x90", "This file is no zip archive; pack the repository")]
)
def test_what_is_no_archive_is_refused_with_a_cure(ada: Person, queued: list[str], data: bytes, told: str) -> None:
    answer = ada.browser.send("/portfolio/zip", shown_at="/portfolio", archive=upload(data))
    assert answer.status_code == 400
    assert told in words(answer.get_data(as_text=True))
    assert queued == []


def test_an_archive_that_is_too_large_is_refused_with_a_cure(ada: Person, queued: list[str]) -> None:
    # The announced length decides, so that nobody sends 100 MB to be told afterwards.
    answer = ada.browser.client.post(
        "/portfolio/zip",
        data=b"",
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": str(UPLOAD_LIMIT + 2**20)},
    )
    assert answer.status_code == 413
    assert "add the repository by its https address instead" in words(answer.get_data(as_text=True))
    assert queued == []


def test_a_zip_above_the_limit_of_other_forms_is_accepted(ada: Person, queued: list[str]) -> None:
    found = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', ada.browser.open("/portfolio"))
    assert found is not None
    part = b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    token = part % (b"csrf_token", b"", found[1].encode())
    archive = part % (b"archive", b'; filename="big.zip"', b"PK\x03\x04" + b"0" * 2**20)
    # Written by hand: the client's own encoder leaves a temporary file open.
    answer = ada.browser.client.post(
        "/portfolio/zip", data=token + archive + b"--x--\r\n", content_type="multipart/form-data; boundary=x"
    )
    assert answer.status_code == 302
    assert len(queued) == 1


def test_the_demo_user_cannot_change_anything(app: Flask, unit: UnitFactory, queued: list[str]) -> None:
    demo = demo_person(app, unit)
    repository_id, analysis_id = add(unit, demo.id)
    finish(unit, analysis_id)
    page = demo.browser.open(f"/portfolio/{repository_id}")
    assert "Rescan</button>" not in page
    assert "Remove for good" not in page
    for path in (
        "/portfolio",
        "/portfolio/zip",
        f"/portfolio/{repository_id}/rescan",
        f"/portfolio/{repository_id}/remove",
    ):
        answer = demo.browser.send(path, shown_at="/portfolio", source=f"{SOURCE}-2", archive=upload(b"PK"))
        assert answer.status_code == 403
        assert "Sign up to work with your own data." in words(answer.get_data(as_text=True))
    assert queued == []
    with unit() as u:
        assert len(u.portfolio.list(demo.id)) == 1


def test_adding_is_limited(ada: Person) -> None:
    answers = [ada.browser.send("/portfolio", source="") for _ in range(61)]
    assert [answer.status_code for answer in answers[-2:]] == [400, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0


# While it runs, and when it failed


def test_progress_as_a_page_and_as_json(ada: Person, unit: UnitFactory) -> None:
    repository_id, analysis_id = add(unit, ada.id)
    with unit(write=True) as u:
        u.portfolio.begin(analysis_id)
        u.portfolio.progress(analysis_id, "reading", 37, 1200)
    page = ada.browser.open(f"/portfolio/{repository_id}")
    assert 'max="1200" value="37"' in page
    assert f'data-progress="/portfolio/{repository_id}/progress"' in page
    answer = ada.browser.client.get(f"/portfolio/{repository_id}/progress")
    assert answer.json == {"state": "running", "text": "Reading files: 37 of 1,200.", "done": 37, "total": 1200}
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Reading files: 37 of 1,200." in words(ada.browser.open("/portfolio"))


def test_a_failure_shows_cause_and_cure_and_can_be_tried_again(
    ada: Person, unit: UnitFactory, queued: list[str]
) -> None:
    repository_id, analysis_id = add(unit, ada.id)
    with unit(write=True) as u:
        u.portfolio.fail(analysis_id, "The repository is <private>.", "Make it public, or upload a zip.")
    page = ada.browser.open(f"/portfolio/{repository_id}")
    assert "The repository is <private>. Make it public, or upload a zip." in words(page)
    assert "<private>" not in page
    assert "http-equiv" not in page
    answer = ada.browser.send(f"/portfolio/{repository_id}/rescan", shown_at=f"/portfolio/{repository_id}")
    assert answer.status_code == 302
    assert len(queued) == 1
    assert "Waiting for a worker." in words(ada.browser.open(answer.location))


def test_a_rescan_keeps_the_last_report_on_the_page(ada: Person, unit: UnitFactory) -> None:
    repository_id, analysis_id = add(unit, ada.id)
    finish(unit, analysis_id)
    ada.browser.send(f"/portfolio/{repository_id}/rescan", shown_at=f"/portfolio/{repository_id}")
    page = ada.browser.open(f"/portfolio/{repository_id}")
    assert "Being analysed" in page
    assert f"/evidence/{analysis_id}/docker" in page


# What an analysis says


@pytest.fixture
def done(ada: Person, unit: UnitFactory) -> tuple[int, str]:
    repository_id, analysis_id = add(unit, ada.id)
    finish(unit, analysis_id)
    return repository_id, analysis_id


def test_a_finished_analysis_leads_to_its_evidence(ada: Person, unit: UnitFactory, done: tuple[int, str]) -> None:
    repository_id, analysis_id = done
    page = ada.browser.open(f"/portfolio/{repository_id}")
    told = words(page)
    for key in unit.catalogue.framework.signals:
        assert f'href="/evidence/{analysis_id}/{key}"' in page
    assert "All 76 signals" in told
    assert "4 verified · app/main.py:12" in told
    assert "This analysis is claimed" in told
    assert "medium effort" in told
    assert f"{SOURCE}/commit/{SHA}" in page
    assert len(gzip.compress(page.encode())) < 30_000


def test_what_holds_a_level_down_is_named_and_linked(ada: Person, unit: UnitFactory) -> None:
    security = unit.catalogue.framework.layers[6]
    topics = {topic.key for topic in security.topics}
    shown = {
        key: 4 for key, one in unit.catalogue.framework.signals.items() if one.polarity > 0 and topics & {*one.topics}
    }
    repository_id, analysis_id = add(unit, ada.id)
    finish(unit, analysis_id, {**shown, "secrets": 2})
    page = ada.browser.open(f"/portfolio/{repository_id}")
    assert f'held down by <a href="/evidence/{analysis_id}/secrets">Committed secrets</a>' in page


def test_the_evidence_page_shows_the_lines_and_why(ada: Person, done: tuple[int, str]) -> None:
    page = ada.browser.open(f"/evidence/{done[1]}/docker")
    told = words(page)
    assert f'href="{SOURCE}/blob/{SHA}/app/main.py#L12"' in page
    assert '<li class="hit"><span>12</span><mark>line 12</mark></li>' in page
    assert "<li><span>4</span>line 4</li>" in page
    assert "3 wired in" in told
    assert "✓ Wired in: a route." in told
    assert "– No test, gate or recorded result was found that would fail without it." in told
    assert "What would raise it" in told
    assert "Does not count vendored, devcontainer" in told


@pytest.mark.parametrize(
    ("signal", "told"),
    [
        ("streaming", "It was looked for in every file that could be read, and is not there."),
        ("data-validation", "What is here does not make the signal present"),
        ("secrets", "What would clear it"),
        ("swallowed-errors", "It was looked for and is not there, which is good."),
    ],
)
def test_absence_and_evidence_against_have_honest_pages(
    ada: Person, done: tuple[int, str], signal: str, told: str
) -> None:
    assert told in words(ada.browser.open(f"/evidence/{done[1]}/{signal}"))


def test_unknown_is_neither_present_nor_absent(ada: Person, unit: UnitFactory, done: tuple[int, str]) -> None:
    repository_id, analysis_id = done
    with unit(write=True) as u:
        analysis = u.portfolio.analysis(analysis_id, report=True)
        raw = json.loads(analysis.report or "")
        next(one for one in raw["signals"] if one["key"] == "streaming").update(
            outcome="unknown", grade=None, gain=None
        )
        raw["limits_hit"] = ["not-implemented"]
        raw["skipped"] = [{"path": "<b>.py", "reason": "syntax error, line 3"}]
        analysis.report = json.dumps(raw)
    assert "It is not known whether" in words(ada.browser.open(f"/evidence/{analysis_id}/streaming"))
    page = ada.browser.open(f"/portfolio/{repository_id}")
    assert "? unknown: 1 not looked for yet" in words(page)
    assert "not-implemented : signals marked unknown" in words(page)
    assert "&lt;b&gt;.py" in page


def test_what_a_repository_wrote_is_escaped(ada: Person, unit: UnitFactory) -> None:
    _, analysis_id = add(unit, ada.id)
    finish(unit, analysis_id)
    with unit(write=True) as u:
        for row in u.portfolio._findings(analysis_id, "docker"):
            row.path, row.message = 'a"><script>x</script>.py', "<img src=x>"
            row.excerpt = "<script>alert(1)</script>"
    page = ada.browser.open(f"/evidence/{analysis_id}/docker")
    assert "<script>x" not in page
    assert "<script>alert" not in page
    assert "<img src=x>" not in page


def test_the_trend_lists_earlier_analyses(ada: Person, unit: UnitFactory, done: tuple[int, str]) -> None:
    repository_id, _ = done
    assert "This is the first analysis." in words(ada.browser.open(f"/portfolio/{repository_id}"))
    with unit(write=True) as u:
        again = u.portfolio.rescan(repository_id).id
    finish(unit, again, {"docker": 4})
    page = words(ada.browser.open(f"/portfolio/{repository_id}"))
    assert page.count("commit aaaaaaaaaa") >= 3
    assert "This is the first analysis." not in page


# Files


def test_the_json_report_is_what_the_schema_promises(ada: Person, done: tuple[int, str]) -> None:
    answer = ada.browser.client.get(f"/portfolio/{done[0]}/report.json")
    assert answer.mimetype == "application/json"
    assert answer.headers["Content-Disposition"] == "attachment; filename=churn-aaaaaaaaaaaa.json"
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(answer.json)


@pytest.mark.parametrize(("form", "mimetype"), [("md", "text/markdown"), ("html", "text/html")])
def test_the_report_to_read_comes_as_a_file(ada: Person, done: tuple[int, str], form: str, mimetype: str) -> None:
    answer = ada.browser.client.get(f"/portfolio/{done[0]}/report.{form}")
    assert answer.mimetype == mimetype
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "github.com/ada/churn" in answer.get_data(as_text=True)


def test_before_it_is_finished_there_is_no_report(ada: Person, unit: UnitFactory) -> None:
    repository_id, analysis_id = add(unit, ada.id)
    assert "no report yet" in ada.browser.open(f"/portfolio/{repository_id}/report.json", status=404)
    ada.browser.open(f"/portfolio/{repository_id}/report.pdf", status=404)
    assert "There is no such evidence." in ada.browser.open(f"/evidence/{analysis_id}/docker", status=404)


# Removing, and what is not one's own


def test_removing_asks_once_more_and_takes_everything(ada: Person, unit: UnitFactory, done: tuple[int, str]) -> None:
    repository_id, analysis_id = done
    page = ada.browser.open(f"/portfolio/{repository_id}")
    assert page.index("<summary>Remove churn") < page.index("Remove for good")
    answer = ada.browser.send(f"/portfolio/{repository_id}/remove", shown_at=f"/portfolio/{repository_id}")
    assert answer.location == "/portfolio"
    assert "churn is removed" in words(ada.browser.open("/portfolio"))
    ada.browser.open(f"/evidence/{analysis_id}/docker", status=404)
    with unit() as u:
        assert u.session.get(Analysis, analysis_id) is None


def test_a_repository_of_somebody_else_does_not_exist(
    unit: UnitFactory, signed_in: Callable[[str], Person], done: tuple[int, str], queued: list[str]
) -> None:
    repository_id, analysis_id = done
    eve = signed_in("eve@example.org")
    missing = words(eve.browser.open("/portfolio/999999", status=404))
    for path in (
        f"/portfolio/{repository_id}",
        f"/portfolio/{repository_id}/progress",
        f"/portfolio/{repository_id}/report.json",
        f"/evidence/{analysis_id}/docker",
        f"/evidence/{analysis_id}/no-such-signal",
    ):
        page = words(eve.browser.open(path, status=404))
        assert "churn" not in page
        assert page.split("Request id")[0].startswith(missing.split("Error")[0])
    for act in ("rescan", "remove"):
        answer = eve.browser.send(f"/portfolio/{repository_id}/{act}", shown_at="/portfolio")
        assert answer.status_code == 404
    assert queued == []
    with unit() as u:
        assert u.portfolio.repository(repository_id).analyses[0].state == "done"


def test_an_address_that_no_database_can_hold_is_no_page(ada: Person) -> None:
    for path in (
        "/portfolio/99999999999999999999",
        "/portfolio/-1",
        "/evidence/no-uuid/docker",
        "/evidence/%00/docker",
    ):
        ada.browser.open(path, status=404)


def test_a_queue_of_its_own_is_not_needed_to_show_pages(unit: UnitFactory, done: tuple[int, str]) -> None:
    app = create_app(unit.settings, unit=unit)
    assert app.test_client().get("/portfolio").status_code == 302


# Links to forges and reasons of grades


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("https://github.com/o/n", f"https://github.com/o/n/blob/{SHA}/a%20b/c.py#L7"),
        ("https://gitlab.com/g/s/n", f"https://gitlab.com/g/s/n/-/blob/{SHA}/a%20b/c.py#L7"),
        ("https://bitbucket.org/o/n", f"https://bitbucket.org/o/n/src/{SHA}/a%20b/c.py#lines-7"),
        ("https://git.example.org/o/n", None),
        ("folder:demo", None),
        ("0" * 64, None),
    ],
)
def test_a_finding_links_to_its_line_on_known_forges(source: str, address: str | None) -> None:
    assert file_address(source, SHA, Finding("docker", "d", "a b/c.py", 7, "m")) == address
    assert file_address(source, None, Finding("docker", "d", "a b/c.py", 7, "m")) is None


def test_a_line_in_a_cell_and_a_fact_about_commits_link_to_what_exists() -> None:
    source = "https://github.com/o/n"
    assert (
        file_address(source, SHA, Finding("docker", "d", "n.ipynb", 7, "m", cell=2)) == f"{source}/blob/{SHA}/n.ipynb"
    )
    assert file_address(source, SHA, Finding("docker", "d", ".", None, "m")) == commit_address(source, SHA)
