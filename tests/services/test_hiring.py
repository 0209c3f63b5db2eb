"""Requisitions, panels, candidates, blindness and decisions, as the services keep them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import func, select

from assessor.config import Settings
from assessor.models.account import AuditEntry, UserAccount
from assessor.models.hiring import Candidate, Decision
from assessor.models.portfolio import Analysis
from assessor.models.profile import Evidence, Person
from assessor.models.review import Review, ReviewVersion
from assessor.services.candidacy import LINK_DAYS
from assessor.services.code_names import CODE_NAMES
from assessor.services.errors import Conflict, Gone, Invalid, NotFound
from assessor.services.hiring import default_layers
from assessor.services.permissions import Actor, require
from assessor.services.unit import Unit, UnitFactory
from tests.hiring import AUTHOR, LAYERS, ROLE, SOURCE, add_candidate, hand_in, load, open_requisition, topics
from tests.services.conftest import Clock, sign_up


@dataclass(frozen=True)
class Panel:
    """Be a requisition with a manager outside its panel, two panellists, and one candidate."""

    unit: UnitFactory
    manager: Actor
    ann: Actor
    ben: Actor
    id: int
    candidate: int

    def levels(self, viewer: Actor) -> list[float | None]:
        """Return the levels of the candidate that somebody is shown."""
        with self.unit() as u:
            page = u.panel.candidate_page(viewer, u.hiring.candidate(self.id, self.candidate))
        return [one.level for one in page.profile.layers]

    def write(self, act: Callable[[Unit, Candidate], Any]) -> Any:
        """Act on the candidate in one transaction."""
        with self.unit(write=True) as u:
            return act(u, u.hiring.candidate(self.id, self.candidate, lock=True, decisions=True))


@pytest.fixture
def panel(unit: UnitFactory) -> Panel:
    manager = sign_up(unit, "mia@example.org", "manager")
    ann, ben = (sign_up(unit, f"{name}@example.org", "panellist") for name in ("ann", "ben"))
    requisition_id = open_requisition(unit, manager, ann, ben)
    return Panel(unit, manager, ann, ben, requisition_id, add_candidate(unit, manager, requisition_id))


def count(unit: UnitFactory, table: type) -> int:
    with unit() as u:
        return u.session.scalar(select(func.count()).select_from(table)) or 0


# Requisitions


def test_a_panel_reviews_the_heaviest_layers_unless_told_otherwise(unit: UnitFactory, actor: Actor) -> None:
    with unit(write=True) as u:
        assert u.hiring.open(actor, " ML  engineer ", ROLE).layers == [
            "model-understanding",
            "data-engineering",
            "production-infrastructure",
        ]
        chosen = u.hiring.open(actor, "x", ROLE, ["systems-thinking", "mathematical-foundations"])
        assert chosen.layers == ["mathematical-foundations", "systems-thinking"]  # in the order of the framework
    role = unit.catalogue.roles[ROLE]
    flat = dataclasses.replace(role, weights=(1.0,) * 10, levels=(1.0,) * 7 + (2.0, 3.0, 4.0))
    assert default_layers(unit.catalogue, flat) == [one.key for one in unit.catalogue.framework.layers[7:]]


@pytest.mark.parametrize(
    ("title", "role", "layers", "field"),
    [(" ", ROLE, [], "title"), ("x" * 121, ROLE, [], "title"), ("x", "king", [], "role"), ("x", ROLE, ["x"], "layers")],
)
def test_what_cannot_be_a_requisition_is_refused(
    unit: UnitFactory, actor: Actor, title: str, role: str, layers: list[str], field: str
) -> None:
    with pytest.raises(Invalid) as caught, unit(write=True) as u:
        u.hiring.open(actor, title, role, layers)
    assert set(caught.value.fields) == {field}


def test_panellists_list_their_own_and_managers_all_of_the_workspace(panel: Panel) -> None:
    other = open_requisition(panel.unit, panel.manager, title="Another")
    elsewhere = sign_up(panel.unit, "zoe@example.org", "admin")
    with panel.unit(write=True) as u:
        u.account.set_role("zoe@example.org", "manager", workspace="away")
        away = next(one.workspace_id for one in u.workspace.of(elsewhere.user_id) if one.workspace.slug == "away")
    with panel.unit() as u:
        lines = u.panel.requisitions(panel.manager)
        assert [(one.requisition.id, one.candidates, one.panel, one.reviewed) for one in lines] == [
            (other, 0, 0, None),
            (panel.id, 1, 2, None),
        ]
        assert [(one.requisition.id, one.reviewed) for one in u.panel.requisitions(panel.ann)] == [(panel.id, 0)]
        assert u.panel.requisitions(dataclasses.replace(elsewhere, workspace_id=away)) == ()


def test_a_closed_requisition_changes_no_more_until_it_is_reopened(panel: Panel) -> None:
    panel.write(lambda u, one: u.hiring.close(panel.manager, one.requisition))
    refused: list[Callable[[Unit, Candidate], object]] = [
        lambda u, one: u.hiring.add(panel.manager, one.requisition, SOURCE + "2"),
        lambda u, one: u.hiring.add_repository(panel.manager, one, SOURCE + "2"),
        lambda u, one: u.hiring.rescan(one, one.repositories[0].id),
        lambda u, one: u.hiring.join_panel(panel.manager, one.requisition, panel.manager.user_id),
        lambda u, one: u.hiring.leave_panel(panel.manager, one.requisition, panel.ann.user_id),
        lambda u, one: u.candidacy.invite(panel.manager, one.requisition),
        lambda u, one: u.candidacy.renew(panel.manager, one),
        lambda u, one: u.panel.save_draft(panel.ann, one, {}, {}, None),
        lambda u, one: u.panel.hand_in(panel.ann, one, {}, {}, None),
        lambda u, one: u.panel.decide(panel.manager, one, "yes", "because"),
    ]
    for act in refused:
        with pytest.raises(Conflict, match="closed"):
            panel.write(act)
    panel.write(lambda u, one: u.hiring.reopen(panel.manager, one.requisition))
    hand_in(panel.unit, panel.ann, panel.id, panel.candidate)


# Candidates


def test_code_names_are_drawn_once_each_until_there_are_none(unit: UnitFactory, actor: Actor) -> None:
    requisition_id = open_requisition(unit, actor)
    with unit(write=True) as u:
        requisition = u.hiring.requisition(requisition_id)
        drawn = {u.hiring.new_candidate(actor, requisition, None, how="invitation").code_name for _ in CODE_NAMES}
        assert drawn == set(CODE_NAMES)
        with pytest.raises(Conflict, match="60 candidates"):
            u.hiring.new_candidate(actor, requisition, None, how="invitation")


def test_candidates_added_at_once_get_different_names(unit: UnitFactory, actor: Actor) -> None:
    requisition_id = open_requisition(unit, actor)

    def add(_number: int) -> str:
        with unit(write=True) as u:
            requisition = u.hiring.requisition(requisition_id, lock=True)
            return u.candidacy.invite(actor, requisition)[0].code_name

    with ThreadPoolExecutor(6) as pool:
        names = list(pool.map(add, range(30)))
    assert len(set(names)) == 30


def test_the_address_that_a_panel_names_counts_and_without_one_the_analysis_is_claimed(panel: Panel) -> None:
    bare = add_candidate(panel.unit, panel.manager, panel.id, SOURCE + "2", email=None)
    with panel.unit() as u:
        [identity] = u.identity.of(load(panel.unit, panel.id, panel.candidate).person_id)
        assert (identity.email, identity.confirmed_by) == (AUTHOR, "panel")
        counted = u.session.scalars(select(Analysis.confirmed).order_by(Analysis.created_at, Analysis.id)).all()
        assert sorted(counted) == [False, True]
        page = u.panel.candidate_page(panel.manager, u.hiring.candidate(panel.id, bare))
    assert not page.profile.measured


def test_one_address_can_be_a_candidates_in_two_requisitions_and_still_be_proved_by_its_owner(panel: Panel) -> None:
    second = open_requisition(panel.unit, panel.manager)
    add_candidate(panel.unit, panel.manager, second)
    owner = sign_up(panel.unit, "owner@example.org", "member")
    with panel.unit(write=True) as u:
        u.identity.confirm(owner.person_id, AUTHOR, "commit")
    add_candidate(panel.unit, panel.manager, open_requisition(panel.unit, panel.manager))
    other = sign_up(panel.unit, "other@example.org", "member")
    with pytest.raises(Conflict), panel.unit(write=True) as u:
        u.identity.confirm(other.person_id, AUTHOR, "mail")


def test_repositories_of_others_are_not_a_candidates(panel: Panel) -> None:
    other = add_candidate(panel.unit, panel.manager, panel.id, SOURCE + "2")
    theirs = load(panel.unit, panel.id, other).repositories[0].id
    with pytest.raises(NotFound):
        panel.write(lambda u, one: u.hiring.rescan(one, theirs))
    second = open_requisition(panel.unit, panel.manager)
    with pytest.raises(NotFound), panel.unit() as u:
        u.hiring.candidate(second, panel.candidate)


# Blind


def test_a_panellist_sees_nothing_of_the_others_before_their_own_review_is_in(panel: Panel) -> None:
    before = {one.user_id: panel.levels(one) for one in (panel.ann, panel.ben, panel.manager)}
    hand_in(panel.unit, panel.ben, panel.id, panel.candidate, 5.0, "marker")
    assert panel.levels(panel.ann) == before[panel.ann.user_id]
    assert panel.levels(panel.manager) == before[panel.manager.user_id]
    assert panel.levels(panel.ben) != before[panel.ben.user_id]
    with panel.unit() as u:
        candidate = u.hiring.candidate(panel.id, panel.candidate, decisions=True)
        ann, manager = (u.panel.candidate_page(one, candidate, decisions=True) for one in (panel.ann, panel.manager))
    assert (ann.sight.handed_in, ann.sight.asked, ann.reviews, ann.sight.open) == (None, None, (), False)
    assert (manager.sight.handed_in, manager.sight.asked, manager.reviews) == (1, 2, ())
    hand_in(panel.unit, panel.ann, panel.id, panel.candidate, 1.0)
    assert panel.levels(panel.ann) == panel.levels(panel.ben) == panel.levels(panel.manager)
    with panel.unit() as u:
        page = u.panel.candidate_page(panel.ann, u.hiring.candidate(panel.id, panel.candidate))
    assert [(one.name, one.means[LAYERS[0]]) for one in page.reviews] == [
        ("ben@example.org", 5),
        ("ann@example.org", 1),
    ]


def test_repositories_that_a_reviewer_looked_at_weigh_as_before_for_who_may_not_know(panel: Panel) -> None:
    """A review marks the repositories of its layers as looked at by a human, which moves the level even without it."""
    hand_in(panel.unit, panel.ben, panel.id, panel.candidate, 2.5)
    with panel.unit() as u:
        rows = u.session.scalars(select(Evidence).where(Evidence.instrument == "repo")).all()
        assert any(row.reviewed for row in rows)
        page = u.panel.candidate_page(panel.ann, u.hiring.candidate(panel.id, panel.candidate))
    assert all(move.instrument == "repo" for one in page.profile.layers for move in one.moves)
    with panel.unit(write=True) as u:
        u.session.query(Evidence).filter(Evidence.instrument == "repo").update({"reviewed": False})
        u.session.query(Evidence).filter(Evidence.instrument == "review").delete()
    assert [one.level for one in page.profile.layers] == panel.levels(panel.ann)


def test_a_manager_on_the_panel_is_as_blind_as_any_member(panel: Panel) -> None:
    panel.write(lambda u, one: u.hiring.join_panel(panel.manager, one.requisition, panel.manager.user_id))
    hand_in(panel.unit, panel.ann, panel.id, panel.candidate)
    hand_in(panel.unit, panel.ben, panel.id, panel.candidate)
    with panel.unit() as u:
        page = u.panel.candidate_page(panel.manager, u.hiring.candidate(panel.id, panel.candidate))
    assert (page.sight.open, page.sight.handed_in, page.sight.asked, page.reviews) == (False, None, None, ())
    with pytest.raises(Conflict, match="own review"):
        panel.write(lambda u, one: u.panel.decide(panel.manager, one, "yes", "because"))


def test_what_is_not_shown_of_one_candidate_moves_nothing_of_another(panel: Panel) -> None:
    second = add_candidate(panel.unit, panel.manager, panel.id, SOURCE + "2")
    for who in (panel.ann, panel.ben):
        hand_in(panel.unit, who, panel.id, panel.candidate, 3.0 if who is panel.ann else 4.0)

    def seen() -> object:
        with panel.unit() as u:
            page, _ = u.panel.compare_page(panel.ann, u.hiring.requisition(panel.id))
        return [(one.standings, one.decision) for one in page.columns], page.severities, page.agreement, page.splits

    before = seen()
    hand_in(panel.unit, panel.ben, panel.id, second, 0.5)
    assert seen() == before
    hand_in(panel.unit, panel.ann, panel.id, second, 4.5)
    assert seen() != before


def test_who_has_seen_reviews_never_joins_the_panel(panel: Panel) -> None:
    for who in (panel.ann, panel.ben):
        hand_in(panel.unit, who, panel.id, panel.candidate)
    person_id = load(panel.unit, panel.id, panel.candidate).person_id
    with panel.unit(write=True) as u:  # a look without reviews bars nobody
        requisition = u.hiring.requisition(panel.id)
        u.panel.looked(panel.manager, requisition, u.panel.unrecorded(panel.manager, requisition, {person_id: False}))
        u.hiring.join_panel(panel.manager, requisition, panel.manager.user_id)
        u.hiring.leave_panel(panel.manager, requisition, panel.manager.user_id)
    with panel.unit(write=True) as u:
        requisition = u.hiring.requisition(panel.id)
        u.panel.looked(panel.manager, requisition, u.panel.unrecorded(panel.manager, requisition, {person_id: True}))
    with pytest.raises(Conflict, match="blind"):
        panel.write(lambda u, one: u.hiring.join_panel(panel.manager, one.requisition, panel.manager.user_id))


def test_who_reviewed_everything_they_saw_may_come_back(panel: Panel) -> None:
    hand_in(panel.unit, panel.ann, panel.id, panel.candidate)
    person_id = load(panel.unit, panel.id, panel.candidate).person_id
    with panel.unit(write=True) as u:
        requisition = u.hiring.requisition(panel.id)
        u.panel.looked(panel.ann, requisition, u.panel.unrecorded(panel.ann, requisition, {person_id: True}))
        u.hiring.leave_panel(panel.manager, requisition, panel.ann.user_id)
        u.hiring.join_panel(panel.manager, requisition, panel.ann.user_id)
    with panel.unit() as u:
        assert panel.ann.user_id in u.hiring.requisition(panel.id).panel_ids


def test_looking_and_joining_at_once_never_both_succeed(panel: Panel) -> None:
    for who in (panel.ann, panel.ben):
        hand_in(panel.unit, who, panel.id, panel.candidate)
    person_id = load(panel.unit, panel.id, panel.candidate).person_id

    def look(stale: object) -> str:
        with panel.unit() as u:
            requisition = u.hiring.requisition(panel.id)
            places = u.panel.unrecorded(panel.manager, requisition, {person_id: True})
        try:
            with panel.unit(write=True) as u:
                u.panel.looked(panel.manager, requisition, places)
        except Conflict:
            return "refused"
        return "nothing" if not places or panel.manager.user_id in requisition.panel_ids else "seen"

    def join(_stale: object) -> str:
        try:
            panel.write(lambda u, one: u.hiring.join_panel(panel.manager, one.requisition, panel.manager.user_id))
        except Conflict:
            return "refused"
        return "joined"

    with ThreadPoolExecutor(2) as pool:
        looked, joined = pool.submit(look, None), pool.submit(join, None)
    assert (looked.result(), joined.result()) in (("seen", "refused"), ("refused", "joined"), ("nothing", "joined"))


# Panellists come and go


def test_who_leaves_in_mid_review_is_counted_no_more_and_begins_anew(panel: Panel) -> None:
    keys = topics(panel.unit.catalogue)
    panel.write(lambda u, one: u.panel.save_draft(panel.ann, one, {keys[0]: 4.0}, {}, None))
    hand_in(panel.unit, panel.ben, panel.id, panel.candidate)
    panel.write(lambda u, one: u.hiring.leave_panel(panel.manager, one.requisition, panel.ann.user_id))
    with panel.unit() as u:
        page = u.panel.candidate_page(panel.manager, u.hiring.candidate(panel.id, panel.candidate))
        assert (page.sight.handed_in, page.sight.asked, page.sight.open) == (1, 1, True)
        own = u.session.scalars(select(Review).where(Review.reviewer_id == panel.ann.user_id)).one()
        assert (own.state, own.draft) == ("withdrawn", None)
    panel.write(lambda u, one: u.hiring.join_panel(panel.manager, one.requisition, panel.ann.user_id))
    hand_in(panel.unit, panel.ann, panel.id, panel.candidate)
    assert count(panel.unit, ReviewVersion) == 2


def test_who_leaves_the_workspace_leaves_its_panels_and_what_they_handed_in_stays(panel: Panel) -> None:
    hand_in(panel.unit, panel.ann, panel.id, panel.candidate, 4.0)
    keys = topics(panel.unit.catalogue)
    panel.write(lambda u, one: u.panel.save_draft(panel.ben, one, {keys[0]: 1.0}, {}, None))
    with panel.unit(write=True) as u:
        for who in (panel.ann, panel.ben):
            assert who.workspace_id is not None
            u.workspace.leave(who, who.workspace_id)
    with panel.unit() as u:
        page = u.panel.candidate_page(panel.manager, u.hiring.candidate(panel.id, panel.candidate))
    assert (page.sight.handed_in, page.sight.asked) == (0, 0)
    assert [(one.name, one.present) for one in page.reviews] == [("ann@example.org", False)]
    with panel.unit(write=True) as u:
        u.account.delete(panel.ann.user_id)
    with panel.unit() as u:
        page = u.panel.candidate_page(panel.manager, u.hiring.candidate(panel.id, panel.candidate))
    assert [(one.name, one.means[LAYERS[0]]) for one in page.reviews] == [("somebody who left", 4.0)]


def test_who_leaves_the_workspace_while_they_hand_in_leaves_after_it(panel: Panel) -> None:
    place = panel.ann.workspace_id
    assert place is not None

    def leave() -> None:
        with panel.unit(write=True) as u:
            u.workspace.leave(panel.ann, place)

    panel.write(lambda u, one: u.panel.save_draft(panel.ann, one, {}, {}, None))
    with panel.unit(write=True) as u:
        require("hiring.review", panel.ann, u.hiring.requisition(panel.id, lock=True))
        leaving = Thread(target=leave)
        leaving.start()
        leaving.join(1.0)
        one = u.hiring.candidate(panel.id, panel.candidate)
        u.panel.hand_in(panel.ann, one, dict.fromkeys(topics(u.catalogue), 3.0), {}, None)
    leaving.join()
    with panel.unit() as u:
        log = [one.action for one in u.session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert log.index("review.submitted") < log.index("account.left")


def test_nobody_is_put_on_a_panel_while_they_leave_the_workspace(panel: Panel) -> None:
    zoe = sign_up(panel.unit, "zoe@example.org", "panellist")
    place, refused = zoe.workspace_id, []
    assert place is not None

    def appoint() -> None:
        try:
            with panel.unit(write=True) as u:
                u.hiring.join_panel(panel.manager, u.hiring.requisition(panel.id, lock=True), zoe.user_id)
        except Invalid as error:
            refused.append(error)

    with panel.unit(write=True) as u:
        u.workspace.leave(zoe, place)
        appointing = Thread(target=appoint)
        appointing.start()
        appointing.join(1.0)
    appointing.join()
    assert len(refused) == 1
    with panel.unit() as u:
        assert zoe.user_id not in u.hiring.requisition(panel.id).panel_ids


def test_a_panel_reviews_on_when_the_framework_has_lost_one_of_its_layers(panel: Panel, settings: Settings) -> None:
    unit = panel.unit
    framework = unit.catalogue.framework
    kept = tuple(dataclasses.replace(one, key="new") if one.key == LAYERS[0] else one for one in framework.layers)
    changed = dataclasses.replace(unit.catalogue, framework=dataclasses.replace(framework, layers=kept))
    left = [topic.key for layer in kept if layer.key in LAYERS for topic in layer.topics]
    with UnitFactory(unit.engine, changed, settings, unit.clock)(write=True) as u:
        one = u.hiring.candidate(panel.id, panel.candidate, lock=True)
        assert u.panel.hand_in(panel.ann, one, dict.fromkeys(left, 3.0), {}, None).number == 1


def test_a_panel_is_of_those_who_may_be_on_one(panel: Panel) -> None:
    member = sign_up(panel.unit, "member@example.org", "member")
    for user_id in (member.user_id, 10_000):
        with pytest.raises(Invalid):
            panel.write(lambda u, one, user_id=user_id: u.hiring.join_panel(panel.manager, one.requisition, user_id))


def test_a_double_click_hands_in_once(panel: Panel) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: hand_in(panel.unit, panel.ann, panel.id, panel.candidate, 3.5), range(4)))
    assert (count(panel.unit, Review), count(panel.unit, ReviewVersion)) == (1, 1)


# Decisions


def test_a_decision_names_person_reason_and_what_it_was_made_on(panel: Panel) -> None:
    for who, rating in ((panel.ann, 4.0), (panel.ben, 2.5)):
        with pytest.raises(Conflict, match="of 2 reviews"):
            panel.write(lambda u, one: u.panel.decide(panel.manager, one, "yes", "because"))
        hand_in(panel.unit, who, panel.id, panel.candidate, rating)
    first = panel.write(lambda u, one: u.panel.decide(panel.manager, one, "no", " Not\r\nnow. ")).id
    assert panel.write(lambda u, one: u.panel.decide(panel.manager, one, "no", "Not\nnow.")).id == first
    panel.write(lambda u, one: u.panel.decide(panel.manager, one, "yes", "On second thoughts."))
    with panel.unit() as u:
        candidate = u.hiring.candidate(panel.id, panel.candidate, decisions=True)
        page = u.panel.candidate_page(panel.manager, candidate, decisions=True)
        log = [one.action for one in u.audit.about(f"candidate:{panel.candidate}")]
    assert [(one.verdict, one.reason, one.decided_by_name) for one in page.decisions] == [
        ("yes", "On second thoughts.", "mia@example.org"),
        ("no", "Not\nnow.", "mia@example.org"),
    ]
    basis = page.decisions[0].basis
    assert basis["framework"] == panel.unit.catalogue.framework.label
    assert basis["commits"] == {"zanzibar": "a" * 40}
    assert basis["reviews"] == [2, 2]
    assert basis["levels"][LAYERS[0]][0] == pytest.approx(page.profile.layers[3].level, abs=1e-3)
    assert log.count("hiring.decided") == 2
    [given, other] = page.parts[3].given
    assert (given.level, other.level, given.dissents, other.dissents) == (4.0, 2.5, True, True)


@pytest.mark.parametrize(("verdict", "reason"), [("maybe", "x"), ("yes", " \n "), ("yes", "x" * 5001)])
def test_what_is_no_decision_is_refused(panel: Panel, verdict: str, reason: str) -> None:
    with pytest.raises(Invalid):
        panel.write(lambda u, one: u.panel.decide(panel.manager, one, verdict, reason))
    assert count(panel.unit, Decision) == 0


# Candidates come by a link and go


def invite(panel: Panel) -> tuple[int, str]:
    with panel.unit(write=True) as u:
        candidate, token = u.candidacy.invite(panel.manager, u.hiring.requisition(panel.id, lock=True), "by phone")
        return candidate.id, token


def accept(panel: Panel, token: str, name: str = "Grace Hopper") -> Actor:
    with panel.unit(write=True) as u:
        key = u.account.sign_in(u.candidacy.accept(token, consent=True, name=name))
    with panel.unit() as u:
        found = u.account.actor(key)
    assert found is not None
    return found


def test_a_link_lets_a_candidate_in_after_consent_and_again_while_it_is_valid(panel: Panel, clock: Clock) -> None:
    candidate_id, token = invite(panel)
    with pytest.raises(Invalid, match="consent"), panel.unit(write=True) as u:
        u.candidacy.accept(token, consent=False)
    assert count(panel.unit, UserAccount) == 3
    who = accept(panel, token)
    assert (who.candidate_id, who.workspace_id, who.role, who.name) == (candidate_id, None, None, "Grace Hopper")
    assert who.email.endswith("@candidate.invalid")
    with panel.unit(write=True) as u:
        assert u.candidacy.accept(token, consent=False) == who.user_id
    clock.forward(days=LINK_DAYS)
    with pytest.raises(Gone), panel.unit() as u:
        u.candidacy.invitation(token)


def test_the_link_opened_twice_at_once_makes_one_account(panel: Panel) -> None:
    _, token = invite(panel)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: accept(panel, token).user_id, range(4)))
    assert len(set(found)) == 1


def test_a_link_ends_when_it_is_revoked_renewed_or_the_requisition_closes(panel: Panel) -> None:
    candidate_id, token = invite(panel)
    who = accept(panel, token)

    def candidate(u: Unit) -> Candidate:
        return u.hiring.candidate(panel.id, candidate_id, lock=True)

    with panel.unit(write=True) as u:
        u.candidacy.revoke(panel.manager, candidate(u))
        assert u.account.sessions(who.user_id) == []
    with pytest.raises(Gone), panel.unit() as u:
        u.candidacy.invitation(token)
    with panel.unit(write=True) as u:
        newer = u.candidacy.renew(panel.manager, candidate(u))
    with pytest.raises(NotFound), panel.unit() as u:
        u.candidacy.invitation(token)
    assert accept(panel, newer).user_id == who.user_id
    with panel.unit(write=True) as u:
        u.hiring.close(panel.manager, u.hiring.requisition(panel.id, lock=True))
    with pytest.raises(Gone, match="closed"), panel.unit() as u:
        u.candidacy.invitation(newer)


def test_a_candidate_sees_what_is_stored_and_nothing_of_the_panel_until_it_is_closed(panel: Panel) -> None:
    candidate_id, token = invite(panel)
    who = accept(panel, token)
    with panel.unit(write=True) as u:
        u.profile.rate(who.person_id, ROLE, dict.fromkeys(LAYERS, 3.0))

    def seen() -> tuple[object, str]:
        with panel.unit() as u:
            view = u.profile.view(who.person_id)
            data = u.account.export(who.user_id)
        return [(one.level, one.moves, one.lines) for one in view.layers], json.dumps(data)

    before = seen()
    for one in (panel.ann, panel.ben):
        hand_in(panel.unit, one, panel.id, candidate_id, 4.5, "marker")
    with panel.unit(write=True) as u:
        found = u.hiring.candidate(panel.id, candidate_id, lock=True, decisions=True)
        u.panel.decide(panel.manager, found, "definitely not", "marker")
    assert seen() == before
    with panel.unit() as u:
        application = u.candidacy.application(who)
    assert (application.step, application.ratings, application.deleted_at) == (1, 2, None)
    with panel.unit(write=True) as u:
        u.hiring.close(panel.manager, u.hiring.requisition(panel.id, lock=True))
    levels, export = seen()
    assert levels != before[0]
    assert "marker" not in export  # the words are the panel's; what they came to is the candidate's to see
    assert '"instrument": "review"' in export
    with panel.unit(write=True) as u:
        u.hiring.reopen(panel.manager, u.hiring.requisition(panel.id, lock=True))
    assert seen()[0] == before[0]


def test_withdrawing_leaves_a_log_that_verifies_and_nothing_else(panel: Panel) -> None:
    candidate_id, token = invite(panel)
    who = accept(panel, token)
    with panel.unit(write=True) as u:
        u.profile.rate(who.person_id, ROLE, dict.fromkeys(LAYERS, 3.0))
        u.portfolio.add(who.person_id, SOURCE + "3")
        u.looks.record(panel.ann, [who.person_id], f"hiring:{panel.id}")
    hand_in(panel.unit, panel.ann, panel.id, candidate_id)
    with panel.unit(write=True) as u:
        u.candidacy.withdraw(who)
    with panel.unit() as u:
        assert u.session.get(Person, who.person_id) is None
        assert u.session.get(UserAccount, who.user_id) is None
        assert u.session.get(Candidate, candidate_id) is None
        left = u.session.scalars(select(AuditEntry).where(AuditEntry.subject == f"candidate:{candidate_id}")).all()
        assert [one.action for one in left][-1] == "hiring.withdrawn"
        assert u.audit.verify() is None
        for table in (Evidence, Review):
            assert u.session.scalars(select(table).where(table.person_id == who.person_id)).all() == []
        told = u.session.scalars(select(AuditEntry).where(AuditEntry.details.is_not(None))).all()
    assert "Grace" not in json.dumps([one.details for one in told])
    with pytest.raises(NotFound), panel.unit() as u:
        u.candidacy.invitation(token)
    with pytest.raises(NotFound), panel.unit(write=True) as u:
        u.candidacy.withdraw(who)


def test_candidates_are_kept_for_a_time_after_closing_and_then_deleted(panel: Panel, clock: Clock) -> None:
    _, token = invite(panel)
    who = accept(panel, token)
    hand_in(panel.unit, panel.ann, panel.id, panel.candidate)
    clock.forward(days=400)
    with panel.unit(write=True) as u:
        assert u.hiring.forget_expired() == 0  # open ones stay, however old
        u.hiring.close(panel.manager, u.hiring.requisition(panel.id, lock=True))
    clock.forward(days=panel.unit.settings.candidate_days, seconds=-1)
    with panel.unit(write=True) as u:
        assert u.candidacy.application(who).deleted_at is not None
        assert u.hiring.forget_expired() == 0
    clock.forward(seconds=1)
    with panel.unit(write=True) as u:
        assert u.hiring.forget_expired() == 2
        assert u.hiring.forget_expired() == 0
    assert {table: count(panel.unit, table) for table in (Candidate, Review, ReviewVersion, Analysis, Evidence)} == {
        Candidate: 0,
        Review: 0,
        ReviewVersion: 0,
        Analysis: 0,
        Evidence: 0,
    }
    assert (count(panel.unit, Person), count(panel.unit, UserAccount)) == (3, 3)
    with panel.unit() as u:
        assert u.audit.verify() is None
        told = u.session.scalars(select(AuditEntry).where(AuditEntry.details.is_not(None))).all()
    assert AUTHOR not in json.dumps([one.details for one in told])


def test_candidates_do_not_outlive_the_workspace_they_applied_to(panel: Panel) -> None:
    accept(panel, invite(panel)[1])
    with panel.unit(write=True) as u:
        for one in (panel.manager, panel.ann, panel.ben):
            u.account.delete(one.user_id)
    assert (count(panel.unit, Candidate), count(panel.unit, Person)) == (0, 2)
    with panel.unit(write=True) as u:
        assert u.hiring.forget_expired() == 2
    assert (count(panel.unit, Person), count(panel.unit, UserAccount)) == (0, 0)
