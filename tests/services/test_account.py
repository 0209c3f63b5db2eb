from __future__ import annotations

import dataclasses
import json

import pytest

from assessor.config import Settings
from assessor.content.schema import Catalogue
from assessor.models.account import UserAccount
from assessor.models.session import make_engine
from assessor.services.account import SESSION_DAYS
from assessor.services.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from assessor.services.permissions import Actor
from assessor.services.unit import UnitFactory
from tests.services.conftest import Clock, sign_up


def with_registration(unit: UnitFactory, how: str) -> UnitFactory:
    settings: Settings = dataclasses.replace(unit.settings, registration=how)  # type: ignore[arg-type]
    return UnitFactory(unit.engine, unit.catalogue, settings, unit.clock)


def test_a_session_ends_when_it_is_revoked_over_or_signed_out(unit: UnitFactory, actor: Actor, clock: Clock) -> None:
    with unit(write=True) as u:
        keys = [u.account.sign_in(actor.user_id) for _ in range(3)]
        u.account.sign_out(keys[0])
        open_ones = u.account.sessions(actor.user_id)
        assert len(open_ones) == 3  # the fixture's and two of these
    with unit(write=True) as u:
        u.account.revoke_all(actor.user_id, but=actor.sign_in_id)
    with unit() as u:
        assert [u.account.actor(key) for key in keys] == [None] * 3
        assert [line.id for line in u.account.sessions(actor.user_id)] == [actor.sign_in_id]
    clock.forward(days=SESSION_DAYS)
    with unit() as u:
        assert u.account.sessions(actor.user_id) == []


def test_nobody_revokes_a_session_of_somebody_else(unit: UnitFactory, actor: Actor) -> None:
    other = sign_up(unit, "bob@example.org")
    with pytest.raises(NotFound), unit(write=True) as u:
        u.account.revoke(other.user_id, actor.sign_in_id)


def test_a_new_password_signs_out_everywhere(unit: UnitFactory, actor: Actor) -> None:
    with unit(write=True) as u:
        u.account.set_password(actor.email, "other hash")
    with unit() as u:
        assert u.account.sessions(actor.user_id) == []


def test_addresses_are_one_whatever_their_case(unit: UnitFactory, actor: Actor) -> None:
    with pytest.raises(Conflict), unit(write=True) as u:
        u.account.create("ADA@Example.org", "hash")


@pytest.mark.parametrize("email", ["ada", "ada@", "a b@example.org", "@example.org", "a" * 250 + "@example.org"])
def test_what_is_no_address_is_refused(unit: UnitFactory, email: str) -> None:
    with pytest.raises(Invalid), unit(write=True) as u:
        u.account.create(email, "hash")


def test_unknown_roles_are_refused_with_those_there_are(unit: UnitFactory, actor: Actor) -> None:
    with pytest.raises(Invalid, match="panellist"), unit(write=True) as u:
        u.account.set_role(actor.email, "king")


def test_registration_by_invitation(unit: UnitFactory, actor: Actor, clock: Clock) -> None:
    invited = with_registration(unit, "invite")
    with invited(write=True) as u:
        with pytest.raises(Forbidden):
            u.account.check_registration("bob@example.org")
        token = u.workspace.invite(actor, "manager", "Bob@example.org")
        u.account.check_registration("bob@example.org", token)
        with pytest.raises(Forbidden):
            u.account.check_registration("eve@example.org", token)
        user = u.account.create("bob@example.org", "hash", workspace="elsewhere")
        u.account.welcome(user.id, token)
        with pytest.raises(Gone):
            u.account.check_registration("bob@example.org", token)
    with unit() as u:
        assert ("manager", "main") in [(one.role, one.workspace.slug) for one in u.workspace.of(user.id)]


def test_an_invitation_is_over_after_a_fortnight_or_when_revoked(unit: UnitFactory, actor: Actor, clock: Clock) -> None:
    with unit(write=True) as u:
        first, second = u.workspace.invite(actor, "member"), u.workspace.invite(actor, "member")
        assert actor.workspace_id is not None
        u.workspace.revoke_invite(actor, u.workspace.invites(actor.workspace_id)[0].id)
        with pytest.raises(Gone):
            u.account.check_registration("bob@example.org", second)
    clock.forward(days=15)
    with pytest.raises(Gone), unit() as u:
        u.account.check_registration("bob@example.org", first)


def test_registration_can_be_closed(unit: UnitFactory, actor: Actor) -> None:
    with pytest.raises(Forbidden), with_registration(unit, "closed")() as u:
        u.account.check_registration("bob@example.org")


