from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select, update

from assessor.models.account import UserAccount
from assessor.models.portfolio import AnalysisFinding
from assessor.models.profile import Look
from assessor.models.profile import Person as PersonRow
from assessor.services.permissions import Actor
from assessor.services.unit import UnitFactory
from assessor.web.access import SESSION_KEY
from tests.hiring import AUTHOR, LAYERS, SOURCE, add_candidate, hand_in, load, open_requisition, topics
from tests.services.conftest import Clock, sign_up
from tests.web.clients import finish, words
from tests.web.conftest import Browser, Person

pytestmark = pytest.mark.filterwarnings("ignore:Passing SelectField choices as tuples:DeprecationWarning")

Enter = Callable[..., Person]


@pytest.fixture
def enter(app: Flask, unit: UnitFactory) -> Enter:
    """Return a function that signs somebody up in a role of the workspace, and in."""

    def sign_in(name: str, role: str = "panellist", *, demo: bool = False) -> Person:
        who = sign_up(unit, f"{name}@example.org", role)
        with unit(write=True) as u:
            if demo:
                u.session.get_one(UserAccount, who.user_id).demo = True
            key = u.account.sign_in(who.user_id)
        browser = Browser(app.test_client())
        with browser.client.session_transaction() as session:
            session[SESSION_KEY] = key
        return Person(replace(who, demo=demo), browser)

    return sign_in


@pytest.fixture
def mia(enter: Enter) -> Person:
    return enter("mia", "manager")


def ratings(unit: UnitFactory, rating: str = "3") -> dict[str, str]:
    return {f"topic-{key}": rating for key in topics(unit.catalogue)}


def link_of(page: str) -> str:
    found = re.search(r"<code>http://127\.0\.0\.1:5000(/invitation/[\w-]+)</code>", page)
    assert found is not None, "no link is shown"
    return found[1]


# The way of a panel


def test_from_a_repository_to_a_decision_in_five_clicks(
    enter: Enter, mia: Person, unit: UnitFactory, queued: list[str]
) -> None:
    ann = enter("ann")
    answer = mia.browser.send("/hiring", title="ML engineer", role="ml-engineer", layers=list(LAYERS))
    place = answer.location
    for who in (mia, ann):
        sent = mia.browser.send(f"{place}/panel", shown_at=place, **{"panel-user": str(who.actor.user_id)})
        assert sent.status_code == 302

    added = mia.browser.send(f"{place}/candidates", shown_at=place, source=SOURCE, email=AUTHOR)  # 1
    candidate = added.location
    finish(unit, queued[0], author=AUTHOR)
    page = mia.browser.open(candidate)
    assert f'href="{candidate}/review"' in page
    form = mia.browser.open(f"{candidate}/review")  # 2
    assert "What there is to see" in form
    handed = mia.browser.send(f"{candidate}/review", **ratings(unit))  # 3
    assert handed.location == candidate
    page = mia.browser.open(candidate)
    assert "Your review is handed in" in page
    assert f'href="{place}/compare"' in page
    compared = mia.browser.open(f"{place}/compare")  # 4
    assert f'href="{candidate}/decision"' in compared
    decision = words(mia.browser.open(f"{candidate}/decision"))  # 5
    assert "Incomplete: 1 of 2 reviews." in decision
    assert "No level and no rating rejects anybody here" in decision

    hand_in(unit, ann.actor, int(place.split("/")[-1]), int(candidate.split("/")[-1]), 4.5)
    sent = mia.browser.send(f"{candidate}/decision", verdict="strong yes", reason="It runs, and it is tested.")
    assert sent.status_code == 302
    told = words(mia.browser.open(f"{candidate}/decision"))
    assert "Strong yes mia@example.org" in told
    assert "It runs, and it is tested." in told
    assert "Made with 2 of 2 reviews" in told
    assert "Incomplete" not in told
    assert told.count("dissents") == 4  # two layers, both of them
    assert "strong yes" in words(mia.browser.open(f"{place}/compare"))


