"""What a person does who has a keyboard and nothing else, and what a worker does for them meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from assessor.config import Settings
from assessor.factory import create_unit
from assessor.jobs.stages import Stages
from tests.browser.conftest import watched

__all__ = ["PASSWORD", "activate", "choose", "keyboard", "press", "reach", "sign_up", "somebody", "work", "write"]

MOST_TABS = 120
PASSWORD = "four unrelated plain words"


@pytest.fixture(params=[True, False], ids=["scripts-on", "scripts-off"])
def keyboard(request: pytest.FixtureRequest, chromium: Browser, site: str) -> Iterator[Page]:
    """Open a page that is touched with keys alone."""
    yield from watched(somebody(request, chromium, site))


def somebody(request: pytest.FixtureRequest, chromium: Browser, site: str) -> BrowserContext:
    """Open another browser with the same scripts setting as the test's first one."""
    scripts = request.node.callspec.params["keyboard"]
    return chromium.new_context(base_url=site, java_script_enabled=scripts, viewport={"width": 1280, "height": 900})


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


def activate(page: Page, target: Locator) -> None:
    """Go to something that opens or ticks in place, and press the space bar."""
    reach(page, target)
    page.keyboard.press("Space")


def write(page: Page, target: Locator, text: str) -> None:
    """Go to a field and write into it, in place of what stands there."""
    reach(page, target)
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def choose(page: Page, target: Locator, label: str) -> None:
    """Go to a select and type the beginning of an option until it is chosen."""
    reach(page, target)
    page.keyboard.type(label)
    chosen = target.first.evaluate("node => node.selectedOptions[0].text.trim()")
    assert chosen.startswith(label), f"{chosen!r} is chosen instead of {label!r}"


def sign_up(page: Page, email: str, name: str = "") -> None:
    """Register on the page that asks for it."""
    if name:
        write(page, page.get_by_label("Name"), name)
    write(page, page.get_by_label(re.compile("mail", re.IGNORECASE)), email)
    reach(page, page.get_by_label("Password"))
    page.keyboard.type(PASSWORD)
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
