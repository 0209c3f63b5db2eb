from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select

from assessor.models.review import Review
from assessor.models.team import TeamMember
from assessor.services.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from assessor.services.permissions import Actor
from assessor.services.team_page import Heatmap
from assessor.services.unit import UnitFactory
from tests.services.conftest import Clock, sign_up

ROLE = "ml-engineer"
LAYERS = ("mathematical-foundations", "data-engineering")


@pytest.fixture
def boss(unit: UnitFactory) -> Actor:
    return sign_up(unit, "boss@example.org", "manager")


def make_team(unit: UnitFactory, boss: Actor, *people: Actor, name: str = "Search") -> str:
    with unit(write=True) as u:
        slug = u.team.create(boss, name, ROLE).slug
        for one in people:
            u.team.add(boss, u.team.team(slug), one.user_id)
    return slug


def share(unit: UnitFactory, slug: str, person: Actor, *layers: str) -> None:
    with unit(write=True) as u:
        u.team.share(u.team.own_membership(person, slug), layers)


def heat(unit: UnitFactory, slug: str) -> Heatmap:
    with unit() as u:
        return u.team.heatmap(u.team.team(slug))


def people(unit: UnitFactory, count: int) -> list[Actor]:
    found = [sign_up(unit, f"p{number}@example.org", "member") for number in range(count)]
    for number, one in enumerate(found):
        with unit(write=True) as u:
            u.profile.rate(one.person_id, ROLE, {LAYERS[0]: min(0.5 + number, 5.0)})
    return found


def guest(unit: UnitFactory, name: str) -> Actor:
    """Sign somebody up in another workspace."""
    with unit(write=True) as u:
        key = u.account.sign_in(u.account.create(f"{name}@example.org", "hash", workspace="elsewhere").id)
    with unit() as u:
        found = u.account.actor(key)
    assert found is not None
    return found


def test_private_and_not_measured_are_told_apart(unit: UnitFactory, boss: Actor) -> None:
    ada, bob = people(unit, 2)
    slug = make_team(unit, boss, ada, bob)
    share(unit, slug, ada, *LAYERS)
    page = heat(unit, slug)
    shown = {row.member.person_id: [cell.state for cell in row.cells] for row in page.rows}
    assert shown[ada.person_id][:3] == ["measured", "private", "unmeasured"]
    assert set(shown[bob.person_id]) == {"private"}
    assert page.rows[-1].private
    assert page.shown == [ada.person_id]
    assert [(one.measured, one.at_target) for one in page.columns[:3]] == [(1, 0), (0, 0), (0, 0)]


def test_a_layer_that_is_not_shared_says_nothing_of_whether_it_is_measured(unit: UnitFactory, boss: Actor) -> None:
    ada, bob = people(unit, 2)
    slug = make_team(unit, boss, ada, bob)
    for one in (ada, bob):
        share(unit, slug, one, LAYERS[1])
    with unit(write=True) as u:
        u.profile.rate(bob.person_id, ROLE, {})  # bob takes his rating back
    cells = [row.cells[0] for row in heat(unit, slug).rows]
    assert cells[0] == cells[1]


def test_the_level_is_the_one_that_the_engineer_sees_who_shares_all_that_is_measured(
    unit: UnitFactory, boss: Actor
) -> None:
    [ada] = people(unit, 1)
    slug = make_team(unit, boss, ada)
    share(unit, slug, ada, LAYERS[0])
    with unit() as u:
        own = u.profile.view(ada.person_id).layers[0]
    cell = heat(unit, slug).rows[0].cells[0]
    assert cell.standing is not None
    assert (cell.level, cell.standing.low, cell.standing.high) == (own.level, own.low, own.high)


def test_counts_means_and_how_surely_a_layer_is_covered(unit: UnitFactory, boss: Actor) -> None:
    members = people(unit, 6)
    slug = make_team(unit, boss, *members[:4])
    for one in members[:4]:
        share(unit, slug, one, *LAYERS)
    column = heat(unit, slug).columns[0]
    assert column.mean is None  # four people are too few
    with unit(write=True) as u:
        for one in members[4:]:
            u.team.add(boss, u.team.team(slug), one.user_id)
    for one in members[4:]:
        share(unit, slug, one, *LAYERS)
    page = heat(unit, slug)
    column = page.columns[0]
    levels = [row.cells[0].level or 0.0 for row in page.rows]
    assert column.mean == pytest.approx(sum(levels) / 6)
    assert column.at_target == sum(round(level, 1) >= 2.5 for level in levels) > 0
    assert column.expected is not None
    assert column.one is not None
    assert column.two is not None
    assert 0 < column.two < column.one < 1
    assert column.one < column.expected < 6
    with unit() as u:
        page_of_layer = u.team.layer(u.team.team(slug), LAYERS[0])
        with pytest.raises(NotFound):
            u.team.layer(u.team.team(slug), "alchemy")
    ordered = [cell.level or 0.0 for _, cell in page_of_layer.lines]
    assert ordered == sorted(ordered, reverse=True)


