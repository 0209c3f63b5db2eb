"""Reviews as both sides live them: asked, drafted, handed in, amended; and what two tabs and people who leave do to them."""

from __future__ import annotations

import gzip
import re
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from assessor.content.schema import Catalogue
from assessor.factory import create_app
from assessor.models.hiring import Candidate, Requisition
from assessor.models.profile import Look
from assessor.services.unit import UnitFactory
from assessor.web.access import SESSION_KEY
from tests.services.conftest import Clock, sign_up
from tests.services.test_rubric import without
from tests.web.clients import add, demo_person, finish, words
from tests.web.conftest import Browser, Person

LAYER, NAME = "data-engineering", "Data Engineering Discipline"
CLEANING, FEATURES, STREAMING = "cleaning-pipelines", "feature-engineering", "streaming-ingestion"
NOTE = "Idempotent <b>and</b> tested."


@pytest.fixture
def bob(app: Flask, unit: UnitFactory, ada: Person) -> Person:
    """Return a colleague, who came after ada."""
    who = sign_up(unit, "bob@example.org", "member")
    with unit(write=True) as u:
        key = u.account.sign_in(who.user_id)
    browser = Browser(app.test_client())
    with browser.client.session_transaction() as session:
        session[SESSION_KEY] = key
    return Person(who, browser)


@pytest.fixture
def asked(unit: UnitFactory, ada: Person, bob: Person) -> str:
    """Return the address of a review of ada that bob was asked for."""
    with unit(write=True) as u:
        return f"/reviews/{u.review.ask_peer(ada.actor, bob.actor.user_id, LAYER).id}"


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found is not None, f"the page has no {name}"
    return found[1]


def sheet(person: Person, address: str) -> dict[str, str]:
    """Open the form of a review and return what stands hidden in it, as a tab that stays open holds it."""
    page = person.browser.open(address)
    return {name: hidden(page, name) for name in ("csrf_token", "stamp")}


def send(person: Person, address: str, opened: dict[str, str], **fields: str) -> TestResponse:
    return person.browser.client.post(address, data={**opened, **fields})


def given(**ratings: str) -> dict[str, str]:
    """Return the fields of ratings; names of topics with underscores."""
    return {f"topic-{key.replace('_', '-')}": value for key, value in ratings.items()}


GIVEN = given(cleaning_pipelines="3", feature_engineering="2.5") | {f"note-{CLEANING}": NOTE}


def hand_in(person: Person, address: str, **fields: str) -> None:
    answer = send(person, f"{address}/submit", sheet(person, address), **(fields or GIVEN))
    assert answer.status_code == 302, words(answer.get_data(as_text=True))


def chosen(page: str, topic: str) -> str | None:
    found = re.search(rf'name="topic-{topic}" value="([^"]*)"[^>]* checked', page)
    return found[1] if found else None


# Of oneself


def test_somebody_reviews_themselves_topic_by_topic(ada: Person, catalogue: Catalogue) -> None:
    answer = ada.browser.send("/reviews/self", shown_at="/reviews", **{"self-layer": LAYER})
    page = ada.browser.open(answer.location)
    topics = catalogue.framework.layers[2].topics
    assert all(sentence in unescape(page) for topic in topics for sentence in topic.anchors)
    assert page.count('type="radio"') == len(topics) * 12
    assert [chosen(page, topic.key) for topic in topics] == [""] * len(topics)
    assert "No repository shows anything of this layer." in words(page)

    sent = send(ada, f"{answer.location}/draft", sheet(ada, answer.location), **given(cleaning_pipelines="0.5"))
    assert sent.location == answer.location
    assert chosen(ada.browser.open(answer.location), CLEANING) == "0.5"
    assert "draft saved" in words(ada.browser.open("/reviews"))
    assert "not measured" in words(ada.browser.open(f"/me/layers/{LAYER}"))

    hand_in(ada, answer.location)
    page = ada.browser.open(answer.location)
    assert "<textarea" not in page
    assert "They count as self-ratings." in words(page)
    assert "Idempotent &lt;b&gt;and&lt;/b&gt; tested." in page
    assert answer.location in ada.browser.open(f"/me/layers/{LAYER}")