def test_an_empty_list_and_an_empty_requisition_say_what_to_do(enter: Enter, mia: Person, unit: UnitFactory) -> None:
    ann = enter("ann")
    assert "You are on no panel of this workspace." in words(ann.browser.open("/hiring"))
    assert "Open a requisition" in words(mia.browser.open("/hiring"))
    place = f"/hiring/{open_requisition(unit, mia.actor, ann.actor)}"
    assert "Add a candidate below" in words(mia.browser.open(place))
    assert "Nobody is here yet." in words(ann.browser.open(place))
    assert "Nobody is here to compare yet." in words(ann.browser.open(f"{place}/compare"))


def test_what_was_typed_comes_back_with_what_is_wrong(mia: Person, unit: UnitFactory, queued: list[str]) -> None:
    refused = mia.browser.send("/hiring", title="x" * 121, role="ml-engineer", layers=["systems-thinking"])
    page = refused.get_data(as_text=True)
    assert refused.status_code == 400
    assert "at most 120 characters" in page
    assert 'value="systems-thinking" checked' in page
    place = f"/hiring/{open_requisition(unit, mia.actor)}"
    for source, email, told in (
        ("https://127.0.0.1/a/b", AUTHOR, "are not fetched here"),
        (SOURCE, "no address", "is no e-mail address"),
    ):
        answer = mia.browser.send(f"{place}/candidates", shown_at=place, source=source, email=email, contact="phone")
        page = answer.get_data(as_text=True)
        assert answer.status_code == 400
        assert told in words(page)
        assert f'value="{source}"' in page
        assert 'value="phone"' in page
    assert queued == []
    assert "Nobody is here yet." in words(mia.browser.open(place))  # nothing half-made


def test_a_manager_adds_another_repository_and_scans_again(mia: Person, unit: UnitFactory, queued: list[str]) -> None:
    requisition_id = open_requisition(unit, mia.actor)
    place = f"/hiring/{requisition_id}/{add_candidate(unit, mia.actor, requisition_id, email=None)}"
    assert "No address in commits is known to be theirs" in words(mia.browser.open(place))
    answer = mia.browser.send(f"{place}/repositories", shown_at=place, source=SOURCE + "-2", email=AUTHOR)
    assert answer.location == place
    repository = load(unit, requisition_id, int(place.split("/")[-1])).repositories[0].id
    assert mia.browser.send(f"{place}/repositories/{repository}/rescan", shown_at=place).status_code == 302
    assert len(queued) == 2
    assert f"Counted as theirs: {AUTHOR}." in words(mia.browser.open(place))
    refused = mia.browser.send(f"{place}/repositories", shown_at=place, source="nonsense", email=AUTHOR)
    assert refused.status_code == 400
    assert f'value="{AUTHOR}"' in refused.get_data(as_text=True)


def test_who_has_looked_at_the_reviews_cannot_join_and_is_told_why(
    enter: Enter, mia: Person, unit: UnitFactory
) -> None:
    ann = enter("ann")
    requisition_id = open_requisition(unit, mia.actor, ann.actor)
    candidate_id = add_candidate(unit, mia.actor, requisition_id)
    place = f"/hiring/{requisition_id}"
    mia.browser.open(f"{place}/{candidate_id}")  # nothing is in yet, so that nothing was seen
    hand_in(unit, ann.actor, requisition_id, candidate_id)
    mia.browser.open(f"{place}/compare.csv")
    answer = mia.browser.send(f"{place}/panel", shown_at=place, **{"panel-user": str(mia.actor.user_id)})
    assert answer.status_code == 400
    assert "They have seen reviews of this requisition" in words(answer.get_data(as_text=True))
    with unit() as u:
        looks = u.session.scalars(select(Look.place).order_by(Look.id)).all()
        told = u.looks.at(load(unit, requisition_id, candidate_id).person_id)
    assert looks == [f"hiring:{requisition_id}", f"hiring:{requisition_id}:compare"]
    assert [one.place for one in told] == [f"hiring:{requisition_id}"]  # not that there was something to see


# Reviews


