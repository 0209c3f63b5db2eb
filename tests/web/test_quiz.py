"""The quiz as a person takes it: one question a page, errors that lose nothing, results at the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape

import pytest
from werkzeug.test import TestResponse

from assessor.config import Settings
from assessor.content.schema import Catalogue
from assessor.models.session import make_engine
from assessor.services.unit import UnitFactory
from tests.bank import RIGHT, small_bank
from tests.services.conftest import Clock
from tests.web.clients import demo_person, words
from tests.web.conftest import Person


@pytest.fixture
def unit(settings: Settings, catalogue: Catalogue, clock: Clock) -> Iterator[UnitFactory]:
    factory = UnitFactory(make_engine(settings.database_url), small_bank(catalogue), settings, clock)
    yield factory
    factory.engine.dispose()


def begin(person: Person, **fields: str) -> str:
    """Begin a quiz and return its address."""
    answer = person.browser.send("/quiz", mode=fields.pop("mode", "measured"), layer=fields.pop("layer", ""), **fields)
    assert answer.status_code == 302, words(answer.get_data(as_text=True))
    return answer.location


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="(\d+)"', page)
    assert found is not None
    return found[1]


def send(person: Person, quiz: str, **fields: object) -> TestResponse:
    page = person.browser.open(quiz)
    return person.browser.send(
        f"{quiz}/answer", shown_at=quiz, place=hidden(page, "place"), version=hidden(page, "version"), **fields
    )


def answer(person: Person, quiz: str) -> TestResponse:
    """Answer the question that is shown, rightly where that does not depend on the order of the page."""
    page = person.browser.open(quiz)
    if "What it prints" in page:
        return send(person, quiz, answer=RIGHT["output"][0])
    if "Your number" in page:
        return send(person, quiz, answer=RIGHT["numeric"][0])
    if "Place of each line" in page:
        return send(person, quiz, answer=["1", "2", "3"])
    return send(person, quiz, answer="0", confidence="75")


def test_a_quiz_is_begun_answered_stopped_resumed_and_read(ada: Person) -> None:
    browser = ada.browser
    assert "Begin the quiz" in browser.open("/quiz")
    quiz = begin(ada, domain="finance")
    first = browser.open(quiz)
    assert "Question 1" in first
    assert re.search(r"90% intervals are \d\.\d levels wide", words(first))
    for _ in range(4):
        assert answer(ada, quiz).location == quiz
    assert "Question 5" in browser.open(quiz)
    told = words(browser.open("/quiz"))
    assert "Go on where you stopped" in told
    assert "4 answered" in told
    assert begin(ada) == quiz  # beginning again goes on

    browser.send(f"{quiz}/finish", shown_at=quiz)
    result = browser.open(quiz)
    assert "Levels by this quiz alone" in result
    assert result.count("/questions/") == 4
    read = browser.open(f"{quiz}/questions/1")
    assert "Because it is so." in read
    assert "<code>x = " in read
    assert words(browser.open("/me")).count("✓ verified") >= 4


def test_while_it_is_measured_nothing_tells_which_answers_were_right(ada: Person) -> None:
    quiz = begin(ada)
    answer(ada, quiz)
    told = words(ada.browser.open(quiz))
    assert not re.search(r"right|wrong|correct|✓|✗", told.lower())
    listed = words(ada.browser.open("/quiz"))
    assert "Because it is so" not in listed
    assert ada.browser.client.get(f"{quiz}/questions/1").status_code == 409


def test_practice_shows_the_explanation_at_once(ada: Person) -> None:
    quiz = begin(ada, mode="practice", layer="data-engineering")
    shown = answer(ada, quiz).location
    assert shown.endswith("/questions/1")
    page = ada.browser.open(shown)
    assert "Because it is so." in page
    assert "Next question" in page
    assert "it does not count" in ada.browser.open(quiz)


def test_what_is_no_answer_is_said_and_what_was_written_stays(ada: Person) -> None:
    quiz = begin(ada, layer="mathematical-foundations")
    for _ in range(4):
        page = ada.browser.open(quiz)
        if "Your number" in page:
            refused = send(ada, quiz, answer="a half", confidence="50")
            assert "Write a number, in ms" in unescape(refused.get_data(as_text=True))
            assert 'value="a half"' in refused.get_data(as_text=True)
            assert re.search(r'value="50" checked', refused.get_data(as_text=True))
        elif "Place of each line" in page:
            refused = send(ada, quiz, answer=["1", "1", "2"])
            assert "Give each line a place of its own" in refused.get_data(as_text=True)
            assert refused.get_data(as_text=True).count("<option selected>") == 3
        else:
            refused = send(ada, quiz)
            assert "say that you do not know" in refused.get_data(as_text=True)
        assert refused.status_code == 400
        answer(ada, quiz)


def test_a_second_tab_is_told_that_the_first_answer_counts(ada: Person) -> None:
    quiz = begin(ada)
    page = ada.browser.open(quiz)
    fields = {"place": hidden(page, "place"), "version": hidden(page, "version"), "unknown": "1"}
    ada.browser.send(f"{quiz}/answer", shown_at=quiz, **fields)
    again = ada.browser.send(f"{quiz}/answer", shown_at=quiz, **fields)
    assert again.location == quiz
    told = ada.browser.open(quiz)
    assert "The first answer counts." in told
    assert "Question 2" in told
    ada.browser.send(f"{quiz}/finish", shown_at=quiz)
    late = ada.browser.client.post(f"{quiz}/answer", data={**fields, "csrf_token": token(ada)})
    assert late.location == quiz
    assert "This quiz is finished" in ada.browser.open(quiz)


def token(person: Person) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', person.browser.open("/quiz"))
    assert found is not None
    return found[1]


def test_the_key_is_nowhere_in_the_page_of_a_question(ada: Person, unit: UnitFactory) -> None:
    """Options carry the place they are shown at: the place in the file, where the right one may come first, is not sent."""
    quiz = begin(ada, layer="mathematical-foundations")
    for _ in range(4):
        page = ada.browser.open(quiz)
        shown = re.findall(r'type="radio" name="answer" value="(\d)"', page)
        assert shown == [str(place) for place in range(len(shown))]
        assert "No yak." not in page
        assert "Because it is so" not in page
        assert "On linear-algebra" not in page
        answer(ada, quiz)


def test_a_quiz_too_soon_says_when_the_next_one_can_begin(ada: Person, clock: Clock) -> None:
    quiz = begin(ada)
    answer(ada, quiz)
    ada.browser.send(f"{quiz}/finish", shown_at=quiz)
    refused = ada.browser.send("/quiz", mode="measured", layer="")
    assert refused.status_code == 409
    assert "16 Mar 2026" in refused.get_data(as_text=True)


def test_scopes_that_do_not_exist_are_refused(ada: Person) -> None:
    assert ada.browser.send("/quiz", mode="measured", layer="alchemy").status_code == 400
    assert ada.browser.send("/quiz", mode="practice", layer="domain-leverage").status_code == 400


def test_nobody_else_sees_or_answers_a_quiz(ada: Person, signed_in: Callable[[str], Person]) -> None:
    quiz = begin(ada)
    other = signed_in("eve@example.org")
    for address in (quiz, f"{quiz}/questions/1"):
        assert other.browser.client.get(address).status_code == 404
    for part in ("answer", "finish", "skip"):
        assert other.browser.send(f"{quiz}/{part}", shown_at="/quiz", place="1", version="1").status_code == 404


def test_the_demo_user_looks_and_begins_nothing(app: object, unit: UnitFactory) -> None:
    sam = demo_person(app, unit)  # type: ignore[arg-type]
    page = sam.browser.open("/quiz")
    assert "cannot take more" in page
    assert "Begin the quiz" not in page


def test_pages_ask_few_queries(ada: Person, statements: list[str]) -> None:
    quiz = begin(ada)
    for _ in range(12):
        answer(ada, quiz)
    for address, most in ((quiz, 6), ("/quiz", 6)):
        statements.clear()
        ada.browser.open(address)
        assert len(statements) <= most, "\n".join(statements)
    page = ada.browser.open(quiz)
    fields = {"place": hidden(page, "place"), "version": hidden(page, "version"), "csrf_token": token(ada)}
    statements.clear()
    ada.browser.client.post(f"{quiz}/answer", data={**fields, "unknown": "1"})
    assert len(statements) <= 12, "\n".join(statements)
    ada.browser.send(f"{quiz}/finish", shown_at=quiz)
    for address in (quiz, f"{quiz}/questions/1"):
        statements.clear()
        ada.browser.open(address)
        assert len(statements) <= 6, "\n".join(statements)