def test_one_that_is_open_is_gone_on_with(ada: Person) -> None:
    first, second = (
        ada.browser.send("/reviews/self", shown_at="/reviews", **{"self-layer": LAYER}).location for _ in range(2)
    )
    assert first == second
    for layer, told in (("alchemy", "There is no such layer. Choose one of the ten."), ("", "Choose a layer.")):
        answer = ada.browser.send("/reviews/self", shown_at="/reviews", **{"self-layer": layer})
        assert answer.status_code == 400
        assert told in words(answer.get_data(as_text=True))


def test_one_that_is_thrown_away_leaves_nothing(ada: Person) -> None:
    address = ada.browser.send("/reviews/self", shown_at="/reviews", **{"self-layer": LAYER}).location
    send(ada, f"{address}/draft", sheet(ada, address), **GIVEN)
    assert ada.browser.send(f"{address}/end", shown_at=address).location == "/reviews"
    page = ada.browser.open(address)
    assert "You threw it away: what was drafted is gone, and nothing of it counts." in words(page)
    assert "Idempotent" not in page


# By a colleague


def test_nobody_is_asked_by_accident(ada: Person, bob: Person) -> None:
    page = ada.browser.open(f"/reviews?layer={LAYER}")
    assert page.count(f'<option selected value="{LAYER}">') == 2
    assert f'<option selected value="{bob.actor.user_id}">' not in page
    for reviewer, layer, told in (
        ("", LAYER, "Choose a colleague."),
        (str(bob.actor.user_id), "", "Choose a layer."),
        ("4711", LAYER, "There is no such colleague in this workspace."),
        (str(ada.actor.user_id), LAYER, "There is no such colleague in this workspace."),
    ):
        fields = {"ask-reviewer": reviewer, "ask-layer": layer}
        answer = ada.browser.send("/reviews/ask", shown_at="/reviews", **fields)
        assert answer.status_code == 400
        assert told in words(answer.get_data(as_text=True))
    assert "Nobody has asked you for a review." in words(bob.browser.open("/reviews"))


def test_a_colleague_is_asked_and_both_sides_see_what_is_theirs_to_see(ada: Person, bob: Person) -> None:
    page = ada.browser.open("/reviews")
    assert "By asking you let them see what your repositories show of this layer" in words(page)
    fields = {"ask-reviewer": str(bob.actor.user_id), "ask-layer": LAYER}
    assert ada.browser.send("/reviews/ask", shown_at="/reviews", **fields).location == "/reviews"
    again = ada.browser.send("/reviews/ask", shown_at="/reviews", **fields)
    assert again.status_code == 400
    assert "You asked this colleague for a review of this layer already." in words(again.get_data(as_text=True))

    found = re.search(r'href="(/reviews/\d+)"', bob.browser.open("/reviews"))
    assert found is not None
    address = found[1]
    assert "Review of ada@example.org" in words(bob.browser.open(address))
    send(bob, f"{address}/draft", sheet(bob, address), **GIVEN)
    waiting = ada.browser.open(address)
    assert "has not handed it in yet" in words(waiting)
    assert "Idempotent" not in waiting
    assert "cannot judge" not in waiting
    assert ada.browser.open("/reviews").count("draft saved") == 0

    hand_in(bob, address)
    page = words(ada.browser.open(address))
    assert "Review by bob@example.org" in page
    assert "Data cleaning pipelines 3.0 3 Turns cleaning into idempotent" in page
    assert "2 Adds lags" in page  # 2.5 stands between two sentences
    assert "3 Defines features once" in page
    assert "Streaming ingestion cannot judge" in page
    assert "Idempotent <b>and</b> tested." in page
    assert "by bob@example.org ✓ handed in 2 Mar 2026" in words(ada.browser.open("/reviews"))