def test_a_draft_is_kept_and_a_review_is_handed_in_once_and_amended_with_a_reason(
    enter: Enter, mia: Person, unit: UnitFactory
) -> None:
    ann = enter("ann")
    requisition_id = open_requisition(unit, mia.actor, ann.actor)
    place = f"/hiring/{requisition_id}/{add_candidate(unit, mia.actor, requisition_id)}"
    note = f"note-{topics(unit.catalogue)[0]}"
    drafted = ann.browser.send(
        f"{place}/review/draft", shown_at=f"{place}/review", **(ratings(unit) | {note: "so far"})
    )
    assert drafted.location == f"{place}/review"
    page = ann.browser.open(f"{place}/review")
    assert "so far" in page
    assert page.count('value="3" id=') == page.count('value="3" id=') > 5
    assert "your draft is saved" in words(ann.browser.open(f"/hiring/{requisition_id}"))
    empty = ann.browser.send(f"{place}/review", **(ratings(unit, "") | {note: "kept"}))
    assert empty.status_code == 400
    assert "kept" in empty.get_data(as_text=True)
    assert ann.browser.send(f"{place}/review", **ratings(unit, "3.5")).status_code == 302
    assert "Amend your review" in words(ann.browser.open(f"{place}/review"))
    late = ann.browser.send(f"{place}/review", **ratings(unit, "1"))
    assert late.status_code == 409
    assert "amend it and say why" in words(late.get_data(as_text=True))
    amended = ann.browser.send(
        f"{place}/review/amend", shown_at=f"{place}/review", reason="I had missed the tests.", **ratings(unit, "4")
    )
    assert amended.location == place
    told = words(mia.browser.open(place))
    assert "amended 1 time" in told
    assert "I had missed the tests." in told


def test_a_member_taken_off_the_panel_is_told_so_and_others_are_not_asked(
    enter: Enter, mia: Person, unit: UnitFactory
) -> None:
    ann = enter("ann")
    requisition_id = open_requisition(unit, mia.actor, ann.actor, mia.actor)
    place = f"/hiring/{requisition_id}/{add_candidate(unit, mia.actor, requisition_id)}"
    ann.browser.send(f"{place}/review/draft", shown_at=f"{place}/review", **ratings(unit))
    token = re.search(r'name="csrf_token" value="([^"]+)"', ann.browser.open(f"{place}/review"))
    assert token is not None
    left = mia.browser.send(f"/hiring/{requisition_id}/panel/{ann.actor.user_id}/remove", shown_at=place)
    assert left.status_code == 302
    sent = ann.browser.client.post(f"{place}/review", data={"csrf_token": token[1], **ratings(unit)})
    assert sent.status_code == 404
    mia.browser.send(f"{place}/review", **ratings(unit))
    assert "1 of 1 reviews" in words(mia.browser.open(place))
    outside = enter("zoe", "manager")
    answer = outside.browser.client.get(f"{place}/review")
    assert answer.status_code == 403
    assert "You are not on the panel" in words(answer.get_data(as_text=True))


# Names taken out


def test_a_panellist_reads_nowhere_whose_work_it_is(enter: Enter, mia: Person, unit: UnitFactory) -> None:
    ann = enter("ann")
    requisition_id = open_requisition(unit, mia.actor, ann.actor)
    candidate_id = add_candidate(unit, mia.actor, requisition_id)
    person_id = load(unit, requisition_id, candidate_id).person_id
    with unit(write=True) as u:
        u.session.execute(update(PersonRow).where(PersonRow.id == person_id).values(name="Augusta King"))
        u.session.execute(
            update(AnalysisFinding).values(
                path="src/zanzibar/augusta_app.py",
                message="ada-lovelace wrote zanzibar, see https://github.com/ada-lovelace/zanzibar",
                wired_by="augusta's route",
                excerpt=f"# by Augusta King <{AUTHOR}>\nimport zanzibar\n" * 8,
            )
        )
        analysis_id = u.portfolio.list(person_id)[0].analyses[0].id
    place = f"/hiring/{requisition_id}"
    here = f"{place}/{candidate_id}"
    evidence = f"{here}/evidence/{analysis_id}/http-api"
    paths = (place, here, f"{here}/review", evidence, f"{here}/decision", f"{place}/compare", f"{place}/compare.csv")
    tells = re.compile(r"zanzibar|ada-lovelace|lovelace|augusta|\bking\b|555-0100|a{10}|github\.com", re.IGNORECASE)
    for path in paths:
        assert tells.findall(ann.browser.open(path)) == [], path
    hand_in(unit, ann.actor, requisition_id, candidate_id)
    for path in paths:
        assert tells.findall(ann.browser.open(path)) == [], path
    told = words(ann.browser.open(evidence))
    assert "src/Repository 1/…_app.py" in told
    assert "import Repository 1" in told
    plain = words(mia.browser.open(evidence))
    assert "src/zanzibar/augusta_app.py" in plain
    assert "by Augusta King" in plain
    assert "555-0100" in words(mia.browser.open(here))


