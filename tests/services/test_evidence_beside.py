from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

import pytest
from sqlalchemy import event

from assessor.models.hiring import Candidate, Requisition
from assessor.services.errors import NotFound
from assessor.services.evidence_beside import LayerBeside, check_look, evidence_beside
from assessor.services.permissions import Actor
from assessor.services.unit import UnitFactory
from tests.reports import make_finding, make_report
from tests.services.conftest import Clock, sign_up

LAYER = "production-infrastructure"


@pytest.fixture
def bob(unit: UnitFactory, actor: Actor) -> Actor:
    return sign_up(unit, "bob@example.org", "member")


@pytest.fixture
def asked(unit: UnitFactory, actor: Actor, bob: Actor) -> int:
    with unit(write=True) as u:
        return u.review.ask_peer(actor, bob.user_id, LAYER).id


def analysed(
    unit: UnitFactory, person_id: int, grades: Mapping[str, int], name: str = "churn", author: str | None = "a@b.c"
) -> str:
    """Store a finished analysis with one finding for each grade, and many for containers."""
    report = make_report(unit.catalogue.framework, grades, author=author)
    signals = []
    for signal in report.signals:
        more = [make_finding(signal.key, 2, f"app/part{number}.py", number + 9) for number in range(30)]
        graded = signal.findings
        if signal.key == "docker" and graded:
            graded = (*(graded[0]._replace(finding=one, grade=2) for one in more), *graded)
        signals.append(replace(signal, findings=graded))
    with unit(write=True) as u:
        analysis = u.portfolio.add(person_id, f"https://github.com/ada/{name}")
        u.portfolio.begin(analysis.id)
        u.portfolio.keep(analysis.id, replace(report, signals=tuple(signals)))
        u.portfolio.finish(analysis.id)
        return analysis.id


def beside(unit: UnitFactory, review_id: int) -> LayerBeside:
    with unit() as u:
        [layer] = evidence_beside(u.session, u.catalogue, u.review.get(review_id))
        return layer


def test_the_best_of_all_repositories_is_shown_with_its_best_places(
    unit: UnitFactory, actor: Actor, asked: int
) -> None:
    older = analysed(unit, actor.person_id, {"docker": 4, "http-api": 2, "custom-attention": 3})
    newer = analysed(unit, actor.person_id, {"docker": 3, "http-api": 3, "secrets": 2}, "serving")
    claimed = analysed(unit, actor.person_id, {"http-api": 4, "monitoring": 3}, "claimed", author=None)
    found = [
        (one.signal.key, one.grade, one.analysis_id, one.repository, one.counts) for one in beside(unit, asked).signals
    ]
    assert found == [
        ("docker", 4, older, "churn", True),
        ("http-api", 3, newer, "serving", True),  # one that counts comes before a better one that is only claimed
        ("monitoring", 3, claimed, "claimed", False),
    ]
    [docker, *_] = beside(unit, asked).signals
    assert docker.name == "Container image"
    assert [(one.place, one.grade) for one in docker.places] == [
        ("app/main.py:12", 4),
        ("app/part0.py:9", 2),
        ("app/part1.py:10", 2),
    ]


def test_of_other_evidence_kind_and_date_are_told_and_no_number(
    unit: UnitFactory, actor: Actor, bob: Actor, asked: int, clock: Clock
) -> None:
    with unit(write=True) as u:
        u.profile.rate(actor.person_id, "ml-engineer", {LAYER: 3.5, "data-engineering": 1.5})
    rated = clock.now
    clock.forward(days=3)
    with unit(write=True) as u:
        u.review.submit(u.review.get(asked), {"api-design": 2.0, "monitoring": 3.0}, {})
        again = u.review.ask_peer(actor, bob.user_id, LAYER).id
    handed_in = clock.now
    clock.forward(days=3)
    with unit(write=True) as u:
        u.review.submit(u.review.get(again), {"api-design": 2.0}, {})
    [layer] = [beside(unit, again)]
    assert [(one.instrument, one.at) for one in layer.others] == [("review", handed_in), ("self", rated)]
    assert [field.name for field in fields(layer.others[0])] == ["instrument", "at"]


def test_what_a_panel_handed_in_is_not_even_told_to_its_other_members(
    unit: UnitFactory, actor: Actor, bob: Actor
) -> None:
    with unit(write=True) as u:
        requisition = Requisition(
            workspace_id=actor.workspace_id,
            title="x",
            role_key="ml-engineer",
            role_version=1,
            layers=[LAYER],
            created_at=actor.seen_at,
        )
        candidate = Candidate(
            requisition=requisition, person_id=actor.person_id, code_name="Heron", created_at=actor.seen_at
        )
        u.session.add(candidate)
        u.session.flush()
        u.review.submit(u.review.panel(candidate, actor.user_id, [LAYER]), {"api-design": 2.0}, {})
        other = u.review.panel(candidate, bob.user_id, [LAYER]).id
    assert beside(unit, other).others == ()


def test_it_takes_three_queries(unit: UnitFactory, actor: Actor, asked: int) -> None:
    for name in ("one", "two", "three"):
        analysed(unit, actor.person_id, {"docker": 3, "http-api": 2}, name)
    sent: list[str] = []
    with unit() as u:
        review = u.review.get(asked)
        event.listen(unit.engine, "before_cursor_execute", lambda _c, _u, statement, *_: sent.append(statement))
        evidence_beside(u.session, u.catalogue, review)
    assert len(sent) == 3


def test_a_reviewer_looks_at_the_evidence_of_this_person_and_layer_alone(
    unit: UnitFactory, actor: Actor, bob: Actor, asked: int
) -> None:
    grades = {"docker": 3, "secrets": 2, "custom-attention": 3}
    analysis, of_bob = analysed(unit, actor.person_id, grades), analysed(unit, bob.person_id, grades, "bobs")
    with unit(write=True) as u:
        security = u.review.ask_peer(actor, bob.user_id, "security-reliability").id

    def look(analysis_id: str, signal: str, review_id: int = asked) -> None:
        with unit() as u:
            page = u.portfolio.evidence(analysis_id, signal)
            assert signal != "secrets" or page.layers[0].key == "security-reliability"
            check_look(u.review.get(review_id), page)

    look(analysis, "docker")
    leaked = (analysis, "secrets", security)  # what speaks against is for its owner alone
    for refused in ((analysis, "custom-attention"), leaked, (of_bob, "docker")):
        with pytest.raises(NotFound):
            look(*refused)
    with unit(write=True) as u:
        u.review.end(bob, u.review.get(asked))
    with pytest.raises(NotFound):
        look(analysis, "docker")