def test_an_amendment_leaves_a_trace_that_both_sides_read(ada: Person, bob: Person, asked: str, clock: Clock) -> None:
    hand_in(bob, asked)
    clock.forward(days=4)
    form = f"{asked}?amend=yes"
    assert chosen(bob.browser.open(form), CLEANING) == "3"
    changed = given(cleaning_pipelines="", feature_engineering="4") | {f"note-{CLEANING}": "Saw none of it."}
    refused = send(bob, f"{asked}/amend", sheet(bob, form), **changed)
    page = refused.get_data(as_text=True)
    assert refused.status_code == 400
    assert "Say why in 1 to 500 characters" in words(page)
    assert (chosen(page, CLEANING), chosen(page, FEATURES)) == ("", "4")
    assert "Saw none of it." in page

    sent = send(bob, f"{asked}/amend", sheet(bob, form), reason="I had mixed up two people.", **changed)
    assert sent.location == asked
    for side in (ada, bob):
        text = words(side.browser.open(asked))
        assert "Version 2, 6 Mar 2026, 09:30 UTC I had mixed up two people." in text
        assert "Data cleaning pipelines: 3.0 → cannot judge , note changed" in text
        assert "Feature engineering: 2.5 → 4.0" in text
        assert "Version 1, 2 Mar 2026" in text
        assert "Streaming ingestion:" not in text
    assert f"{asked}?amend=yes" not in ada.browser.open(asked)
    assert "<textarea" not in ada.browser.open(form)  # the other side is not shown the form


def test_only_the_reviewer_writes(ada: Person, asked: str) -> None:
    for end in ("draft", "submit", "amend"):
        assert ada.browser.send(f"{asked}/{end}", shown_at=asked, **GIVEN).status_code == 403


def test_whoever_was_asked_may_decline_and_whoever_asked_may_take_it_back(
    unit: UnitFactory, ada: Person, bob: Person, asked: str
) -> None:
    assert bob.browser.send(f"{asked}/end", shown_at=asked).location == "/reviews"
    assert "bob@example.org declined this review" in words(ada.browser.open(asked))
    assert "You declined this review." in words(bob.browser.open(asked))
    with unit(write=True) as u:
        second = f"/reviews/{u.review.ask_peer(ada.actor, bob.actor.user_id, LAYER).id}"
    assert ada.browser.send(f"{second}/end", shown_at=second).location == "/reviews"
    assert "It was taken back, or somebody left the workspace." in words(bob.browser.open(second))


# Two tabs, and errors


def test_handed_in_twice_is_once_and_something_else_becomes_an_amendment(bob: Person, asked: str) -> None:
    first = second = sheet(bob, asked)
    assert send(bob, f"{asked}/submit", first, **GIVEN).location == asked
    assert send(bob, f"{asked}/submit", second, **GIVEN).location == asked
    for end in ("submit", "draft"):
        answer = send(bob, f"{asked}/{end}", second, **given(cleaning_pipelines="5"), **{f"note-{FEATURES}": "More."})
        page = answer.get_data(as_text=True)
        assert answer.status_code == 409
        assert "This review was handed in already. To change what was handed in, amend it and say why." in words(page)
        assert chosen(page, CLEANING) == "5"
        assert "More." in page
        assert f'action="{asked}/amend"' in page
    opened = {name: hidden(page, name) for name in ("csrf_token", "stamp")}
    sent = send(bob, f"{asked}/amend", opened, reason="Saw more.", **given(cleaning_pipelines="5"))
    assert sent.location == asked