def test_evidence_is_of_the_candidate_and_never_what_speaks_against_them(
    enter: Enter, mia: Person, unit: UnitFactory
) -> None:
    requisition_id = open_requisition(unit, mia.actor)
    candidate_id = add_candidate(unit, mia.actor, requisition_id)
    other = add_candidate(unit, mia.actor, requisition_id, SOURCE + "2")
    person_id = load(unit, requisition_id, candidate_id).person_id
    with unit() as u:
        analysis_id = u.portfolio.list(person_id)[0].analyses[0].id
    place = f"/hiring/{requisition_id}"
    mia.browser.open(f"{place}/{candidate_id}/evidence/{analysis_id}/docker")
    mia.browser.open(f"{place}/{other}/evidence/{analysis_id}/docker", status=404)
    mia.browser.open(f"{place}/{candidate_id}/evidence/{analysis_id}/secrets", status=404)


# Compared


def test_the_comparison_tells_agreement_severity_and_splits(enter: Enter, mia: Person, unit: UnitFactory) -> None:
    ann, ben = enter("ann"), enter("ben")
    requisition_id = open_requisition(unit, mia.actor, ann.actor, ben.actor)
    candidates = [add_candidate(unit, mia.actor, requisition_id, f"{SOURCE}-{number}") for number in range(3)]
    place = f"/hiring/{requisition_id}/compare"
    hand_in(unit, ann.actor, requisition_id, candidates[0], 4.5)
    page = words(ann.browser.open(place))
    assert "No agreement yet. It takes two reviews to compare: only one reviewer's ratings may be shown yet." in page
    assert "shown without the panel's reviews, until your own is handed in" in page
    for number, candidate_id in enumerate(candidates[1:]):
        hand_in(unit, ann.actor, requisition_id, candidate_id, 2.5 + number)
    for number, candidate_id in enumerate(candidates):
        hand_in(unit, ben.actor, requisition_id, candidate_id, 1.0 + number)
    html = mia.browser.open(place)
    page = words(html)
    assert "by Krippendorff's alpha, over" in page
    assert "ann@example.org 4.5" in page
    assert html.count('role="img"') == 3
    assert "No agreement yet" not in page
    severities = dict(re.findall(r"(ann|ben)@example\.org: ([+−]\d\.\d) ± \d\.\d", page))
    assert severities["ann"].startswith("+")  # the milder of the two
    assert severities["ben"].startswith("−")
    rows = list(csv.reader(io.StringIO(mia.browser.open(f"{place}.csv"))))
    assert len(rows) == 1 + 3 * 10
    assert rows[0][:3] == ["candidate", "layer", "level"]
    assert {row[7] for row in rows[1:]} == {"2"}


def test_many_candidates_are_compared_some_at_a_time(mia: Person, unit: UnitFactory) -> None:
    requisition_id = open_requisition(unit, mia.actor)
    with unit(write=True) as u:
        requisition = u.hiring.requisition(requisition_id)
        for _ in range(60):
            u.hiring.new_candidate(mia.actor, requisition, None, how="invitation")
    page = mia.browser.open(f"/hiring/{requisition_id}/compare")
    assert page.count('role="img"') == 12
    assert "Page 1 of 5" in words(page)
    assert mia.browser.open(f"/hiring/{requisition_id}/compare?page=5").count('role="img"') == 12
    assert "Nobody is here to compare" in words(mia.browser.open(f"/hiring/{requisition_id}/compare?page=99"))
    assert len(gzip.compress(mia.browser.open(f"/hiring/{requisition_id}").encode())) < 30_000


# Candidates