def test_the_active_workspace_belongs_to_the_session(unit: UnitFactory, actor: Actor) -> None:
    with unit(write=True) as u:
        u.account.set_role(actor.email, "panellist", workspace="other")
        second = u.account.sign_in(actor.user_id)
        other = next(one.workspace_id for one in u.workspace.of(actor.user_id) if one.role == "panellist")
        u.workspace.switch(actor, other)
        with pytest.raises(NotFound):
            u.workspace.switch(actor, other + 1000)
    with unit() as u:
        elsewhere = u.account.actor(second)
    assert elsewhere is not None
    assert (elsewhere.workspace, elsewhere.role) == ("main", "admin")


def test_who_left_their_own_workspace_to_others_can_still_sign_in(unit: UnitFactory, actor: Actor) -> None:
    with unit(write=True) as u:
        user = UserAccount(
            email="eve@example.org", active=True, fs_uniquifier="x", fs_webauthn_user_handle="y", name="Eve", demo=False
        )
        u.session.add(user)
        u.session.flush()
        user_id, key = user.id, u.account.sign_in(user.id)
    with unit(write=True) as u:
        eve = u.account.actor(key)
        assert eve is not None
        assert eve.workspace_id is not None
        u.workspace.accept(actor, u.workspace.invite(eve, "admin"))
        u.workspace.leave(eve, eve.workspace_id)
    with unit(write=True) as u:
        key = u.account.sign_in(user_id)
    with unit() as u:
        again = u.account.actor(key)
        assert again is not None
        assert (again.role, again.workspace) == ("admin", "Workspace of Eve")
        assert again.workspace_id != eve.workspace_id


def test_everything_is_exported_but_what_lets_somebody_in(
    unit: UnitFactory, actor: Actor, catalogue: Catalogue
) -> None:
    with unit(write=True) as u:
        u.profile.rate(actor.person_id, "ml-engineer", {"data-engineering": 2})
        u.portfolio.add(actor.person_id, "https://github.com/owner/name")
        u.identity.claim(actor.person_id, "ada@work.example")
    with unit() as u:
        data = u.account.export(actor.user_id)
    text = json.dumps(data)
    assert "hash" not in data["account"]
    assert '"password"' not in text
    assert "key_hash" not in text
    assert data["account"]["email"] == actor.email
    assert len(data["self_ratings"]) == 10
    assert data["repositories"][0]["analyses"][0]["state"] == "queued"
    assert data["identities"][0]["email"] == "ada@work.example"
    assert not {"id", "previous", "hash"} & data["log"][0].keys()  # gaps would tell what others do meanwhile
    assert {entry["action"] for entry in data["log"]} >= {"account.created", "account.sign_in"}


def test_deletion_leaves_nothing_but_a_log_that_verifies(unit: UnitFactory, actor: Actor) -> None:
    with unit(write=True) as u:
        u.profile.rate(actor.person_id, "ml-engineer", {"data-engineering": 2})
        u.portfolio.add(actor.person_id, "https://github.com/owner/name")
        u.identity.confirm(actor.person_id, "ada@example.org", "mail")
    with unit(write=True) as u:
        u.account.delete(actor.user_id)
    with unit() as u:
        assert u.account.find(actor.email) is None
        assert u.portfolio.sweepable() == []
        assert u.audit.verify() is None
        entries = u.audit.about(f"user:{actor.user_id}")
        assert all("ada" not in json.dumps(entry.details) for entry in entries)
        assert entries[0].action == "account.deleted"


def test_an_identity_belongs_to_whoever_confirms_it_first(unit: UnitFactory, actor: Actor) -> None:
    bob = sign_up(unit, "bob@example.org")
    with unit(write=True) as u:
        u.identity.claim(bob.person_id, "shared@example.org")
        u.identity.confirm(actor.person_id, "Shared@example.org", "mail")
        with pytest.raises(Conflict):
            u.identity.confirm(bob.person_id, "shared@example.org", "commit")


def test_a_changed_entry_of_the_log_shows(unit: UnitFactory, actor: Actor) -> None:
    with unit(write=True) as u:
        entry = u.audit.write("user:1", "test", "user:1", level=3)
        u.audit.write("user:1", "test", "user:1")
        assert u.audit.verify() is None
        entry.action = "something else"
        u.session.flush()
        assert u.audit.verify() == entry.id


def test_a_unit_that_reads_cannot_write(unit: UnitFactory, actor: Actor) -> None:
    with pytest.raises(RuntimeError, match="write=True"), unit() as u:
        u.profile.target(actor.person_id, "ml-engineer")


def test_a_unit_that_fails_leaves_nothing(unit: UnitFactory, actor: Actor) -> None:
    def fail() -> None:
        with unit(write=True) as u:
            u.profile.rate(actor.person_id, "ml-engineer", {"data-engineering": 2})
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    again = UnitFactory(make_engine(unit.settings.database_url), unit.catalogue, unit.settings, unit.clock)
    with again() as u:
        assert not u.profile.view(actor.person_id).measured
    again.engine.dispose()