def test_another_target_changes_the_gaps_and_no_level(unit: UnitFactory, boss: Actor) -> None:
    [ada] = people(unit, 1)
    slug = make_team(unit, boss, ada)
    share(unit, slug, ada, *LAYERS)
    before = heat(unit, slug).rows[0].cells[0]
    with unit(write=True) as u:
        u.team.aim(boss, u.team.team(slug), "senior-ml-engineer")
        with pytest.raises(Invalid):
            u.team.aim(boss, u.team.team(slug), "wizard")
    after = heat(unit, slug).rows[0].cells[0]
    assert after.level == before.level
    assert (after.target or 0) > (before.target or 0)


def test_who_can_be_added(unit: UnitFactory, boss: Actor, actor: Actor) -> None:
    slug = make_team(unit, boss, actor)
    with unit(write=True) as u:
        stranger = u.account.create("far@example.org", "hash", workspace="elsewhere")
        team = u.team.team(slug)
        with pytest.raises(NotFound, match="Nobody of this workspace"):
            u.team.add(boss, team, stranger.id)
        with pytest.raises(Conflict, match="already"):
            u.team.add(boss, team, actor.user_id)
        assert actor.user_id not in [one.id for one in u.team.colleagues(team)]
        assert boss.user_id in [one.id for one in u.team.colleagues(team)]


def test_names_that_are_alike_get_addresses_of_their_own(unit: UnitFactory, boss: Actor) -> None:
    slugs = [make_team(unit, boss, name=name) for name in ("Größe & Co", "Grosse Co", "Größe   & Co", "日本")]
    assert slugs == ["groe-co", "grosse-co", "groe-co-2", "team"]
    with unit(write=True) as u, pytest.raises(Invalid):
        u.team.create(boss, "   ", ROLE)


def test_sharing_takes_layers_that_exist_in_their_order_and_nothing_is_a_decision(
    unit: UnitFactory, boss: Actor, actor: Actor
) -> None:
    slug = make_team(unit, boss, actor)
    share(unit, slug, actor, LAYERS[1], LAYERS[0])
    with unit(write=True) as u:
        own = u.team.own_membership(actor, slug)
        assert own.shares == list(LAYERS)
        with pytest.raises(Invalid):
            u.team.share(own, ["alchemy"])
        u.team.share(own, [])
        assert own.shares == []
        assert own.decided_at is not None
    with unit() as u, pytest.raises(NotFound):
        u.team.own_membership(boss, slug)


def test_managers_list_all_teams_and_members_their_own(unit: UnitFactory, boss: Actor) -> None:
    [ada] = people(unit, 1)
    inside, outside = make_team(unit, boss, ada), make_team(unit, boss, name="Other")
    with unit() as u:
        assert {line.team.slug for line in u.team.list(boss)} == {inside, outside}
        [line] = u.team.list(ada)
    assert line.team.slug == inside
    assert line.member is not None


def test_who_leaves_a_workspace_is_in_no_team_and_what_they_began_ends(
    unit: UnitFactory, boss: Actor, actor: Actor
) -> None:
    [ada] = people(unit, 1)
    slug = make_team(unit, boss, ada)
    with unit(write=True) as u:
        review = Review(
            kind="peer",
            person_id=boss.person_id,
            reviewer_id=ada.user_id,
            rater=f"user:{ada.user_id}",
            layers=[LAYERS[0]],
            framework_version="1",
            draft={"ratings": {"probability": 4.0}, "notes": {}},
            created_at=unit.clock(),
        )
        u.session.add(review)
    assert ada.workspace_id is not None
    with unit(write=True) as u:
        u.workspace.leave(ada, ada.workspace_id)
    with unit() as u:
        assert u.session.scalars(select(TeamMember)).all() == []
        found = u.session.scalars(select(Review)).one()
        assert (found.state, found.draft) == ("withdrawn", None)
        assert u.team.team(slug).members == []
        assert u.audit.verify() is None
    with unit(write=True) as u, pytest.raises(NotFound):
        u.workspace.leave(ada, ada.workspace_id)


def test_the_last_admin_stays_while_others_are_there(unit: UnitFactory, boss: Actor, actor: Actor) -> None:
    assert actor.workspace_id is not None
    with unit(write=True) as u, pytest.raises(Conflict, match="last admin"):
        u.workspace.leave(actor, actor.workspace_id)


