from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from threading import Thread

import pytest
from sqlalchemy import select

from assessor.content.schema import Catalogue
from assessor.models.hiring import Candidate, Requisition
from assessor.models.profile import Evidence, Person
from assessor.services.errors import Conflict, Forbidden, Invalid, NotFound
from assessor.services.permissions import Actor
from assessor.services.unit import UnitFactory
from tests.services.conftest import Clock, sign_up

LAYER = "data-engineering"
CLEANING, FEATURES, STREAMING = "cleaning-pipelines", "feature-engineering", "streaming-ingestion"
GIVEN: Mapping[str, float | None] = {CLEANING: 3.0, FEATURES: 2.5, STREAMING: None}
NOTES = {CLEANING: "Idempotent, with tests.", STREAMING: "Never saw any."}


@pytest.fixture
def bob(unit: UnitFactory, actor: Actor) -> Actor:
    """Return a colleague of `actor`, who is in the workspace first."""
    return sign_up(unit, "bob@example.org", "member")


@pytest.fixture
def asked(unit: UnitFactory, actor: Actor, bob: Actor) -> int:
    """Return the id of a review of ada that bob was asked for."""
    with unit(write=True) as u:
        return u.review.ask_peer(actor, bob.user_id, LAYER).id


def own(unit: UnitFactory, actor: Actor, layer: str = LAYER) -> int:
    with unit(write=True) as u:
        return u.review.start_self(actor, layer).id


def submit(
    unit: UnitFactory, review_id: int, ratings: Mapping[str, float | None] = GIVEN, stamp: str | None = None
) -> int:
    with unit(write=True) as u:
        return u.review.submit(u.review.get(review_id), ratings, NOTES, stamp=stamp).number


def amend(unit: UnitFactory, review_id: int, ratings: Mapping[str, float | None], reason: str = "Saw more.") -> int:
    with unit(write=True) as u:
        return u.review.amend(u.review.get(review_id), ratings, NOTES, reason).number


def save(unit: UnitFactory, review_id: int, ratings: Mapping[str, float | None], stamp: str | None = None) -> None:
    with unit(write=True) as u:
        u.review.save_draft(u.review.get(review_id), ratings, {}, stamp=stamp)


def stamp_of(unit: UnitFactory, review_id: int) -> str:
    with unit() as u:
        return u.review.rubric(u.review.get(review_id)).stamp


def counting(unit: UnitFactory, person_id: int) -> list[tuple[str, str, int, float]]:
    """Return instrument, source, layer and level of the rows that count, the oldest first."""
    query = select(Evidence).where(Evidence.person_id == person_id, Evidence.superseded_at.is_(None))
    with unit() as u:
        rows = u.session.scalars(query.order_by(Evidence.id))
        return [(row.instrument, row.source, row.layer, row.level) for row in rows]


def state_of(unit: UnitFactory, review_id: int) -> str:
    with unit() as u:
        return u.review.get(review_id).state


# Ask


def test_a_self_review_that_is_open_is_gone_on_with(unit: UnitFactory, actor: Actor) -> None:
    first = own(unit, actor)
    assert own(unit, actor) == first
    assert own(unit, actor, "systems-thinking") != first
    submit(unit, first)
    assert own(unit, actor) != first
    with pytest.raises(NotFound):
        own(unit, actor, "alchemy")


def test_a_colleague_is_asked_once_for_a_layer(unit: UnitFactory, actor: Actor, bob: Actor, asked: int) -> None:
    with pytest.raises(Conflict, match="already"), unit(write=True) as u:
        u.review.ask_peer(actor, bob.user_id, LAYER)
    submit(unit, asked)
    with unit(write=True) as u:
        assert u.review.ask_peer(actor, bob.user_id, LAYER).id != asked  # a year later, say


