from __future__ import annotations

import io
import os
from collections.abc import Mapping

import pytest

from assessor.config import Settings
from assessor.content.schema import Catalogue
from assessor.services.errors import Conflict, Invalid, NotFound
from assessor.services.permissions import Actor
from assessor.services.portfolio import PENDING_LIMIT
from assessor.services.unit import UnitFactory
from assessor.services.uploads import save_upload, upload_path
from tests.reports import make_report
from tests.services.conftest import Clock

ADDRESS = "https://github.com/owner/name"
SOLID = {
    "docker": 3,
    "http-api": 3,
    "monitoring": 3,
    "unit-tests": 4,
    "ci-tests": 4,
    "pinned-deps": 3,
    "orchestration": 3,
}
INFRA = 3


def analyse(
    unit: UnitFactory,
    person_id: int,
    grades: Mapping[str, int],
    *,
    source: str = ADDRESS,
    author: str | None = "ada@example.org",
) -> str:
    with unit(write=True) as u:
        analysis_id = u.portfolio.add(person_id, source).id
    with unit(write=True) as u:
        u.portfolio.begin(analysis_id)
        u.portfolio.keep(analysis_id, make_report(u.catalogue.framework, grades, author=author))
    with unit(write=True) as u:
        u.portfolio.finish(analysis_id)
    return analysis_id


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://github.com/owner/name", ADDRESS),
        (" https://GitHub.com/owner/name.git/ ", ADDRESS),
        ("github.com/owner/name", ADDRESS),
    ],
)
def test_one_repository_has_one_address(unit: UnitFactory, actor: Actor, written: str, kept: str) -> None:
    with unit(write=True) as u:
        assert u.portfolio.add(actor.person_id, written).repository.source == kept


@pytest.mark.parametrize(
    "source",
    [
        "",
        "file:///etc",
        "ssh://git@github.com/owner/name",
        "git@github.com:owner/name",
        "https://user:word@github.com/owner/name",
        "https://github.com:8443/owner/name",
        "https://127.0.0.1/owner/name",
        "https://github.com/owner/name?ref=x",
        "https://github.com/owner",
        "https://[::1/owner/name",
        "folder:../secrets",
        "/etc",
    ],
)
def test_addresses_that_are_never_fetched_are_refused_with_a_cure(unit: UnitFactory, actor: Actor, source: str) -> None:
    with pytest.raises(Invalid) as refused, unit(write=True) as u:
        u.portfolio.add(actor.person_id, source)
    assert refused.value.fields["source"].endswith(".")
    with unit() as u:
        assert u.portfolio.list(actor.person_id) == []


def test_adding_twice_waits_once(unit: UnitFactory, actor: Actor) -> None:
    with unit(write=True) as u:
        first = u.portfolio.add(actor.person_id, ADDRESS).id
        assert u.portfolio.add(actor.person_id, ADDRESS).id == first
    with unit() as u:
        assert list(u.portfolio.sweepable()) == [first]


def test_too_many_waiting_analyses_are_refused(unit: UnitFactory, actor: Actor) -> None:
    with unit(write=True) as u:
        for number in range(PENDING_LIMIT):
            u.portfolio.add(actor.person_id, f"{ADDRESS}{number}")
        with pytest.raises(Conflict):
            u.portfolio.add(actor.person_id, ADDRESS)


def test_an_analysis_counts_for_its_author(unit: UnitFactory, actor: Actor, catalogue: Catalogue) -> None:
    analysis_id = analyse(unit, actor.person_id, SOLID)
    with unit() as u:
        view = u.profile.view(actor.person_id)
        assert u.portfolio.analysis(analysis_id).state == "done"
        assert u.portfolio.report(analysis_id).sha == "a" * 40
    infra = view.layers[INFRA]
    assert infra.level is not None
    assert infra.provenance["repo"] == pytest.approx(1)
    assert infra.lines[0].analysis_id == analysis_id
    assert not infra.verified
    assert not view.layers[8].measured


def test_a_claimed_analysis_moves_nobody(unit: UnitFactory, actor: Actor) -> None:
    analyse(unit, actor.person_id, SOLID, author=None)
    with unit() as u:
        view = u.profile.view(actor.person_id)
    assert not view.measured
    assert [step.kind for step in view.steps] == ["rate", "identity", "quiz"]


def test_finishing_twice_counts_once(unit: UnitFactory, actor: Actor) -> None:
    analysis_id = analyse(unit, actor.person_id, SOLID)
    with unit(write=True) as u:
        u.portfolio.finish(analysis_id)
    with unit() as u:
        assert len(u.profile.view(actor.person_id).layers[INFRA].lines) == 1


def test_keeping_twice_keeps_every_finding_once(unit: UnitFactory, actor: Actor, catalogue: Catalogue) -> None:
    analysis_id = analyse(unit, actor.person_id, SOLID)
    with unit(write=True) as u:
        u.portfolio.keep(analysis_id, make_report(catalogue.framework, SOLID, author="ada@example.org"))
    with unit() as u:
        assert len(u.portfolio.evidence(analysis_id, "docker").findings) == 1


