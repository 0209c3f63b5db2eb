"""The panel's journey in a real browser: two reviewers, blind to one another, and a candidate who comes by a link."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from assessor.config import Settings
from tests.browser.conftest import watched
from tests.browser.keyboard import activate, choose, keyboard, press, reach, sign_up, somebody, work, write

__all__ = ["keyboard"]

AUTHOR = "ada@example.org"
"""Who wrote the repository that tests make in the server's folder (tests/gitrepo.py)."""

ODD_NOTE = "as clear as zanzibar"


@contextmanager
def open_page(request: pytest.FixtureRequest, chromium: Browser, site: str) -> Iterator[Page]:
    """Open the page of somebody else, with the same scripts setting, and check its console at the end."""
    pages = watched(somebody(request, chromium, site))
    page = next(pages)
    yield page
    next(pages, None)


def invite(boss: Page, role: str) -> str:
    """Make an invitation to the workspace and return the address in its link."""
    boss.goto("/settings")
    choose(boss, boss.get_by_label("Role"), role)
    press(boss, boss.get_by_role("button", name="Make a link"))
    return local(boss)


def local(page: Page) -> str:
    return re.sub(r"^https?://[^/]+", "", page.locator(".note.success code").inner_text())


def join(page: Page, link: str, email: str, name: str) -> None:
    page.goto(link)
    press(page, page.get_by_role("link", name="Sign up and join"))
    sign_up(page, email, name)


def rate(page: Page, steps: int) -> None:
    """Rate every topic; "cannot judge" comes first, then 0, 0.5, 1 ..."""
    for group in page.locator("fieldset.rate").all():
        reach(page, group.get_by_role("radio", checked=True))
        for _ in range(steps):
            page.keyboard.press("ArrowDown")


def test_two_reviewers_judge_a_repository_blind_and_a_manager_decides_by_keyboard_alone(
    keyboard: Page, chromium: Browser, site: str, site_settings: Settings, request: pytest.FixtureRequest
) -> None:
    boss, who = keyboard, request.node.callspec.id
    boss.goto("/register")
    sign_up(boss, f"hiring-{who}@example.org", "Bea Boss")
    links = [invite(boss, "panellist") for _ in range(2)]
    with open_page(request, chromium, site) as anna, open_page(request, chromium, site) as ben:
        join(anna, links[0], f"anna-{who}@example.org", "Anna A")
        join(ben, links[1], f"ben-{who}@example.org", "Ben B")

        press(boss, boss.get_by_role("navigation").get_by_role("link", name="Hiring"))
        write(boss, boss.get_by_label("Title"), f"ML engineer {who}")
        choose(boss, boss.get_by_label("Role"), "ML engineer")
        activate(boss, boss.get_by_label("4 Production Infrastructure"))
        press(boss, boss.get_by_role("button", name="Open it"))
        for name in ("Anna A", "Ben B"):
            choose(boss, boss.get_by_label("Colleague"), name.split()[0])
            press(boss, boss.get_by_role("button", name="Put on the panel"))
        write(boss, boss.get_by_label("Repository"), "folder:churn")
        write(boss, boss.get_by_label("Address they commit with"), AUTHOR)
        press(boss, boss.get_by_role("button", name="Add and analyse"))
        work(site_settings)

        for page in (anna, ben):
            press(page, page.get_by_role("navigation").get_by_role("link", name="Hiring"))
            press(page, page.get_by_role("main").get_by_role("link", name=f"ML engineer {who}"))
            press(page, page.get_by_role("main").get_by_role("link", name=re.compile("^Review")))
            assert "churn" not in page.get_by_role("main").inner_text()  # the repository goes by a neutral name
        rate(ben, 9)
        activate(ben, ben.locator("fieldset.rate summary").first)
        write(ben, ben.locator("fieldset.rate textarea").first, ODD_NOTE)
        press(ben, ben.get_by_role("button", name="Hand in"))

        rate(anna, 5)
        press(anna, anna.get_by_role("button", name="Save draft"))
        for address in (anna.url, anna.url.replace("/review", ""), anna.url.rsplit("/", 2)[0] + "/compare"):
            anna.goto(address)
            text = anna.get_by_role("main").inner_text()
            assert ODD_NOTE not in text
            assert "Ben" not in text.replace("Ben B", "", 1)  # the panel's members are known, what they say is not
        anna.goto(anna.url.replace("/compare", ""))
        press(anna, anna.get_by_role("main").get_by_role("link", name=re.compile("^Review")))
        press(anna, anna.get_by_role("button", name="Hand in"))
        expect(anna.get_by_text(ODD_NOTE)).to_be_attached()

        boss.reload()
        press(boss, boss.get_by_role("link", name="Compare", exact=True))
        expect(boss.get_by_text(re.compile("agree", re.IGNORECASE)).first).to_be_visible()
        assert boss.locator("figure.radar").count() >= 1
        boss.go_back()
        press(boss, boss.get_by_role("link", name="Decision", exact=True))
        reach(boss, boss.locator("input[name=verdict]"))
        for _ in range(2):
            boss.keyboard.press("ArrowDown")
        expect(boss.get_by_label("Yes", exact=True)).to_be_checked()
        write(boss, boss.get_by_label(re.compile("reason", re.IGNORECASE)), "Ships and measures.")
        press(boss, boss.locator("#decide button"))
        expect(boss.get_by_text("Ships and measures.")).to_be_visible()
        expect(boss.get_by_text("Made with 2 of 2 reviews")).to_be_visible()