def test_a_candidate_comes_by_a_link_and_goes(
    app: Flask, mia: Person, visitor: Browser, unit: UnitFactory, clock: Clock
) -> None:
    place = f"/hiring/{open_requisition(unit, mia.actor, title='ML engineer, Bern')}"
    sent = mia.browser.send(f"{place}/invitations", shown_at=place, **{"invite-contact": "by phone"})
    assert sent.location == place
    link = link_of(mia.browser.open(place))
    assert "<code>http" not in mia.browser.open(place)  # shown once
    page = words(visitor.open(link))
    for told in ("main invites you", "ML engineer, Bern", "180 days after the search is closed", "under a code name",
                 "No decision is made automatically"):  # fmt: skip
        assert told in page
    refused = visitor.send(link, name="Grace Hopper")
    assert refused.status_code == 400
    assert "Without your consent nothing is stored" in refused.get_data(as_text=True)
    assert 'value="Grace Hopper"' in refused.get_data(as_text=True)
    assert visitor.send(link, name="Grace Hopper", consent="y").location == "/application"
    page = visitor.open("/application")
    assert "Add a repository" in page
    assert ">Team<" not in page
    for path in ("/me", "/portfolio", "/quiz", "/settings", "/settings/export"):
        visitor.open(path)
    for path in ("/hiring", "/team", "/settings/password", "/settings/second-factor", "/settings/passkeys"):
        assert visitor.client.get(path).status_code == 403, path
    assert visitor.send("/portfolio", source=SOURCE).status_code == 302
    told = words(visitor.open("/application"))
    assert "1 added, 0 analysed" in told
    assert "as the managers noted it" in told
    assert "Nobody so far." in told
    mia.browser.open(f"{place}/1")
    assert "mia@example.org" in words(visitor.open("/application"))
    assert "token_hash" not in visitor.open("/settings/export")

    again = Browser(app.test_client())
    assert "Welcome back." in again.open(link)
    assert again.send(link).location == "/application"
    for act, asked in (("close", False), ("reopen", True)):
        mia.browser.send(f"{place}/{act}", shown_at=place)
        page = words(visitor.open("/application"))
        assert ("Take the quiz" in page) == asked, act
    assert visitor.send("/application/withdraw", shown_at="/application").location == "/"
    assert "everything that was stored about you here is deleted" in visitor.open("/")
    assert again.client.get("/application").status_code == 302
    visitor.open(link, status=404)
    assert "Nobody is here yet." in words(mia.browser.open(place))


def test_a_link_that_is_over_says_so(mia: Person, visitor: Browser, unit: UnitFactory, clock: Clock) -> None:
    place = f"/hiring/{open_requisition(unit, mia.actor)}"
    mia.browser.send(f"{place}/invitations", shown_at=place)
    link = link_of(mia.browser.open(place))
    mia.browser.send(f"{place}/1/invitation/revoke", shown_at=f"{place}/1")
    assert "This invitation was revoked" in words(visitor.open(link, status=410))
    mia.browser.send(f"{place}/1/invitation", shown_at=f"{place}/1")
    newer = link_of(mia.browser.open(place))
    visitor.open(link, status=404)
    visitor.open(newer)
    clock.forward(days=30)
    visitor.open(newer, status=410)
    visitor.open("/invitation/" + "x" * 43, status=404)


def test_opening_a_link_in_a_browser_that_is_signed_in_says_so_and_signs_that_out(
    mia: Person, unit: UnitFactory
) -> None:
    place = f"/hiring/{open_requisition(unit, mia.actor)}"
    mia.browser.send(f"{place}/invitations", shown_at=place)
    link = link_of(mia.browser.open(place))
    with mia.browser.client.session_transaction() as session:
        key = session[SESSION_KEY]
        session["draft"] = "x" * 43
    assert "You are signed in as mia@example.org" in words(mia.browser.open(link))
    assert mia.browser.send(link, consent="y").status_code == 302
    with unit() as u:
        assert u.account.actor(key) is None
    assert "Your application" in mia.browser.open("/application")


def test_invitations_are_limited(visitor: Browser) -> None:
    answers = [visitor.client.get("/invitation/" + "x" * 43).status_code for _ in range(121)]
    assert answers[-2:] == [404, 429]


def test_what_others_answered_in_the_browser_does_not_become_a_candidates(
    mia: Person, visitor: Browser, unit: UnitFactory
) -> None:
    place = f"/hiring/{open_requisition(unit, mia.actor)}"
    mia.browser.send(f"{place}/invitations", shown_at=place)
    link = link_of(mia.browser.open(place))
    layers = {f"layer-{layer.key}": "4" for layer in unit.catalogue.framework.layers}
    visitor.send("/start", role="ml-engineer", **layers)
    visitor.send(link, consent="y")
    assert json.loads(visitor.open("/settings/export"))["self_ratings"] == []
    with visitor.client.session_transaction() as session:
        assert session["draft"]


