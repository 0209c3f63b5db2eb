"""Teams as managers and members use them: consent, heatmap, what lies behind a number, and who may see what."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import pytest

from assessor.services.unit import UnitFactory
from assessor.web.access import SESSION_KEY
from tests.services.conftest import Clock, sign_up
from tests.web.clients import add, finish, words
from tests.web.conftest import Browser, Person

MATH = "mathematical-foundations"

CHANGING = re.compile(r'name="csrf_token"[^>]*|(?<=Request id <code>)[^<]*')
"""What differs from one request to the next whatever happens."""


@pytest.fixture
def enter(app: object, unit: UnitFactory) -> Callable[[str, str], Person]:
    """Return a function that signs somebody up with a role in the workspace "main"."""

    def sign_in(email: str, role: str) -> Person:
        who = sign_up(unit, email, role)
        with unit(write=True) as u:
            key = u.account.sign_in(who.user_id)
        browser = Browser(app.test_client())  # type: ignore[attr-defined]
        with browser.client.session_transaction() as session:
            session[SESSION_KEY] = key
        return Person(who, browser)

    return sign_in


@pytest.fixture
def boss(enter: Callable[[str, str], Person]) -> Person:
    return enter("boss@example.org", "manager")


@pytest.fixture
def bob(enter: Callable[[str, str], Person], unit: UnitFactory) -> Person:
    person = enter("bob@example.org", "member")
    with unit(write=True) as u:
        u.profile.rate(person.id, "ml-engineer", {MATH: 1.0, "data-engineering": 4.0})
    return person


def make_team(boss: Person, *members: Person) -> str:
    address = boss.browser.send("/team", name="Search", role="ml-engineer").location.partition("#")[0]
    for one in members:
        boss.browser.send(f"{address}/members", shown_at=address, user=one.actor.user_id)
    return address


def test_a_manager_makes_a_team_and_sees_what_each_member_shares(boss: Person, bob: Person) -> None:
    assert "There is no team yet" in boss.browser.open("/team")
    team = make_team(boss, bob)
    page = words(boss.browser.open(team))
    assert "bob@example.org not decided" in page
    assert page.count("does not share") >= 10
    assert "2.0" not in page.partition("Target")[0]

    told = bob.browser.open("/team")
    assert "Decide what to share" in told
    bob.browser.send(f"{team}/sharing", shown_at=f"{team}/sharing", layers=[MATH, "systems-thinking"])
    page = words(boss.browser.open(team))
    assert "0 of 1" in page
    assert "not measured" in page
    assert "Nobody yet" not in bob.browser.open(f"{team}/sharing")
    assert "boss@example.org" in bob.browser.open("/settings")


def test_a_number_leads_to_what_it_rests_on_and_to_nothing_private(
    boss: Person, bob: Person, unit: UnitFactory
) -> None:
    team = make_team(boss, bob)
    bob.browser.send(f"{team}/sharing", shown_at=f"{team}/sharing", layers=[MATH, "production-infrastructure"])
    _, analysis_id = add(unit, bob.id, "https://github.com/bob/secretproject")
    finish(unit, analysis_id, author="bob@example.org")
    with unit() as u:
        [member] = u.team.team("search").members
    person = f"{team}/members/{member.id}"
    layer = boss.browser.open(f"{person}/layers/{MATH}")
    assert "What the level is made of" in layer
    assert "From 2.5, the middle of the scale" in words(layer)
    assert "the self-ratings lower it by" in words(layer)
    infra = boss.browser.open(f"{person}/layers/production-infrastructure")
    assert "Docker" in infra or "Container" in infra
    for page in (layer, infra, boss.browser.open(person), boss.browser.open(team)):
        assert "secretproject" not in page
        assert "/evidence/" not in page
        assert "/portfolio/" not in page
    assert "private" in words(boss.browser.open(person))
    assert boss.browser.client.get(f"{person}/layers/data-engineering").status_code == 403
    assert boss.browser.client.get(f"{person}/layers/alchemy").status_code == 403
    assert boss.browser.client.get(f"{team}/members/999").status_code == 404


def test_what_is_not_shared_moves_nothing_that_managers_see(boss: Person, bob: Person, unit: UnitFactory) -> None:
    team = make_team(boss, bob)
    shown = [MATH, "production-infrastructure"]
    bob.browser.send(f"{team}/sharing", shown_at=f"{team}/sharing", layers=shown)
    with unit() as u:
        [member] = u.team.team("search").members
    person = f"{team}/members/{member.id}"
    addresses = [team, f"{team}.csv", person, f"{team}/layers/{MATH}", *(f"{person}/layers/{key}" for key in shown)]

    def seen() -> list[str]:
        return [CHANGING.sub("", boss.browser.open(address)) for address in addresses]

    seen()  # what was done is told once
    before = seen()
    assert ">2 Models" not in before[4]  # what is not shared is no place to go
    assert "/layers/production-infrastructure" in before[4]
    with unit(write=True) as u:
        others = {"data-engineering": 0.5, "systems-thinking": 5.0, "model-understanding": 5.0}
        u.profile.rate(bob.id, "junior-ml-engineer", {MATH: 1.0} | others)
    assert seen() == before
    bob.browser.send(f"{team}/sharing", shown_at=f"{team}/sharing", layers=[*shown, "data-engineering"])
    assert seen() != before


def test_without_a_role_of_the_team_managers_do_not_see_the_one_that_a_member_aims_at(
    boss: Person, bob: Person, unit: UnitFactory
) -> None:
    team = make_team(boss, bob)
    bob.browser.send(f"{team}/sharing", shown_at=f"{team}/sharing", layers=[MATH])
    with unit(write=True) as u:
        one = u.team.team("search")
        one.role_key, member = "gone", one.members[0].id
    assert "ML engineer" in bob.browser.open("/me")
    assert "ML engineer" not in boss.browser.open(f"{team}/members/{member}")


def test_the_table_can_be_taken_along(boss: Person, bob: Person) -> None:
    team = make_team(boss, bob)
    bob.browser.send(f"{team}/sharing", shown_at=f"{team}/sharing", layers=[MATH, "systems-thinking"])
    rows = list(csv.reader(io.StringIO(boss.browser.open(f"{team}.csv"))))
    assert rows[0][:4] == ["person", MATH, f"{MATH} low", f"{MATH} high"]
    named = dict(zip(rows[0], rows[1], strict=True))
    assert float(named[f"{MATH} low"]) <= float(named[MATH]) <= float(named[f"{MATH} high"])
    assert named["systems-thinking"] == "not measured"
    assert named["data-engineering"] == "private"
    assert rows[-1][0] == "target"


def test_members_see_their_own_sharing_and_no_heatmap(
    boss: Person, bob: Person, enter: Callable[[str, str], Person]
) -> None:
    team = make_team(boss, bob)
    other = enter("carl@example.org", "member")
    for address in (team, f"{team}.csv", f"{team}/layers/{MATH}", f"{team}/members/1"):
        assert bob.browser.client.get(address).status_code == 404
        assert other.browser.client.get(address).status_code == 404
    assert other.browser.client.get(f"{team}/sharing").status_code == 404
    assert "You are in no team" in other.browser.open("/team")
    assert other.browser.send("/team", shown_at="/start", name="Mine", role="ml-engineer").status_code == 403


def test_a_manager_of_another_workspace_sees_nothing(
    boss: Person, bob: Person, signed_in: Callable[[str], Person], unit: UnitFactory, app: object
) -> None:
    team = make_team(boss, bob)
    with unit(write=True) as u:
        user = u.account.create("far@example.org", "x", roles=("admin",), workspace="elsewhere")
        key = u.account.sign_in(user.id)
    far = Browser(app.test_client())  # type: ignore[attr-defined]
    with far.client.session_transaction() as session:
        session[SESSION_KEY] = key
    for address in (team, f"{team}.csv", f"{team}/layers/{MATH}"):
        assert far.client.get(address).status_code == 404
    assert "Search" not in far.open("/team")


def test_removing_and_aiming(boss: Person, bob: Person, unit: UnitFactory) -> None:
    team = make_team(boss, bob)
    boss.browser.send(f"{team}/target", shown_at=team, role="senior-ml-engineer")
    assert "Senior ML engineer" in words(boss.browser.open(team))
    assert boss.browser.send(f"{team}/target", shown_at=team, role="wizard").status_code == 400
    with unit() as u:
        [member] = u.team.team("search").members
    boss.browser.send(f"{team}/members/{member.id}/remove", shown_at=team)
    assert "Nobody is in this team yet" in boss.browser.open(team)


def test_removing_from_two_tabs_removes_once_and_breaks_nothing(boss: Person, bob: Person, unit: UnitFactory) -> None:
    team = make_team(boss, bob)
    with unit() as u:
        [member] = u.team.team("search").members
    for _ in range(2):
        answer = boss.browser.send(f"{team}/members/{member.id}/remove", shown_at=team)
        assert answer.location == f"{team}#members"
    assert "Removed from the team" in boss.browser.open(team)
    with unit() as u:
        assert [one.action for one in u.audit.about(f"person:{bob.id}")].count("team.removed") == 1


def test_only_who_can_invite_is_sent_to_where_one_invites(
    boss: Person, enter: Callable[[str, str], Person], unit: UnitFactory
) -> None:
    team, admin = make_team(boss), enter("adm@example.org", "admin")
    hiring = boss.browser.send("/hiring", title="ML engineer", role="ml-engineer").location
    for page in (team, hiring):
        assert "/settings#workspace" not in boss.browser.open(page)
        assert "/settings#workspace" in admin.browser.open(page)
    assert "Invite somebody" not in boss.browser.open("/settings")


def test_a_heatmap_costs_the_same_queries_for_many_as_for_one(
    boss: Person, enter: Callable[[str, str], Person], unit: UnitFactory, statements: list[str], clock: Clock
) -> None:
    members = [enter(f"p{number}@example.org", "member") for number in range(6)]
    for one in members:
        with unit(write=True) as u:
            u.profile.rate(one.id, "ml-engineer", {MATH: 3.0})
    team = make_team(boss, *members)
    for one in members:
        one.browser.send(f"{team}/sharing", shown_at=f"{team}/sharing", layers=[MATH])
    boss.browser.open(team)
    for address in (team, f"{team}.csv", f"{team}/layers/{MATH}", "/team", f"{team}/members/1/layers/{MATH}"):
        statements.clear()
        boss.browser.open(address)
        assert len(statements) <= 8, address + "\n" + "\n".join(statements)
    statements.clear()
    members[0].browser.open(f"{team}/sharing")
    assert len(statements) <= 6


def test_an_invitation_is_accepted_by_somebody_with_an_account(ada: Person, unit: UnitFactory, app: object) -> None:
    shown = ada.browser.send("/settings/invitations", shown_at="/settings", role="member", email="")
    link = words(shown.get_data(as_text=True)).partition("/join/")[2].split()[0]
    with unit(write=True) as u:
        user = u.account.create("eve@example.org", "x", roles=("admin",), workspace="elsewhere")
        key = u.account.sign_in(user.id)
    eve = Browser(app.test_client())  # type: ignore[attr-defined]
    assert "Sign up and join" in eve.open(f"/join/{link}")
    with eve.client.session_transaction() as session:
        session[SESSION_KEY] = key
    assert "Join as eve@example.org" in eve.open(f"/join/{link}")
    eve.send(f"/join/{link}")
    assert "You are in main now" in eve.open("/me")
    assert eve.client.get(f"/join/{link}").status_code == 410
    assert eve.client.get("/join/unknown").status_code == 404


def test_leaving_a_workspace_in_the_settings(bob: Person) -> None:
    page = bob.browser.open("/settings")
    assert "Leave main" in page
    bob.browser.send(f"/settings/workspaces/{bob.actor.workspace_id}/leave", shown_at="/settings")
    page = bob.browser.open("/settings")
    assert "You have left the workspace" in page
    assert "When you sign in again you get one of your own" in page
