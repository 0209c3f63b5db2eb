"""The demo's place: begun, told to the end, and gone without a trace; nobody else is ever in it."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import func, select

from assessor.models.account import Workspace
from assessor.models.base import Base
from assessor.services.demo import WORKSPACE
from assessor.services.errors import Conflict
from assessor.services.permissions import Actor
from assessor.services.unit import UnitFactory
from tests.hiring import LAYERS, SOURCE, add_candidate, hand_in, open_requisition, topics
from tests.services.conftest import sign_up

KEPT = ("audit_entry", "alembic_version")
"""What stays when everybody is gone: the log is append-only."""


def begin(unit: UnitFactory) -> Workspace:
    with unit(write=True) as u:
        return u.demo.begin("Brightwater")


def demo_actor(unit: UnitFactory, name: str, role: str) -> Actor:
    with unit(write=True) as u:
        user = u.account.create(f"{name}@demo.invalid", None, name=name, workspace=WORKSPACE, roles=(role,), demo=True)
        key = u.account.sign_in(user.id)
    with unit() as u:
        found = u.account.actor(key)
    assert found is not None
    return found


def counts(unit: UnitFactory) -> dict[str, int]:
    with unit() as u:
        return {
            table.name: u.session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
            if table.name not in KEPT
        }


def test_a_demo_is_begun_told_to_the_end_and_removed(unit: UnitFactory) -> None:
    def state() -> tuple[bool, bool]:
        with unit() as u:
            return u.demo.half(), u.demo.loaded()

    assert state() == (False, False)
    workspace = begin(unit)
    assert state() == (True, False)
    with unit(write=True) as u:
        u.demo.finish(workspace)
    assert state() == (False, True)
    with unit(write=True) as u:
        assert u.demo.remove()
    assert state() == (False, False)
    with unit(write=True) as u:
        assert not u.demo.remove()


def test_everything_of_it_goes_and_nothing_else(unit: UnitFactory) -> None:
    real = sign_up(unit, "ada@example.org")
    boss = sign_up(unit, "mia@example.org", "manager")
    requisition_id = open_requisition(unit, boss, real)
    hand_in(unit, real, requisition_id, add_candidate(unit, boss, requisition_id))
    before = counts(unit)

    begin(unit)
    sam, kai = demo_actor(unit, "sam", "member"), demo_actor(unit, "kai", "member")
    manager, judge = demo_actor(unit, "leila", "manager"), demo_actor(unit, "amara", "panellist")
    with unit(write=True) as u:
        u.profile.rate(sam.person_id, "ml-engineer", {"data-engineering": 3})
        u.team.share(
            u.team.add(manager, u.team.create(manager, "Crew", "ml-engineer"), sam.user_id), ["data-engineering"]
        )
        review = u.review.ask_peer(sam, kai.user_id, LAYERS[0])
        u.review.submit(review, {topics(unit.catalogue)[0]: 3.0}, {})
        u.quiz.finish(u.quiz.start(sam.person_id, "measured").id)
        u.looks.record(manager, [sam.person_id], "team:crew")
    demo_requisition = open_requisition(unit, manager, judge)
    hand_in(unit, judge, demo_requisition, add_candidate(unit, manager, demo_requisition, SOURCE + "-demo"))
    with unit(write=True) as u:
        candidate, token = u.candidacy.invite(manager, u.hiring.requisition(demo_requisition, lock=True))
        u.candidacy.accept(token, consent=True, name="Noor")
        u.quiz.start(candidate.person_id, "measured")
    during = counts(unit)
    assert {table for table, count in during.items() if count > before[table]} >= {
        *("user_account", "person", "workspace", "membership", "candidate", "requisition", "team", "team_member"),
        *("review", "review_version", "evidence", "repository", "analysis", "quiz_attempt", "quiz_answer", "look"),
    }

    with unit(write=True) as u:
        assert u.demo.remove()
    assert counts(unit) == before
    with unit() as u:
        assert u.audit.verify() is None


def test_the_demo_does_not_move_into_a_workspace_of_others(unit: UnitFactory) -> None:
    with unit(write=True) as u:
        u.account.create("ada@example.org", None, workspace=WORKSPACE)
    with pytest.raises(Conflict, match="not the demo's"):
        begin(unit)
    with pytest.raises(Conflict, match="of its own"), unit(write=True) as u:
        u.account.create("sam@demo.invalid", None, workspace=WORKSPACE, demo=True)
    with unit(write=True) as u:
        assert not u.demo.remove()
        assert u.workspace.find(WORKSPACE) is not None


def test_nobody_else_is_put_into_the_demo(unit: UnitFactory) -> None:
    begin(unit)
    sign_up(unit, "ada@example.org")
    with pytest.raises(Conflict, match="of its own"), unit(write=True) as u:
        u.account.set_role("ada@example.org", "manager", workspace=WORKSPACE)


def test_what_an_earlier_version_left_is_removed_too(unit: UnitFactory) -> None:
    """It had a demo user in a workspace of the same name, and told the log nothing."""
    with unit(write=True) as u:
        u.account.create("sam@demo.invalid", None, workspace=WORKSPACE, demo=True)
    with unit(write=True) as u:
        assert not u.demo.loaded()
        assert u.demo.remove()
        assert u.account.is_empty()
        assert u.workspace.find(WORKSPACE) is None


def test_the_same_chance_draws_the_same_names_and_quizzes(unit: UnitFactory, actor: Actor) -> None:
    drawn = []
    for seed in (1, 1, 2):
        chance = random.Random(seed)
        again = UnitFactory(unit.engine, unit.catalogue, unit.settings, unit.clock, chance)
        with again(write=True) as u:
            requisition = u.hiring.open(actor, "ML engineer", "ml-engineer")
            names = [u.hiring.new_candidate(actor, requisition, None, how="test").code_name for _ in range(5)]
            seeds = [u.quiz.start(actor.person_id, "practice", layer_key=LAYERS[0]).seed for _ in range(2)]
        drawn.append((names, seeds))
    assert drawn[0] == drawn[1] != drawn[2]