def test_a_forgotten_tab_does_not_take_the_place_of_newer_work_unless_sent_again(bob: Person, asked: str) -> None:
    forgotten = sheet(bob, asked)
    send(bob, f"{asked}/draft", sheet(bob, asked), **GIVEN)
    assert send(bob, f"{asked}/draft", forgotten, **GIVEN).status_code == 302  # the same: nothing is lost
    for end in ("draft", "submit"):
        answer = send(bob, f"{asked}/{end}", forgotten, **given(cleaning_pipelines="1"))
        page = answer.get_data(as_text=True)
        assert answer.status_code == 409
        assert "Something else was saved in another window" in words(page)
        assert chosen(page, CLEANING) == "1"
    assert chosen(bob.browser.open(asked), CLEANING) == "3"
    again = {name: hidden(page, name) for name in ("csrf_token", "stamp")}
    assert send(bob, f"{asked}/draft", again, **given(cleaning_pipelines="1")).status_code == 302
    assert chosen(bob.browser.open(asked), CLEANING) == "1"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (given(cleaning_pipelines=""), "Rate at least one topic"),
        (given(cleaning_pipelines="3.7"), "Not a valid choice"),
        (given(feature_engineering="2") | {f"note-{CLEANING}": "<i>" * 700}, "A note has at most 2,000 characters."),
    ],
)
def test_an_error_keeps_what_was_written(bob: Person, asked: str, fields: dict[str, str], told: str) -> None:
    fields |= {f"note-{STREAMING}": "<u>kept</u>"}
    answer = send(bob, f"{asked}/submit", sheet(bob, asked), **fields)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert told in words(page)
    assert "&lt;u&gt;kept&lt;/u&gt;" in page
    assert "<u>kept" not in page
    assert chosen(page, FEATURES) == fields.get(f"topic-{FEATURES}", "")


# People who leave


def test_a_reviewer_who_left_gets_the_text_of_an_old_tab_back(
    unit: UnitFactory, ada: Person, bob: Person, asked: str
) -> None:
    send(bob, f"{asked}/draft", sheet(bob, asked), **{f"note-{CLEANING}": "Drafted before."})
    opened = sheet(bob, asked)
    assert bob.actor.workspace_id is not None
    with unit(write=True) as u:
        u.workspace.leave(bob.actor, bob.actor.workspace_id)
    answer = send(bob, f"{asked}/submit", opened, **GIVEN)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "This review has ended: it was taken back, or somebody left the workspace." in words(page)
    assert "What you wrote is below, and not saved." in words(page)
    assert "Idempotent &lt;b&gt;and&lt;/b&gt; tested." in page
    assert chosen(page, CLEANING) == "3"
    assert ">Hand in<" not in page
    for side in (ada, bob):
        page = side.browser.open(asked)
        assert "somebody left the workspace" in words(page)
        assert "Drafted before." not in page
    assert "Nobody else is in main yet." in words(ada.browser.open("/reviews"))


def test_a_review_stays_when_its_reviewer_deletes_their_account(
    unit: UnitFactory, ada: Person, bob: Person, asked: str
) -> None:
    hand_in(bob, asked)
    with unit(write=True) as u:
        u.account.delete(bob.actor.user_id)
    assert "Review by somebody who left" in words(ada.browser.open(asked))
    assert "bob@" not in ada.browser.open("/reviews")


def test_a_review_goes_with_the_person_it_is_about(unit: UnitFactory, ada: Person, bob: Person, asked: str) -> None:
    opened = sheet(bob, asked)
    with unit(write=True) as u:
        u.account.delete(ada.actor.user_id)
    bob.browser.open(asked, status=404)
    assert send(bob, f"{asked}/submit", opened, **GIVEN).status_code == 404
    assert "Nobody has asked you for a review." in words(bob.browser.open("/reviews"))


# Evidence beside the rubric