def test_only_members_of_the_active_workspace_can_be_asked(unit: UnitFactory, actor: Actor, bob: Actor) -> None:
    with unit(write=True) as u:
        stranger = u.account.create("eve@example.org", "hash", workspace="elsewhere").id
        gone = u.account.create("gone@example.org", "hash")
        gone.active = False
    candidate = replace(actor, workspace_id=None, workspace=None, role=None, candidate_id=1)
    for who, whom in ((actor, stranger), (actor, actor.user_id), (actor, gone.id), (candidate, bob.user_id)):
        with pytest.raises(NotFound), unit(write=True) as u:
            u.review.ask_peer(who, whom, LAYER)
    with unit() as u:
        assert [one.user_id for one in u.review.peers(actor)] == [bob.user_id]
        assert u.review.peers(candidate) == ()


def test_what_waits_is_limited(unit: UnitFactory, actor: Actor, catalogue: Catalogue) -> None:
    layers = [layer.key for layer in catalogue.framework.layers]
    colleagues = [sign_up(unit, f"colleague{number}@example.org", "member").user_id for number in range(3)]
    with unit(write=True) as u:
        for number in range(20):
            u.review.ask_peer(actor, colleagues[number // 10], layers[number % 10])
    with pytest.raises(Conflict, match="20"), unit(write=True) as u:
        u.review.ask_peer(actor, colleagues[2], LAYER)


def test_two_tabs_that_begin_get_the_same_review(unit: UnitFactory, actor: Actor) -> None:
    found: list[int] = []
    tabs = [Thread(target=lambda: found.append(own(unit, actor))) for _ in range(4)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_lists_tell_what_is_open_first_and_leave_panels_out(
    unit: UnitFactory, actor: Actor, bob: Actor, asked: int
) -> None:
    self_review = own(unit, actor)
    submit(unit, self_review)
    again = own(unit, actor)
    with unit(write=True) as u:
        u.review.panel(_candidate(u.session, actor), bob.user_id, [LAYER])
    with unit() as u:
        adas, bobs = u.review.lists(actor), u.review.lists(bob)
    assert [one.id for one in adas.by_me] == [again, self_review]
    assert [one.id for one in adas.about_me] == [asked]
    assert adas.asked_of_me == ()
    assert [one.id for one in bobs.asked_of_me] == [asked]
    assert (bobs.by_me, bobs.about_me) == ((), ())


# Draft


def test_a_draft_keeps_what_is_incomplete_and_counts_nothing(unit: UnitFactory, actor: Actor, asked: int) -> None:
    save(unit, asked, {CLEANING: 1.5})
    with unit() as u:
        rubric = u.review.rubric(u.review.get(asked))
    assert [line.rating for line in rubric.topics] == [1.5, None, None, None, None, None]
    assert counting(unit, actor.person_id) == []


def test_a_form_that_was_opened_before_something_else_was_saved_is_not_taken(unit: UnitFactory, asked: int) -> None:
    opened = stamp_of(unit, asked)
    save(unit, asked, {CLEANING: 1.0}, opened)
    save(unit, asked, {CLEANING: 1.0}, opened)  # the same from the other tab: nothing is lost by it
    for act in (lambda: save(unit, asked, {CLEANING: 4.0}, opened), lambda: submit(unit, asked, stamp=opened)):
        with pytest.raises(Conflict, match="another window"):
            act()
    with unit() as u:
        assert u.review.get(asked).draft == {"ratings": {CLEANING: 1.0, **_open_but(CLEANING)}, "notes": {}}
    assert submit(unit, asked, stamp=stamp_of(unit, asked)) == 1


# Hand in


def test_every_rated_topic_is_evidence_of_its_rater(unit: UnitFactory, actor: Actor, bob: Actor, asked: int) -> None:
    save(unit, asked, {CLEANING: 1.0})
    assert submit(unit, asked) == 1
    rater = f"user:{bob.user_id}"
    assert counting(unit, actor.person_id) == [("review", rater, 2, 3.0), ("review", rater, 2, 2.5)]
    with unit() as u:
        review = u.review.get(asked)
        assert (review.state, review.draft) == ("submitted", None)
        assert review.versions[0].notes == NOTES
        assert [one.action for one in u.audit.about(f"review:{asked}")] == ["review.submitted", "review.asked"]
        view = u.profile.view(actor.person_id)
    assert view.layers[2].level is not None
    assert view.layers[2].verified


def test_of_a_layer_with_a_choice_the_best_topic_counts(unit: UnitFactory, actor: Actor) -> None:
    review = own(unit, actor, "domain-leverage")
    with unit(write=True) as u:
        u.review.submit(u.review.get(review), {"finance": 2.0, "healthcare": 4.0, "logistics": 1.0}, {})
    assert counting(unit, actor.person_id) == [("self", "self", 7, 4.0)]


def test_nothing_rated_is_no_review(unit: UnitFactory, asked: int) -> None:
    with pytest.raises(Invalid, match="at least one"):
        submit(unit, asked, {CLEANING: None})
    assert state_of(unit, asked) == "asked"


def test_handed_in_twice_counts_once_and_something_else_is_an_amendment(
    unit: UnitFactory, actor: Actor, asked: int
) -> None:
    assert submit(unit, asked) == 1
    rows = counting(unit, actor.person_id)
    assert submit(unit, asked) == 1
    with pytest.raises(Conflict, match="already") as refused:
        submit(unit, asked, {CLEANING: 5.0})
    assert "amend" in refused.value.cure
    with pytest.raises(Conflict, match="already"):
        save(unit, asked, {CLEANING: 5.0})
    assert counting(unit, actor.person_id) == rows


def test_two_tabs_that_hand_in_at_once(unit: UnitFactory, actor: Actor, asked: int) -> None:
    ends: list[object] = []

    def hand_in(level: float) -> None:
        try:
            ends.append(submit(unit, asked, {CLEANING: level}))
        except Conflict as conflict:
            ends.append(conflict.cause)

    tabs = [Thread(target=hand_in, args=(level,)) for level in (1.0, 1.0, 4.0, 4.0)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert sorted(map(str, ends)) == ["1", "1", *["This review was handed in already."] * 2]
    assert len(counting(unit, actor.person_id)) == 1


def test_a_self_review_corrects_what_was_said_within_a_day_and_stands_beside_older(
    unit: UnitFactory, actor: Actor, clock: Clock
) -> None:
    def rate(level: float) -> None:
        with unit(write=True) as u:
            u.profile.rate(actor.person_id, "ml-engineer", {LAYER: level, "systems-thinking": level})

    rate(1)
    clock.forward(days=2)
    rate(2)
    clock.forward(hours=2)
    submit(unit, own(unit, actor))
    rows = [("self", "self", layer, level) for layer, level in ((2, 1), (5, 1), (5, 2), (2, 3.0), (2, 2.5))]
    assert counting(unit, actor.person_id) == rows
    clock.forward(hours=1)
    rate(4)  # of the ten layers at once: corrects the rating before and not the review, which says more
    assert counting(unit, actor.person_id) == [row for row in rows if row != ("self", "self", 5, 2)] + [
        ("self", "self", 2, 4),
        ("self", "self", 5, 4),
    ]


def test_a_review_says_that_a_human_looked_at_the_repositories(unit: UnitFactory, actor: Actor, asked: int) -> None:
    with unit(write=True) as u:
        analysis = u.portfolio.add(actor.person_id, "https://github.com/example/service")
        analysis.state, analysis.report, analysis.confirmed = "running", "{}", True
        analysis.summary = {"grades": {"docker": 3, "data-validation": 2}, "capped": {}}
        u.session.flush()
        u.portfolio.finish(analysis.id)

    def looked_at() -> dict[int, bool]:
        with unit() as u:
            rows = u.session.scalars(select(Evidence).where(Evidence.instrument == "repo"))
            return {row.layer: row.reviewed for row in rows}

    submit(unit, own(unit, actor))
    assert looked_at() == {2: False, 3: False}
    submit(unit, asked)
    assert looked_at() == {2: True, 3: False}


# Amend


def test_an_amendment_takes_the_place_of_what_was_said_and_leaves_a_trace(
    unit: UnitFactory, actor: Actor, bob: Actor, asked: int, clock: Clock
) -> None:
    submit(unit, asked)
    handed_in = clock.now
    clock.forward(days=3)
    assert amend(unit, asked, {CLEANING: 3.5, STREAMING: 1.0}) == 2
    rater = f"user:{bob.user_id}"
    assert counting(unit, actor.person_id) == [("review", rater, 2, 3.5), ("review", rater, 2, 1.0)]
    with unit() as u:
        review = u.review.get(asked)
        rows = u.session.scalars(select(Evidence).where(Evidence.review_id == asked).order_by(Evidence.id)).all()
        assert [row.superseded_at for row in rows] == [clock.now, clock.now, None, None]
        assert {row.at for row in rows[2:]} == {clock.now}
        assert review.closed_at == handed_in
        assert [(one.number, one.reason, one.ratings[CLEANING]) for one in review.versions] == [
            (1, None, 3.0),
            (2, "Saw more.", 3.5),
        ]
        assert u.audit.about(f"review:{asked}")[0].action == "review.amended"
        assert u.audit.verify() is None


def test_an_amendment_needs_a_reason_and_a_change(unit: UnitFactory, actor: Actor, asked: int) -> None:
    with pytest.raises(Conflict, match="not handed in"):
        amend(unit, asked, GIVEN)
    submit(unit, asked)
    for reason in ("", "  \n", "x" * 501):
        with pytest.raises(Invalid):
            amend(unit, asked, {CLEANING: 4.0}, reason)
    with pytest.raises(Conflict, match="different"):
        amend(unit, asked, GIVEN)
    with pytest.raises(Invalid, match="at least one"):
        amend(unit, asked, {CLEANING: None})
    assert amend(unit, asked, {CLEANING: 4.0}) == 2
    assert amend(unit, asked, {CLEANING: 4.0}) == 2  # a double click
    with pytest.raises(Conflict, match="already"):
        submit(unit, asked)  # an old tab
    assert [level for *_, level in counting(unit, actor.person_id)] == [4.0]


def test_an_amendment_from_an_older_tab_is_not_taken(unit: UnitFactory, asked: int) -> None:
    submit(unit, asked)
    opened = stamp_of(unit, asked)
    amend(unit, asked, {CLEANING: 4.0})
    with pytest.raises(Conflict, match="another window"), unit(write=True) as u:
        u.review.amend(u.review.get(asked), {CLEANING: 1.0}, {}, "Looked again.", stamp=opened)


# End


def test_a_review_is_declined_by_who_was_asked_and_taken_back_by_who_asked(
    unit: UnitFactory, actor: Actor, bob: Actor, asked: int
) -> None:
    for refused in (lambda u: u.review.decline(actor, u.review.get(asked)),
                    lambda u: u.review.cancel(bob, u.review.get(asked))):  # fmt: skip
        with pytest.raises(Forbidden), unit(write=True) as u:
            refused(u)
    save(unit, asked, GIVEN)
    for _ in range(2):
        with unit(write=True) as u:
            u.review.end(bob, u.review.get(asked))
    with unit() as u:
        review = u.review.get(asked)
        assert (review.state, review.draft) == ("declined", None)
        assert [one.action for one in u.audit.about(f"review:{asked}")] == ["review.declined", "review.asked"]
    with pytest.raises(Conflict, match="declined"):
        submit(unit, asked)
    with unit(write=True) as u:
        second = u.review.ask_peer(actor, bob.user_id, LAYER)
        u.review.end(actor, second)
    with pytest.raises(Conflict, match="ended"):
        save(unit, second.id, GIVEN)


def test_what_was_handed_in_cannot_be_ended(unit: UnitFactory, actor: Actor, bob: Actor, asked: int) -> None:
    submit(unit, asked)
    for who in (actor, bob):
        with pytest.raises(Conflict, match="counts"), unit(write=True) as u:
            u.review.end(who, u.review.get(asked))
    assert state_of(unit, asked) == "submitted"


def test_a_reviewer_who_leaves_ends_what_is_open_with_its_draft(
    unit: UnitFactory, actor: Actor, bob: Actor, asked: int
) -> None:
    assert bob.workspace_id is not None
    with unit(write=True) as u:
        done = u.review.ask_peer(actor, bob.user_id, "systems-thinking").id
        u.review.submit(u.review.get(done), {"bottlenecks": 2.0}, {})
    save(unit, asked, GIVEN)
    with unit(write=True) as u:
        u.workspace.leave(bob, bob.workspace_id)
    with unit() as u:
        review = u.review.get(asked)
        assert (review.state, review.draft, u.review.get(done).state) == ("withdrawn", None, "submitted")
    with pytest.raises(Conflict, match="ended"):
        submit(unit, asked)
    with pytest.raises(NotFound), unit(write=True) as u:
        u.review.ask_peer(actor, bob.user_id, LAYER)
    assert len(counting(unit, actor.person_id)) == 1


def test_a_review_outlives_the_account_of_its_reviewer_and_not_that_of_its_person(
    unit: UnitFactory, actor: Actor, bob: Actor, asked: int
) -> None:
    submit(unit, asked)
    rows = counting(unit, actor.person_id)
    with unit(write=True) as u:
        u.account.delete(bob.user_id)
    assert counting(unit, actor.person_id) == rows
    with unit() as u:
        review = u.review.get(asked)
        assert (review.reviewer_id, review.rater, review.state) == (None, f"user:{bob.user_id}", "submitted")
    with unit(write=True) as u:
        u.account.delete(actor.user_id)
    with pytest.raises(NotFound), unit() as u:
        u.review.get(asked)
    assert counting(unit, actor.person_id) == []


# Panels


def test_a_panellist_has_one_review_of_a_candidate(unit: UnitFactory, actor: Actor, bob: Actor) -> None:
    with unit(write=True) as u:
        candidate_id = _candidate(u.session, actor).id

    found: list[int] = []

    def open_review() -> None:
        with unit(write=True) as u:
            candidate = u.session.get_one(Candidate, candidate_id)
            found.append(u.review.panel(candidate, bob.user_id, [LAYER, "domain-leverage"]).id)

    tabs = [Thread(target=open_review) for _ in range(4)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert submit(unit, found[0]) == 1
    with unit() as u:
        review = u.review.get(found[0])
        assert (review.kind, review.layers) == ("panel", [LAYER, "domain-leverage"])
    assert {row[:2] for row in counting(unit, review.person_id)} == {("review", f"user:{bob.user_id}")}


def test_a_panellist_who_comes_back_begins_anew(unit: UnitFactory, actor: Actor, bob: Actor) -> None:
    with unit(write=True) as u:
        candidate = _candidate(u.session, actor)
        review = u.review.panel(candidate, bob.user_id, [LAYER])
        u.review.save_draft(review, GIVEN, NOTES)
        u.review.decline(bob, review)
        with pytest.raises(Forbidden):
            u.review.cancel(replace(actor, person_id=candidate.person_id), review)
        again = u.review.panel(candidate, bob.user_id, [LAYER])
        assert (again.id, again.state, again.draft, again.closed_at) == (review.id, "asked", None, None)


def _candidate(session: object, manager: Actor) -> Candidate:
    person = Person(name="Heron", created_at=manager.seen_at)
    requisition = Requisition(
        workspace_id=manager.workspace_id,
        title="ML engineer",
        role_key="ml-engineer",
        role_version=1,
        layers=[LAYER],
        created_at=manager.seen_at,
    )
    candidate = Candidate(requisition=requisition, person=person, code_name="Heron", created_at=manager.seen_at)
    session.add(candidate)  # type: ignore[attr-defined]
    session.flush()  # type: ignore[attr-defined]
    return candidate


def _open_but(*keys: str) -> dict[str, None]:
    topics = (CLEANING, FEATURES, STREAMING, "data-validation", "data-versioning", "imbalance-missing-data")
    return {key: None for key in topics if key not in keys}