def test_another_repository_that_shows_as_much_lowers_no_layer(unit: UnitFactory, actor: Actor, clock: Clock) -> None:
    analyse(unit, actor.person_id, SOLID)
    with unit() as u:
        before = [layer.level for layer in u.profile.view(actor.person_id).layers]
    clock.forward(days=120)
    analyse(unit, actor.person_id, {"docker": 4, "tracking": 3}, source=f"{ADDRESS}-2")
    with unit() as u:
        after = [layer.level for layer in u.profile.view(actor.person_id).layers]
    for old, new in zip(before, after, strict=True):
        assert old is None or (new is not None and new >= old - 0.1)


def test_a_leaked_key_holds_its_own_repository_down_and_no_other(unit: UnitFactory, actor: Actor) -> None:
    analyse(unit, actor.person_id, {"api-auth": 4})
    with unit() as u:
        before = u.profile.view(actor.person_id).layers[6].lines[0].level
    analyse(unit, actor.person_id, {"secrets": 2, "api-auth": 3}, source=f"{ADDRESS}-2")
    with unit() as u:
        assert u.profile.view(actor.person_id).layers[6].lines[0].level == before


def test_the_same_again_replaces_the_row_and_a_move_stands_beside_it(
    unit: UnitFactory, actor: Actor, clock: Clock
) -> None:
    analyse(unit, actor.person_id, {"docker": 2})
    clock.forward(days=30)
    analyse(unit, actor.person_id, {"docker": 2})
    with unit() as u:
        assert len(u.profile.view(actor.person_id).layers[INFRA].lines) == 1
    clock.forward(days=30)
    analyse(unit, actor.person_id, {"docker": 4})
    with unit() as u:
        assert [line.level for line in u.profile.view(actor.person_id).layers[INFRA].lines] == [4.0, 2.0]


def test_removing_a_repository_takes_back_what_it_showed(unit: UnitFactory, actor: Actor) -> None:
    analysis_id = analyse(unit, actor.person_id, SOLID)
    with unit(write=True) as u:
        u.portfolio.remove(u.portfolio.analysis(analysis_id).repository_id)
    with unit() as u:
        assert not u.profile.view(actor.person_id).layers[INFRA].lines
        with pytest.raises(NotFound):
            u.portfolio.analysis(analysis_id)


def test_evidence_leads_to_lines(unit: UnitFactory, actor: Actor) -> None:
    analysis_id = analyse(unit, actor.person_id, SOLID)
    with unit() as u:
        page = u.portfolio.evidence(analysis_id, "docker")
        with pytest.raises(NotFound):
            u.portfolio.evidence(analysis_id, "telepathy")
    finding = page.findings[0]
    assert (finding.finding.path, finding.finding.line, finding.grade) == ("app/main.py", 12, 3)
    assert [(line.number, line.text) for line in finding.lines if line.cited] == [(12, "line 12")]
    assert len(finding.lines) == 17
    assert page.text is not None
    assert page.gain is not None


def test_a_failure_names_cause_and_cure_and_leaves_a_finished_one_alone(unit: UnitFactory, actor: Actor) -> None:
    done = analyse(unit, actor.person_id, SOLID)
    with unit(write=True) as u:
        waiting = u.portfolio.rescan(u.portfolio.analysis(done).repository_id).id
        u.portfolio.fail(waiting, "It is private.", "Make it public.")
        u.portfolio.fail(done, "No.", "No.")
    with unit() as u:
        assert (u.portfolio.analysis(waiting).state, u.portfolio.analysis(waiting).cure) == (
            "failed",
            "Make it public.",
        )
        assert u.portfolio.analysis(done).state == "done"


def test_steps_name_the_signals_that_gain_most(unit: UnitFactory, actor: Actor) -> None:
    analysis_id = analyse(unit, actor.person_id, SOLID)
    with unit(write=True) as u:
        u.profile.rate(actor.person_id, "ai-platform-engineer", {"data-engineering": 2})
    with unit() as u:
        steps = u.profile.view(actor.person_id).steps
    assert [step.kind for step in steps] == ["quiz", "signal", "signal"]
    assert all(step.gain and step.text and step.analysis_id == analysis_id for step in steps[1:])


def test_uploads_are_kept_while_a_repository_names_them_and_while_one_may_still_do(
    unit: UnitFactory, actor: Actor, settings: Settings, clock: Clock
) -> None:
    kept, lost, fresh = (save_upload(settings.data_dir, io.BytesIO(b"PK" + text)) for text in (b"one", b"two", b"new"))
    for digest, minutes in ((kept, 61), (lost, 61), (fresh, 1)):
        stored = clock.now.timestamp() - 60 * minutes
        os.utime(upload_path(settings.data_dir, digest), (stored, stored))
    with unit(write=True) as u:
        u.portfolio.add_zip(actor.person_id, "C:\\work\\churn.zip", kept)
        assert u.portfolio.forget_uploads() == 1
    assert upload_path(settings.data_dir, kept).exists()
    assert not upload_path(settings.data_dir, lost).exists()
    assert upload_path(settings.data_dir, fresh).exists()
    with unit() as u:
        assert u.portfolio.list(actor.person_id)[0].name == "churn"


def test_what_is_no_archive_is_refused(settings: Settings) -> None:
    for data in (b"", b"MZ\x90"):
        with pytest.raises(Invalid, match="zip"):
            save_upload(settings.data_dir, io.BytesIO(data))
    assert list((settings.data_dir / "uploads").iterdir()) == []
