from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import false

from assessor.services.permissions import Actor
from assessor.services.unit import UnitFactory
from tests.services.conftest import Clock, sign_up


def test_a_look_is_recorded_once_for_viewer_place_and_day(unit: UnitFactory, actor: Actor, clock: Clock) -> None:
    bob = sign_up(unit, "bob@example.org")
    for _ in range(2):
        with unit(write=True) as u:
            u.looks.record(actor, [bob.person_id, actor.person_id], "team:a")
    with unit(write=True) as u:
        assert u.looks.missing(actor, [bob.person_id], "team:a") == set()
        assert u.looks.missing(actor, [bob.person_id, actor.person_id], "team:b") == {bob.person_id}
        assert u.looks.record_at(actor, {bob.person_id: "team:b"}) == 1
        assert u.looks.record_at(actor, {bob.person_id: "team:b"}) == 0
    clock.forward(days=1)
    with unit(write=True) as u:
        u.looks.record(actor, [bob.person_id], "team:a")
    with unit() as u:
        assert [(one.viewer, one.place, one.day) for one in u.looks.at(bob.person_id)] == [
            (actor.email, "team:a", "2026-03-03"),
            (actor.email, "team:b", "2026-03-02"),
            (actor.email, "team:a", "2026-03-02"),
        ]
        assert not u.looks.at(actor.person_id)


def test_looks_at_several_persons_each_have_their_place(unit: UnitFactory, actor: Actor) -> None:
    bob, eve = sign_up(unit, "bob@example.org"), sign_up(unit, "eve@example.org")
    places = {bob.person_id: "one", eve.person_id: "two"}
    with unit(write=True) as u:
        assert u.looks.record_at(actor, places, provided=false()) == 0
        assert u.looks.missing_at(actor, places) == places
        assert u.looks.record_at(actor, places) == 2
        assert u.looks.missing_at(actor, places) == {}
    with unit() as u:
        assert [u.looks.at(one.person_id)[0].place for one in (bob, eve)] == ["one", "two"]


def test_tabs_that_look_at_once_record_it_once(unit: UnitFactory, actor: Actor) -> None:
    bob = sign_up(unit, "bob@example.org")

    def look(_number: int) -> None:
        with unit(write=True) as u:
            u.looks.record(actor, [bob.person_id], "team:a")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(look, range(12)))
    with unit() as u:
        assert len(u.looks.at(bob.person_id)) == 1