# The demo user, and what pages cost


def test_the_demo_user_looks_and_changes_nothing(enter: Enter, mia: Person, unit: UnitFactory) -> None:
    demo = enter("demo", "manager", demo=True)
    requisition_id = open_requisition(unit, mia.actor, demo.actor)
    candidate_id = add_candidate(unit, mia.actor, requisition_id)
    place = f"/hiring/{requisition_id}"
    here = f"{place}/{candidate_id}"
    for path in ("/hiring", place, here, f"{here}/review", f"{here}/decision", f"{place}/compare"):
        page = demo.browser.open(path)
        posts = [
            found for found in re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', page) if "hiring" in found
        ]
        assert posts == [], path
    for path in (
        *("/hiring", f"{place}/close", f"{place}/panel", f"{place}/candidates", f"{place}/invitations"),
        *(f"{here}/review", f"{here}/review/draft", f"{here}/review/amend", f"{here}/decision", f"{here}/remove"),
        *(f"{here}/invitation", f"{here}/invitation/revoke", f"{here}/repositories"),
    ):
        answer = demo.browser.send(path, shown_at="/hiring")
        assert answer.status_code == 403, path


def filled(unit: UnitFactory, mia: Person, panel: list[Actor]) -> tuple[int, int, str]:
    """Return requisition, candidate and analysis of a world as people have it: four candidates, most reviews in."""
    requisition_id = open_requisition(unit, mia.actor, *panel)
    candidates = [add_candidate(unit, mia.actor, requisition_id, f"{SOURCE}-{number}") for number in range(4)]
    for number, who in enumerate(panel):
        for candidate_id in candidates:
            hand_in(unit, who, requisition_id, candidate_id, 1.0 + number, "What I saw was sound, mostly.")
    with unit(write=True) as u:
        one = u.hiring.candidate(requisition_id, candidates[0], lock=True, decisions=True)
        u.panel.decide(mia.actor, one, "yes", "It holds.")
        analysis_id = u.portfolio.list(one.person_id)[0].analyses[0].id
    return requisition_id, candidates[0], analysis_id


@pytest.mark.parametrize("who", ["manager", "panellist"])
def test_every_page_is_cheap_also_at_the_first_look_of_a_day(
    enter: Enter, mia: Person, unit: UnitFactory, statements: list[str], clock: Clock, who: str
) -> None:
    ann, ben, cy = enter("ann"), enter("ben"), enter("cy")
    requisition_id, candidate_id, analysis_id = filled(unit, mia, [ann.actor, ben.actor, cy.actor])
    viewer = mia if who == "manager" else ann
    place, here = f"/hiring/{requisition_id}", f"/hiring/{requisition_id}/{candidate_id}"
    paths = ["/hiring", place, here, f"{here}/evidence/{analysis_id}/docker", f"{here}/decision", f"{place}/compare"]
    paths += [f"{place}/compare.csv"] + ([f"{here}/review"] if who == "panellist" else [])
    spent: dict[str, list[int]] = {}
    for path in paths:
        clock.forward(days=1)  # so that the look is new
        viewer.browser.open("/hiring")  # and that the session is known to be in use
        for _ in range(2):
            statements.clear()
            page = viewer.browser.open(path)
            spent.setdefault(path, []).append(len(statements))
        assert len(gzip.compress(page.encode())) < 30_000
        print(path, spent[path], len(gzip.compress(page.encode())))
    assert {path: counts for path, counts in spent.items() if max(counts) > 8} == {}


def test_the_pages_of_a_candidate_are_cheap(
    mia: Person, visitor: Browser, unit: UnitFactory, statements: list[str]
) -> None:
    place = f"/hiring/{open_requisition(unit, mia.actor)}"
    mia.browser.send(f"{place}/invitations", shown_at=place)
    link = link_of(mia.browser.open(place))
    visitor.send(link, consent="y")
    for path in (link, "/application"):
        statements.clear()
        page = visitor.open(path)
        print(path[:12], len(statements), len(gzip.compress(page.encode())))
        assert len(statements) <= 8
