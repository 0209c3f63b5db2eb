"""Parameters that are estimated, previewed, stored under a number, and then fitted with everywhere."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from types import MappingProxyType

import pytest
from sqlalchemy import event, func, select, update

from assessor.content.schema import Catalogue
from assessor.measurement.fusion import Hyper
from assessor.models.account import AuditEntry
from assessor.models.calibration import Calibration
from assessor.models.hiring import Requisition
from assessor.models.profile import Evidence
from assessor.services.errors import Conflict
from assessor.services.estimation import Proposal, propose, propose_defaults
from assessor.services.evidence import fit_counted, fit_evidence, years
from assessor.services.parameters import DEFAULTS, Parameters
from assessor.services.permissions import Actor
from assessor.services.unit import UnitFactory
from tests.hiring import add_candidate, hand_in, open_requisition
from tests.services.conftest import Clock, sign_up
from tests.simulated import store_people

RATERS = {"user:901": -1.0, "user:902": 0.0, "user:903": 0.2}
FASTER = Hyper(q=0.5)


def proposed(unit: UnitFactory) -> Proposal:
    with unit() as u:
        pool = u.calibration.pool()
    return propose(pool.evidence, pool.at, pool.used)


def store(unit: UnitFactory, parameters: Parameters) -> int:
    """Put parameters in use without estimating them."""
    with unit(write=True) as u:
        proposal = Proposal(u.calibration.current, parameters, (), (), (), people=34, rows=2710)
        return u.calibration.store(proposal, by="operator").number


def people(unit: UnitFactory, clock: Clock, count: int, **more: object) -> list[int]:
    with unit(write=True) as u:
        return store_people(u.session, clock.now, count, **more)  # type: ignore[arg-type]


# Estimate


def test_drift_noises_and_a_harsh_rater_are_found(unit: UnitFactory, clock: Clock) -> None:
    people(unit, clock, 24, q=1.0, raters=RATERS)
    found = proposed(unit)
    values = {one.name: one.value for one in found.found}
    assert values.keys() == {"q", "self_noise", "review_noise"}
    assert 0.5 <= (values["q"] or 0) <= 2.0  # four times the default, by 24 people
    harsh, fair, mild = found.raters
    assert [one.rater for one in found.raters] == sorted(RATERS)
    assert harsh.interval is not None
    assert harsh.severity is not None
    assert fair.severity is not None
    assert mild.severity is not None
    assert harsh.severity[0] < -0.5 < harsh.interval[1] + 0.5
    assert harsh.severity[0] < fair.severity[0] < mild.severity[0]
    assert harsh.interval[0] < harsh.severity[0] < harsh.interval[1] < 0
    assert (found.people, found.rows) == (24, 24 * 3 * 40)


def test_the_preview_tells_the_level_that_moves_most_and_moves_none(unit: UnitFactory, clock: Clock) -> None:
    ids = people(unit, clock, 20, q=1.0, raters=RATERS)
    found = proposed(unit)
    assert len(found.shifts) == 200
    assert found.largest is not None
    assert found.largest.size == max(shift.size for shift in found.shifts) > 0.1
    assert found.noticed
    with unit() as u:
        assert u.calibration.current == DEFAULTS
        assert u.session.scalar(select(func.count(Calibration.id))) == 0
        rows = u.calibration.evidence_of(ids)[found.largest.person_id]
    for parameters, level in ((DEFAULTS, found.largest.before), (found.parameters, found.largest.after)):
        fitted = fit_evidence(rows, clock.now, parameters)
        assert fitted.profile.level(years(clock.now))[found.largest.layer] == pytest.approx(level)


def test_the_same_evidence_gives_the_same_parameters_after_a_calibration(unit: UnitFactory, clock: Clock) -> None:
    people(unit, clock, 20, q=1.0, raters=RATERS)
    first = proposed(unit)
    with unit(write=True) as u:
        u.calibration.store(first, by="operator")
    second = proposed(unit)
    assert second.used.number == 1
    assert not second.new
    assert (second.parameters.hyper, second.parameters.severities) == (
        first.parameters.hyper,
        first.parameters.severities,
    )
    with unit(write=True) as u, pytest.raises(Conflict, match="in use already"):
        u.calibration.store(second, by="operator")


def test_too_few_people_are_refused_with_cause_and_cure_and_the_default_stays(unit: UnitFactory, clock: Clock) -> None:
    people(unit, clock, 19, q=1.0)
    found = proposed(unit)
    assert [one.value for one in found.found] == [None, None, None]
    assert all(one.cause and one.cure for one in found.found)
    assert "19 people" in found.found[0].cause
    assert found.parameters.hyper == Hyper()
    assert found.estimated == ()
    people(unit, clock, 1, q=1.0, seed=2)
    drift, self_noise, review_noise = proposed(unit).found
    assert drift.value is not None
    assert self_noise.value is not None
    assert review_noise.value is None  # nobody was reviewed


def test_who_was_measured_once_says_nothing_of_drift(unit: UnitFactory, clock: Clock) -> None:
    people(unit, clock, 24, dates=(20, 0))
    drift, self_noise, _ = proposed(unit).found
    assert (drift.value, drift.people) == (None, 0)
    assert "second time" in drift.cure
    assert self_noise.value is not None


def test_a_rater_whom_nobody_overlaps_keeps_the_default(unit: UnitFactory, clock: Clock) -> None:
    ids = people(unit, clock, 4)
    with unit(write=True) as u:
        # Only self-ratings and this one rater speak of the first two; a quiz speaks of the others too.
        of_two = Evidence.person_id.in_(ids[:2]) & (Evidence.instrument == "quiz")
        u.session.execute(update(Evidence).where(of_two).values(superseded_at=clock.now))
        for person_id in ids:
            u.session.add(
                Evidence(person_id=person_id, at=clock.now, layer=1, level=1.0, instrument="review", source="user:901")
            )
    [rater] = proposed(unit).raters
    assert (rater.severity, rater.shared, rater.rows) == (None, 2, 4)
    assert "2 people" in rater.cause
    with unit(write=True) as u:
        u.session.add(
            Evidence(person_id=ids[0], at=clock.now, layer=1, level=3.0, instrument="review", source="user:902")
        )
    overlapping, other = proposed(unit).raters
    assert overlapping.severity is not None
    assert overlapping.severity[0] < 0
    assert other.severity is None


def test_nothing_stored_and_nobody_measured_is_no_error(unit: UnitFactory) -> None:
    found = proposed(unit)
    assert (found.people, found.rows, found.largest, found.new) == (0, 0, None, False)


def test_people_of_the_demo_are_left_out(unit: UnitFactory, clock: Clock, catalogue: Catalogue) -> None:
    with unit(write=True) as u:
        user = u.account.create("sam@demo.invalid", None, name="Sam", workspace="demo", demo=True)
        assert user.person is not None
        u.profile.rate(user.person.id, "ml-engineer", {layer.key: 2.0 for layer in catalogue.framework.layers})
    people(unit, clock, 2)
    with unit() as u:
        pool = u.calibration.pool()
    assert pool.demo_people == 1
    assert len(pool.evidence) == 2


def test_what_a_panel_says_teaches_nothing_before_the_requisition_is_closed(unit: UnitFactory, clock: Clock) -> None:
    boss, ann = sign_up(unit, "boss@example.org", "manager"), sign_up(unit, "ann@example.org", "panellist")
    requisition_id = open_requisition(unit, boss, ann)
    candidate_id = add_candidate(unit, boss, requisition_id)
    before = taught(unit)
    hand_in(unit, ann, requisition_id, candidate_id, rating=0.5)
    blind, *after = taught(unit)
    assert after == before[1:]
    assert blind > before[0] == 0
    with unit(write=True) as u:
        u.session.execute(update(Requisition).values(closed_at=clock.now))
    assert taught(unit) == [0, before[1] + blind, True]


def taught(unit: UnitFactory) -> list[float]:
    """Return how many rows are left out and how many not, and whether a human is said to have seen a repository."""
    with unit() as u:
        pool = u.calibration.pool()
    rows = [row for one in pool.evidence.values() for row in one]
    return [pool.blind_rows, len(rows), any(row.reviewed for row in rows)]


# Store


def test_a_calibration_is_kept_under_the_next_number_and_audited(unit: UnitFactory, clock: Clock) -> None:
    assert store(unit, Parameters(FASTER)) == 1
    clock.forward(days=1)
    severities = MappingProxyType({"user:7": (-0.4, 0.1)})
    assert store(unit, Parameters(Hyper(q=0.3), severities)) == 2
    with unit() as u:
        newest, oldest = u.calibration.history()
        entries = u.session.scalars(select(AuditEntry).where(AuditEntry.action == "profile.calibrated")).all()
        used = u.calibration.current
        assert u.audit.verify() is None
    assert (oldest.number, oldest.parameters["hyper"]["q"], oldest.made_by) == (1, 0.5, "operator")
    assert (newest.number, newest.people, newest.rows) == (2, 34, 2710)
    assert newest.parameters["severities"] == {"user:7": [-0.4, 0.1]}
    assert used == Parameters(Hyper(q=0.3), severities, 2, clock.now.astimezone(UTC), 34, 2710)
    assert [(one.actor, one.subject) for one in entries] == [
        ("operator", "calibration:1"),
        ("operator", "calibration:2"),
    ]
    assert entries[1].details is not None
    assert {name: entries[1].details[name] for name in ("people", "rows", "q")} == {
        "people": 34,
        "rows": 2710,
        "q": 0.3,
    }


def test_a_preview_of_yesterday_is_not_stored_over_a_newer_calibration(unit: UnitFactory) -> None:
    with unit() as u:
        stale = Proposal(u.calibration.current, Parameters(FASTER), (), (), (), people=1, rows=1)
    store(unit, Parameters(Hyper(q=0.3)))
    with unit(write=True) as u, pytest.raises(Conflict, match="meanwhile"):
        u.calibration.store(stale, by="operator")
    with unit() as u:
        assert u.calibration.current.hyper.q == 0.3


def test_two_who_store_at_once_store_one(unit: UnitFactory) -> None:
    gate = threading.Barrier(2)

    def try_to(q: float) -> str:
        gate.wait()
        try:
            with unit(write=True) as u:
                u.calibration.store(Proposal(DEFAULTS, Parameters(Hyper(q=q)), (), (), (), 1, 1), by="operator")
        except Conflict:
            return "refused"
        return "stored"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(try_to, (0.3, 0.4))) == ["refused", "stored"]
    with unit() as u:
        assert [one.number for one in u.calibration.history()] == [1]


def test_the_way_back_is_a_calibration_too(unit: UnitFactory, clock: Clock) -> None:
    people(unit, clock, 3)
    store(unit, Parameters(FASTER))
    with unit() as u:
        pool = u.calibration.pool()
    back = propose_defaults(pool.evidence, pool.at, pool.used)
    assert len(back.shifts) == 30
    with unit(write=True) as u:
        assert u.calibration.store(back, by="operator").number == 2
    with unit() as u:
        assert (u.calibration.current.hyper, dict(u.calibration.current.severities)) == (Hyper(), {})


def test_a_parameter_that_this_version_does_not_know_is_passed_over(unit: UnitFactory, clock: Clock) -> None:
    kept = {"hyper": {"q": 0.4, "of_a_later_version": 1.0}, "severities": {}, "estimated": ["q"]}
    with unit(write=True) as u:
        u.session.add(
            Calibration(kind="people", number=1, at=clock.now, parameters=kept, people=1, rows=1, made_by="operator")
        )
    with unit() as u:
        assert u.calibration.current.hyper == Hyper(q=0.4)


# Use


def test_everything_is_fitted_with_the_newest_at_once(unit: UnitFactory, actor: Actor, clock: Clock) -> None:
    boss = sign_up(unit, "boss@example.org", "manager")
    with unit(write=True) as u:
        slug = u.team.create(boss, "Search", "ml-engineer").slug
        u.team.add(boss, u.team.team(slug), actor.user_id)
        u.team.share(u.team.own_membership(actor, slug), ["data-engineering"])
        u.profile.rate(actor.person_id, "ml-engineer", {"data-engineering": 3.0})
        for level, source in ((1.0, "user:901"), (1.5, "user:902")):
            u.session.add(
                Evidence(
                    person_id=actor.person_id, at=clock.now, layer=2, level=level, instrument="review", source=source
                )
            )

    def levels() -> tuple[float | None, float | None]:
        with unit() as u:
            own = u.profile.view(actor.person_id).layers[2].level
            seen = u.team.heatmap(u.team.team(slug)).rows[0].cells[2].level
        return own, seen

    before = levels()
    assert before[0] == before[1] is not None
    store(unit, Parameters(Hyper(), MappingProxyType({"user:901": (-1.0, 0.1), "user:902": (-1.0, 0.1)})))
    after = levels()
    assert after[0] == after[1] is not None
    assert after[0] > before[0] + 0.3  # two harsh raters say less against somebody
    clock.forward(days=1)
    store(unit, Parameters(Hyper()))
    assert levels()[0] == pytest.approx(before[0], abs=0.01)


def test_a_unit_reads_the_parameters_once_and_shows_one_version(unit: UnitFactory, actor: Actor) -> None:
    sent: list[str] = []
    with unit(write=True) as u:
        u.profile.rate(actor.person_id, "ml-engineer", {"data-engineering": 3.0})
    event.listen(unit.engine, "before_cursor_execute", lambda _c, _u, statement, *_: sent.append(statement))
    with unit() as u:
        for _ in range(2):
            assert u.profile.view(actor.person_id).parameters == DEFAULTS
        u.calibration.evidence_of([actor.person_id])
        assert sum(statement.startswith("SELECT calibration") for statement in sent) == 1
        store(unit, Parameters(FASTER))
        u.calibration.evidence_of([actor.person_id])
        assert u.profile.view(actor.person_id).parameters == DEFAULTS
    with unit() as u:
        assert u.profile.view(actor.person_id).parameters.number == 1


@pytest.mark.parametrize("measured", [True, False])
def test_evidence_and_parameters_come_in_one_query(
    unit: UnitFactory, clock: Clock, actor: Actor, measured: bool
) -> None:
    ids = people(unit, clock, 2) if measured else [actor.person_id]
    store(unit, Parameters(FASTER))
    sent: list[str] = []
    event.listen(unit.engine, "before_cursor_execute", lambda _c, _u, statement, *_: sent.append(statement))
    with unit() as u:
        found = u.calibration.evidence_of(ids)
        assert u.calibration.current.hyper == FASTER
    assert len(sent) == 1
    assert {person_id: len(rows) for person_id, rows in found.items()} == dict.fromkeys(ids, 60 if measured else 0)


def test_what_levels_depend_on_is_read_alike_with_the_rest_and_without(unit: UnitFactory, clock: Clock) -> None:
    ids = people(unit, clock, 3, raters=RATERS)
    store(unit, Parameters(FASTER))
    with unit() as u:
        rows = u.calibration.evidence_of(ids)
    with unit() as u:
        counted = u.calibration.counted_of([*ids, 9999])
        used = u.calibration.current
    assert used.number == 1
    assert counted[9999] == []
    for person_id in ids:
        full = fit_evidence(rows[person_id], clock.now, used)
        lean = fit_counted(counted[person_id], clock.now, used)
        assert lean.profile is full.profile  # one fit, by equal keys
        assert (lean.order, lean.times) == (full.order, full.times)


def test_evidence_is_that_of_the_persons_asked_for_and_counts(unit: UnitFactory, clock: Clock) -> None:
    one, two, three = people(unit, clock, 3)
    with unit(write=True) as u:
        of_two = (Evidence.person_id == two) & (Evidence.instrument == "self")
        u.session.execute(update(Evidence).where(of_two).values(superseded_at=clock.now))
    with unit() as u:
        found = u.calibration.evidence_of([one, two])
        assert u.calibration.evidence_of([]) == {}
    assert {key: len(rows) for key, rows in found.items()} == {one: 60, two: 30}
    assert three not in found
    assert [row.at for row in found[one]] == sorted(row.at for row in found[one])


def test_the_export_names_the_calibration_and_what_it_says_of_the_reviewer(unit: UnitFactory, actor: Actor) -> None:
    with unit(write=True) as u:
        u.profile.rate(actor.person_id, "ml-engineer", {"data-engineering": 3.0})
    with unit() as u:
        data = u.account.export(actor.user_id)
        view = u.profile.view(actor.person_id)
    assert data["levels"]["calibration"] == "defaults"
    assert data["severity_as_reviewer"] == []
    [layer] = data["levels"]["layers"]
    assert (layer["layer"], layer["level"]) == ("data-engineering", view.layers[2].level)
    store(unit, Parameters(FASTER, MappingProxyType({f"user:{actor.user_id}": (-0.3, 0.1), "user:999": (1.0, 0.1)})))
    with unit() as u:
        data = u.account.export(actor.user_id)
    assert data["levels"]["calibration"]["number"] == 1
    [severity] = data["severity_as_reviewer"]
    assert (severity["calibration"], severity["mean"], severity["sd"]) == (1, -0.3, 0.1)
    assert "user:999" not in str(data)


def test_people_and_raters_are_called_by_name(unit: UnitFactory, actor: Actor, clock: Clock) -> None:
    [stranger] = people(unit, clock, 1)
    with unit() as u:
        names = u.calibration.names([actor.person_id, stranger], [f"user:{actor.user_id}", "user:99999", "rater x"])
    assert names == {
        f"person:{actor.person_id}": actor.email,
        f"person:{stranger}": "Person 1",
        f"user:{actor.user_id}": actor.email,
    }