@pytest.fixture
def analysis(unit: UnitFactory, ada: Person) -> str:
    with unit(write=True) as u:
        u.identity.confirm(ada.id, "ada@example.org", "mail")
        u.profile.rate(ada.id, "ml-engineer", {LAYER: 4.5})
    _, made = add(unit, ada.id)
    finish(unit, made, {"data-validation": 3, "docker": 4, "secrets": 2}, "ada@example.org")
    return made


def test_a_colleague_sees_the_evidence_of_the_layer_and_no_level(
    bob: Person, ada: Person, asked: str, analysis: str
) -> None:
    link = f"{asked}/evidence/{analysis}/data-validation"
    page = bob.browser.open(asked)
    assert link in page
    assert "app/main.py:12 shows data-validation" in words(page)
    assert "There is also: self-rating, 2 Mar 2026" in words(page)
    beside = page.partition("<aside")[2].partition("</aside>")[0]
    assert "self-rating" in beside
    assert "4.5" not in beside
    assert "docker" not in page

    page = bob.browser.open(link)
    assert "line 12" in words(page)
    assert "/me/layers/" not in page
    assert "/portfolio" not in page.partition("<main")[2]
    assert NAME in words(page)
    for other in ("docker", "secrets", "no-such-signal"):
        bob.browser.open(f"{asked}/evidence/{analysis}/{other}", status=404)
    assert f"/evidence/{analysis}/data-validation" in ada.browser.open(
        ada.browser.send("/reviews/self", shown_at="/reviews", **{"self-layer": LAYER}).location
    )


def test_evidence_is_shown_no_more_when_a_review_has_ended(bob: Person, asked: str, analysis: str) -> None:
    link = f"{asked}/evidence/{analysis}/data-validation"
    bob.browser.open(link)
    bob.browser.send(f"{asked}/end", shown_at=asked)
    bob.browser.open(link, status=404)
    assert link not in bob.browser.open(asked)


def test_every_look_at_evidence_is_recorded_once_a_day(
    unit: UnitFactory, ada: Person, bob: Person, asked: str, analysis: str, clock: Clock
) -> None:
    def looks() -> list[tuple[str, str]]:
        with unit() as u:
            return [(one.viewer, one.place) for one in u.session.scalars(select(Look).order_by(Look.id))]

    ada.browser.open(asked)
    assert looks() == []
    place = ("bob@example.org", asked.removeprefix("/").replace("reviews/", "review:"))
    for address in (asked, asked, f"{asked}/evidence/{analysis}/data-validation"):
        bob.browser.open(address)
        assert looks() == [place]
    clock.forward(days=1)
    bob.browser.open(f"{asked}/evidence/{analysis}/data-validation")
    assert looks() == [place, place]


# Who else


def test_a_panels_review_has_no_page_here(unit: UnitFactory, ada: Person, bob: Person, analysis: str) -> None:
    candidate_id = _candidate(unit, ada, ada.id)
    with unit(write=True) as u:
        candidate = u.session.get_one(Candidate, candidate_id)
        address = f"/reviews/{u.review.panel(candidate, bob.actor.user_id, [LAYER]).id}"
    for person in (bob, ada):
        person.browser.open(address, status=404)
        person.browser.open(f"{address}/evidence/{analysis}/data-validation", status=404)
        for end in ("draft", "submit", "amend", "end"):
            assert person.browser.send(f"{address}/{end}", shown_at="/reviews", **GIVEN).status_code == 404
        assert address not in person.browser.open("/reviews")


def test_a_candidate_reviews_themselves_and_sees_no_colleagues(
    app: Flask, unit: UnitFactory, ada: Person, bob: Person
) -> None:
    with unit(write=True) as u:
        user = u.account.create("cy@example.org", "hash", roles=())
        assert user.person is not None
        user_id, person_id = user.id, user.person.id
    _candidate(unit, ada, person_id)
    with unit(write=True) as u:
        key = u.account.sign_in(user_id)
    browser = Browser(app.test_client())
    with browser.client.session_transaction() as session:
        session[SESSION_KEY] = key
    page = browser.open("/reviews")
    assert "You are here as a candidate: there are no colleagues to ask." in words(page)
    assert "bob@" not in page
    fields = {"ask-reviewer": str(bob.actor.user_id), "ask-layer": LAYER}
    assert browser.send("/reviews/ask", shown_at="/reviews", **fields).status_code == 400
    assert browser.send("/reviews/self", shown_at="/reviews", **{"self-layer": LAYER}).status_code == 302