def test_a_candidate_comes_by_a_link_shows_work_and_withdraws_by_keyboard_alone(
    keyboard: Page, chromium: Browser, site: str, site_settings: Settings, request: pytest.FixtureRequest
) -> None:
    boss, who = keyboard, request.node.callspec.id
    boss.goto("/register")
    sign_up(boss, f"inviting-{who}@example.org", "Ivo Invites")
    press(boss, boss.get_by_role("navigation").get_by_role("link", name="Hiring"))
    write(boss, boss.get_by_label("Title"), f"Data engineer {who}")
    press(boss, boss.get_by_role("button", name="Open it"))
    press(boss, boss.get_by_role("button", name="Make a link"))
    link = local(boss)
    with open_page(request, chromium, site) as cora:
        cora.goto(link)
        activate(cora, cora.get_by_role("checkbox"))
        press(cora, cora.get_by_role("button", name="Begin"))
        expect(cora.get_by_role("heading", name="Your application")).to_be_visible()
        press(cora, cora.get_by_role("link", name="Add a repository"))
        write(cora, cora.get_by_label("Address", exact=False).first, "folder:churn")
        press(cora, cora.get_by_role("button", name="Analyse the repository"))
        work(site_settings)
        press(cora, cora.get_by_role("navigation").get_by_role("link", name="Application"))
        press(cora, cora.get_by_role("link", name="Take the quiz"))
        press(cora, cora.get_by_role("button", name="Begin the quiz"))
        for _ in range(3):
            press(cora, cora.get_by_role("button", name="I do not know"))
        press(cora, cora.get_by_role("button", name="Stop here"))
        press(cora, cora.get_by_role("navigation").get_by_role("link", name="Application"))
        expect(cora.get_by_text("1 taken, with your answers")).to_be_visible()
        assert cora.get_by_role("navigation").get_by_role("link", name="Team").count() == 0

        boss.reload()
        expect(boss.get_by_text("came by their link")).to_be_visible()
        activate(cora, cora.locator("summary", has_text="Withdraw my application"))
        press(cora, cora.get_by_role("button", name="Withdraw and delete everything"))
        boss.goto("/hiring")
        press(boss, boss.get_by_role("main").get_by_role("link", name=f"Data engineer {who}"))
        expect(boss.get_by_text("Nobody is here yet.")).to_be_visible()


def test_seven_clicks_lead_from_a_repository_to_the_decision_page(page: Page, site_settings: Settings) -> None:
    page.goto("/register")
    sign_up(page, "seven@example.org", "Sven Seven")
    page.goto("/hiring")
    page.get_by_label("Title").fill("Counted in clicks")
    page.get_by_role("button", name="Open it").click()
    page.get_by_label("Colleague").select_option(label="Sven Seven")
    page.get_by_role("button", name="Put on the panel").click()
    page.get_by_label("Repository").fill("folder:churn")
    page.get_by_label("Address they commit with").fill(AUTHOR)
    clicks = 0

    def click(locator: object) -> None:
        nonlocal clicks
        locator.click()  # type: ignore[attr-defined]
        clicks += 1

    click(page.get_by_role("button", name="Add and analyse"))
    work(site_settings)
    page.reload()
    click(page.get_by_role("main").get_by_role("link", name=re.compile("^Review")).first)
    for group in page.locator("fieldset.rate").all():
        group.locator('input[value="3"]').check()
    click(page.get_by_role("button", name="Hand in"))
    click(page.get_by_role("link", name="Compare", exact=True))
    click(page.get_by_role("main").get_by_role("link", name=re.compile("decision", re.IGNORECASE)).first)
    expect(page.get_by_role("heading", name=re.compile("^Decision on"))).to_be_visible()
    assert clicks <= 7
