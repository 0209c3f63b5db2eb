"""The engineer's journey in a real browser: by keyboard alone, with scripts and without, and counted in clicks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from assessor.config import Settings
from assessor.factory import create_unit
from assessor.jobs.stages import Stages
from tests.browser.conftest import watched

MOST_TABS = 60
PASSWORD = "four unrelated plain words"


@pytest.fixture(params=[True, False], ids=["scripts-on", "scripts-off"])
def keyboard(request: pytest.FixtureRequest, chromium: Browser, site: str) -> Iterator[Page]:
    """Open a page that this module touches with keys alone."""
    context = chromium.new_context(
        base_url=site, java_script_enabled=request.param, viewport={"width": 1280, "height": 900}
    )
    yield from watched(context)


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
    reach(page, page.get_by_label(re.compile("mail", re.IGNORECASE)))
    page.keyboard.type(f"{request.node.callspec.id}@example.org")
    reach(page, page.get_by_label("Password"))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/me")
    assert figures(page) == 10

    press(page, page.get_by_role("navigation").get_by_role("link", name="Portfolio"))
    press(page, page.get_by_role("main").get_by_role("link", name="churn"))
    work(site_settings)
    page.reload()
    press(page, page.get_by_role("main").get_by_role("link", name="Unit tests").first)
    expect(page.get_by_text("tests/test_model.py:14")).to_be_visible()
    expect(page.locator("mark").first).to_contain_text("assert torch.allclose")

    press(page, page.get_by_role("button", name="Sign out"))
    expect(page.get_by_role("navigation").get_by_role("link", name="Sign in")).to_be_visible()


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


def reach(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus."""
    wanted = target.first
    for _ in range(MOST_TABS):
        if wanted.evaluate("node => node === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not get to {target}")


def press(page: Page, target: Locator) -> None:
    """Go to a link or button by keyboard and press Enter."""
    reach(page, target)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def work(settings: Settings) -> None:
    """Do what waits, as a worker would."""
    unit = create_unit(settings)
    stages = Stages(unit, settings)
    with unit() as u:
        waiting = u.portfolio.sweepable()
    for analysis_id in waiting:
        stages.fetch(analysis_id)
        stages.score(analysis_id)
        stages.record(analysis_id)
    unit.engine.dispose()
