"""The engineer's journey in a real browser: by keyboard alone, with scripts and without, and counted in clicks."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from assessor.config import Settings
from assessor.factory import create_unit
from tests.browser.keyboard import choose, keyboard, press, reach, sign_up, work

__all__ = ["keyboard"]

ASKED = 6
"""Questions that are answered before the quiz is stopped; each type that comes up is answered by its own keys."""


def test_an_engineer_gets_from_the_landing_page_to_a_line_of_code_by_keyboard_alone(
    keyboard: Page, site_settings: Settings, request: pytest.FixtureRequest
) -> None:
    page = keyboard
    page.goto("/")
    press(page, page.get_by_role("main").get_by_role("link", name="Assess yourself"))
    for level, group in enumerate(page.get_by_role("group", name=re.compile(r"^\d+ ")).all()):
        reach(page, group.get_by_role("radio", checked=True))
        for _ in range(level % 5 + 1):  # "not rated" comes first, then 0, 1, 2 ...
            page.keyboard.press("ArrowDown")
    reach(page, page.get_by_label("A repository, if you have one"))
    page.keyboard.type("folder:churn")
    press(page, page.get_by_role("button", name="Show my radar"))
    expect(page.get_by_role("heading", name="Your first radar")).to_be_visible()
    assert figures(page) == 10

    press(page, page.get_by_role("link", name="Sign up to keep it"))
    sign_up(page, f"{request.node.callspec.id}@example.org")
    page.wait_for_url("**/me")
    assert figures(page) == 10

    press(page, page.get_by_role("navigation").get_by_role("link", name="Portfolio"))
    press(page, page.get_by_role("main").get_by_role("link", name="churn"))
    work(site_settings)
    page.reload()
    press(page, page.get_by_role("main").get_by_role("link", name="Unit tests").first)
    expect(page.get_by_text("tests/test_model.py:14")).to_be_visible()
    expect(page.locator("mark").first).to_contain_text("assert torch.allclose")

    take_a_quiz(page)
    press(page, page.get_by_role("navigation").get_by_role("link", name="My radar"))
    assert page.get_by_text("✓ verified").count() >= 1
    press(page, page.get_by_role("button", name="Sign out"))
    expect(page.get_by_role("navigation").get_by_role("link", name="Sign in")).to_be_visible()


def take_a_quiz(page: Page) -> None:
    """Begin a quiz, answer some questions by keys, stop, and read an explanation."""
    press(page, page.get_by_role("navigation").get_by_role("link", name="Quiz"))
    choose(page, page.get_by_label("Your domain").first, "Finance")
    press(page, page.get_by_role("button", name="Begin the quiz"))
    for number in range(1, ASKED + 1):
        expect(page.get_by_role("heading", name=f"Question {number}")).to_be_visible()
        expect(page.get_by_text("levels wide on average")).to_be_visible()
        answer(page)
    press(page, page.get_by_role("link", name="Come back later"))
    press(page, page.get_by_role("link", name="Go on", exact=True))
    expect(page.get_by_role("heading", name=f"Question {ASKED + 1}")).to_be_visible()
    press(page, page.get_by_role("button", name="Stop here"))
    expect(page.get_by_role("heading", name="Levels by this quiz alone")).to_be_visible()
    press(page, page.locator('main a[href*="/questions/1"]'))
    expect(page.get_by_role("heading", name="Why")).to_be_visible()


def answer(page: Page) -> None:
    """Answer the question that is shown, as its type asks."""
    if page.locator("input[name=answer][type=radio]").count():
        reach(page, page.locator("input[name=answer][type=radio]"))
        page.keyboard.press("Space")
    elif page.locator("select[name=answer]").count():
        for place, line in enumerate(page.locator("select[name=answer]").all()):
            choose(page, line, str(place + 1))
    else:
        reach(page, page.locator("#answer"))
        page.keyboard.type("1")
    press(page, page.get_by_role("button", name="Answer", exact=True))


def test_numbers_choose_an_option_and_can_be_switched_off(page: Page, site_settings: Settings) -> None:
    page.goto("/register")
    sign_up(page, "numbers@example.org")
    unit = create_unit(site_settings)
    with unit(write=True) as u:
        user = u.account.find("numbers@example.org")
        assert user is not None
        assert user.person is not None
        attempt = u.quiz.start(user.person.id, "practice", layer_key="production-infrastructure")
        # Which question comes first is drawn; this one has options.
        choice = next(item for item in u.catalogue.items.values() if item.type == "choice" and item.layer == 4)
        attempt.answers[0].item_id, attempt.answers[0].item_version = choice.id, choice.version
        address = f"/quiz/{attempt.id}"
    unit.engine.dispose()
    page.goto(address)
    options = page.locator("input[name=answer][type=radio]")
    page.keyboard.press("2")
    expect(options.nth(1)).to_be_checked()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_label("Shortcuts are on").uncheck()
    page.get_by_role("button", name="Close").click()
    page.locator("h1").click()
    page.keyboard.press("1")
    expect(options.nth(1)).to_be_checked()


def test_twelve_clicks_lead_from_the_landing_page_to_the_first_own_radar(page: Page) -> None:
    clicks = 0
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="Assess yourself").click()
    clicks += 1
    for group in page.get_by_role("group", name=re.compile(r"^\d+ ")).all():
        group.get_by_role("radio", name=re.compile("^3 ")).check()
        clicks += 1
    page.get_by_role("button", name="Show my radar").click()
    clicks += 1
    expect(page.get_by_role("heading", name="Your first radar")).to_be_visible()
    assert figures(page) == 10
    assert clicks <= 12


def test_one_click_leads_to_the_demo_radar(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="See the demo radar").click()
    assert figures(page) == 10


def figures(page: Page) -> int:
    """Count the axes of the radar that carry a level."""
    texts: list[Any] = page.locator("figure.radar svg .figure").all_text_contents()
    return sum(bool(re.fullmatch(r"\d\.\d", text.strip())) for text in texts)