def test_the_demo_user_looks_and_sends_nothing(app: Flask, unit: UnitFactory) -> None:
    demo = demo_person(app, unit)
    with unit(write=True) as u:
        address = f"/reviews/{u.review.start_self(demo.actor, LAYER).id}"
    assert "The demo user cannot begin reviews." in words(demo.browser.open("/reviews"))
    page = demo.browser.open(address)
    assert "The demo user can look at the form and send nothing." in words(page)
    assert ">Hand in<" not in page
    for end in ("draft", "submit", "amend", "end"):
        assert demo.browser.send(f"{address}/{end}", shown_at=address, **GIVEN).status_code == 403


# A newer framework


def test_a_draft_of_an_older_framework_says_what_changed(
    unit: UnitFactory, bob: Person, asked: str, catalogue: Catalogue
) -> None:
    send(bob, f"{asked}/draft", sheet(bob, asked), **GIVEN)
    newer = UnitFactory(unit.engine, without(catalogue, CLEANING), unit.settings, unit.clock)
    app = create_app(unit.settings, unit=newer, enqueue=lambda _id: None)
    again = Person(bob.actor, Browser(app.test_client()))
    with bob.browser.client.session_transaction() as old, again.browser.client.session_transaction() as session:
        session.update(old)
    page = again.browser.open(asked)
    assert f"This review was begun by framework {catalogue.framework.label}" in words(page)
    assert f"What was written on {CLEANING} is left out" in words(page)
    assert chosen(page, FEATURES) == "2.5"
    hand_in(again, asked, **given(feature_engineering="2.5"))
    assert "Anchors of framework 2+feedfeedfeed" in words(again.browser.open(asked))


# Costs


def test_every_page_is_small_and_takes_few_queries(
    unit: UnitFactory, ada: Person, bob: Person, asked: str, analysis: str, statements: list[str]
) -> None:
    with unit(write=True) as u:
        for layer in ("systems-thinking", "domain-leverage"):
            done = u.review.ask_peer(ada.actor, bob.actor.user_id, layer)
            topic = "finance" if layer == "domain-leverage" else "bottlenecks"
            for rating, reason in ((1.0, ""), (2.0, "Saw more."), (3.0, "Saw all.")):
                if reason:
                    u.review.amend(done, {topic: rating}, {}, reason)
                else:
                    u.review.submit(done, {topic: rating}, {})
    evidence = f"{asked}/evidence/{analysis}/data-validation"
    read = f"/reviews/{done.id}"
    for person, address in (
        *((bob, one) for one in (evidence, asked, f"{read}?amend=yes", read, "/reviews")),
        *((ada, one) for one in (asked, read, "/reviews")),
    ):
        statements.clear()
        page = person.browser.open(address)
        assert len(statements) <= 8, (address, statements)
        assert len(gzip.compress(page.encode())) < 8_000, address


def _candidate(unit: UnitFactory, manager: Person, person_id: int) -> int:
    with unit(write=True) as u:
        requisition = Requisition(
            workspace_id=manager.actor.workspace_id,
            title="ML engineer",
            role_key="ml-engineer",
            role_version=1,
            layers=[LAYER],
            created_at=manager.actor.seen_at,
        )
        candidate = Candidate(
            requisition=requisition, person_id=person_id, code_name="Heron", created_at=manager.actor.seen_at
        )
        u.session.add(candidate)
        u.session.flush()
        return candidate.id