def test_an_invitation_takes_an_existing_account_into_a_workspace_once(
    unit: UnitFactory, actor: Actor, clock: Clock
) -> None:
    with unit(write=True) as u:
        other = u.account.create("eve@example.org", "hash", workspace="elsewhere")
        key = u.account.sign_in(other.id)
        token, addressed = u.workspace.invite(actor, "member"), u.workspace.invite(actor, "member", "zoe@example.org")
    with unit() as u:
        eve = u.account.actor(key)
        assert eve is not None
        assert u.workspace.invited_to(token)[1].name == "main"
    with unit(write=True) as u:
        with pytest.raises(Forbidden):
            u.workspace.accept(eve, addressed)
        u.workspace.accept(eve, token)
    with unit() as u:
        now = u.account.actor(key)
        assert now is not None
        assert (now.workspace_id, now.role) == (actor.workspace_id, "member")
    with unit(write=True) as u:
        with pytest.raises(Gone):
            u.workspace.accept(eve, token)
        again = u.workspace.invite(actor, "admin")
        with pytest.raises(Conflict, match="already"):
            u.workspace.accept(eve, again)


def meanwhile(act: Callable[[], object]) -> threading.Thread:
    """Begin something in a thread and give it time to come as far as it can."""
    thread = threading.Thread(target=act)
    thread.start()
    thread.join(1.0)
    return thread


def test_two_accounts_that_use_an_invitation_at_once_do_not_both_join(unit: UnitFactory, actor: Actor) -> None:
    eve, zoe = (guest(unit, name) for name in ("eve", "zoe"))
    with unit(write=True) as u:
        token = u.workspace.invite(actor, "member")
    refused = []

    def second() -> None:
        try:
            with unit(write=True) as u:
                u.workspace.accept(zoe, token)
        except Gone as error:
            refused.append(error)

    with unit(write=True) as u:
        u.workspace.accept(eve, token)
        thread = meanwhile(second)
    thread.join()
    assert len(refused) == 1
    with unit() as u:
        assert [one.workspace.slug for one in u.workspace.of(zoe.user_id)] == ["elsewhere"]


def test_the_last_two_admins_cannot_both_leave_at_once(unit: UnitFactory, boss: Actor, actor: Actor) -> None:
    eve = sign_up(unit, "eve@example.org", "admin")
    place = actor.workspace_id
    assert place is not None
    refused = []

    def second() -> None:
        try:
            with unit(write=True) as u:
                u.workspace.leave(eve, place)
        except Conflict as error:
            refused.append(error)

    with unit(write=True) as u:
        u.workspace.leave(actor, place)
        thread = meanwhile(second)
    thread.join()
    assert len(refused) == 1


def test_nobody_is_put_into_a_team_while_they_leave_the_workspace(unit: UnitFactory, boss: Actor) -> None:
    [ada] = people(unit, 1)
    slug = make_team(unit, boss)
    place, refused = ada.workspace_id, []
    assert place is not None

    def second() -> None:
        try:
            with unit(write=True) as u:
                u.team.add(boss, u.team.team(slug), ada.user_id)
        except NotFound as error:
            refused.append(error)

    with unit(write=True) as u:
        u.workspace.leave(ada, place)
        thread = meanwhile(second)
    thread.join()
    assert len(refused) == 1
    with unit() as u:
        assert u.team.team(slug).members == []


def test_a_revoked_invitation_is_in_the_log_once(unit: UnitFactory, actor: Actor) -> None:
    with unit(write=True) as u:
        u.workspace.invite(actor, "manager")
        [invite] = u.workspace.invites(actor.workspace_id or 0)
        for _ in range(2):
            u.workspace.revoke_invite(actor, invite.id)
    with unit() as u:
        actions = [one.action for one in u.audit.about(f"user:{actor.user_id}")]
    assert actions.count("account.invite_revoked") == 1


def test_a_look_is_recorded_once_a_day_and_never_of_oneself(
    unit: UnitFactory, boss: Actor, actor: Actor, clock: Clock
) -> None:
    for _ in range(2):
        with unit(write=True) as u:
            u.looks.record(boss, [actor.person_id, boss.person_id], "team:search")
    clock.forward(days=1)
    with unit(write=True) as u:
        u.looks.record(boss, [actor.person_id], "team:search")
        u.looks.record(boss, [actor.person_id], "team:other")
    with unit() as u:
        assert [one.place for one in u.looks.at(actor.person_id)] == ["team:other", "team:search", "team:search"]
        assert not u.looks.at(boss.person_id)
        assert u.looks.at(actor.person_id)[0].viewer == "boss@example.org"
