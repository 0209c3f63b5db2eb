"""The manager's journey in a real browser: by keyboard alone, with scripts and without, and counted in clicks."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import watched
from tests.browser.keyboard import activate, choose, keyboard, press, reach, sign_up, somebody, write

__all__ = ["keyboard"]


def test_a_manager_makes_a_team_and_reads_what_a_gap_rests_on_by_keyboard_alone(
    keyboard: Page, chromium: Browser, site: str, request: pytest.FixtureRequest
) -> None:
    boss, who = keyboard, request.node.callspec.id
    boss.goto("/register")
    sign_up(boss, f"boss-{who}@example.org", "Bea Boss")
    press(boss, boss.get_by_role("navigation").get_by_role("link", name="Team"))
    write(boss, boss.get_by_label("Name"), f"Crew {who}")
    choose(boss, boss.get_by_label("Compared with"), "Senior ML engineer")
    press(boss, boss.get_by_role("button", name="Make the team"))
    press(boss, boss.get_by_role("link", name="invite them to the workspace"))
    choose(boss, boss.get_by_label("Role"), "member")
    press(boss, boss.get_by_role("button", name="Make a link"))
    link = boss.locator(".note.success code").inner_text()

    for member in watched(somebody(request, chromium, site)):
        member.goto(re.sub(r"^https?://[^/]+", "", link))
        press(member, member.get_by_role("link", name="Sign up and join"))
        sign_up(member, f"mel-{who}@example.org", "Mel Member")
        member.goto("/start")
        group = member.get_by_role("group", name=re.compile("^1 "))
        reach(member, group.get_by_role("radio", checked=True))
        member.keyboard.press("ArrowDown")
        member.keyboard.press("ArrowDown")  # level 1
        press(member, member.get_by_role("button", name="Save my ratings"))

        boss.goto(f"/team/crew-{who}")
        choose(boss, boss.get_by_label("Colleague"), "Mel")
        press(boss, boss.get_by_role("button", name="Add", exact=True))
        expect(boss.get_by_text("not decided", exact=True)).to_be_visible()
        assert boss.locator(".heatmap .cell a").count() == 0

        press(member, member.get_by_role("navigation").get_by_role("link", name="Team"))
        press(member, member.get_by_role("link", name="Decide what to share"))
        for name in ("1 Mathematical Foundations", "2 Model-Level Understanding"):
            activate(member, member.get_by_label(name))
        press(member, member.get_by_role("button", name="Save"))
        expect(member.get_by_text("Saved: 2 layers are shared.")).to_be_visible()

        boss.reload()
        assert boss.locator(".heatmap .cell a").count() == 2
        press(boss, boss.locator(".heatmap .cell a").first)
        expect(boss.get_by_role("heading", name="1 Mathematical Foundations")).to_be_visible()
        expect(boss.get_by_text("From 2.5, the middle of the scale")).to_be_visible()
        expect(boss.get_by_role("row", name=re.compile("self-rating"))).to_be_visible()
        press(boss, boss.get_by_role("navigation", name="Layers").get_by_role("link", name=f"Crew {who}"))
        press(boss, boss.locator(".heatmap thead").get_by_role("link", name="Math"))
        expect(boss.get_by_text("0 of 1")).to_be_visible()

        press(member, member.get_by_role("navigation").get_by_role("link", name="Mel Member"))
        expect(member.get_by_role("cell", name=f"team crew-{who}")).to_be_visible()


def test_three_clicks_lead_from_the_landing_page_to_the_evidence_of_a_teams_gap(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Look around as a manager").click()
    page.locator("main .cards").get_by_role("link").first.click()
    page.locator(".heatmap .cell a", has_text="▾").first.click()
    expect(page.get_by_role("heading", name="What the level is made of")).to_be_visible()
    expect(page.get_by_role("heading", name="Evidence", exact=True)).to_be_visible()


def test_two_colleagues_review_one_another_by_keyboard_alone(
    keyboard: Page, chromium: Browser, site: str, request: pytest.FixtureRequest
) -> None:
    ada, who = keyboard, request.node.callspec.id
    ada.goto("/register")
    sign_up(ada, f"ada-{who}@example.org", "Ada Asks")
    ada.goto("/settings")
    press(ada, ada.get_by_role("button", name="Make a link"))
    link = ada.locator(".note.success code").inner_text()
    for rita in watched(somebody(request, chromium, site)):
        rita.goto(re.sub(r"^https?://[^/]+", "", link))
        press(rita, rita.get_by_role("link", name="Sign up and join"))
        sign_up(rita, f"rita-{who}@example.org", "Rita Rates")

        press(ada, ada.get_by_role("navigation").get_by_role("link", name="Reviews"))
        choose(ada, ada.get_by_label("Colleague"), "Rita")
        choose(ada, ada.get_by_label("Layer", exact=True).last, "1 Math")
        press(ada, ada.get_by_role("button", name=re.compile("^Ask")))

        press(rita, rita.get_by_role("navigation").get_by_role("link", name="Reviews"))
        press(rita, rita.get_by_role("main").get_by_role("link", name=re.compile("Mathematical Foundations")))
        for group in rita.locator("fieldset.rate").all()[:3]:
            reach(rita, group.get_by_role("radio", checked=True))
            for _ in range(8):  # "cannot judge" comes first, then 0, 0.5, 1 ...
                rita.keyboard.press("ArrowDown")
        press(rita, rita.get_by_role("button", name="Save draft"))
        expect(rita.get_by_text("The draft is saved")).to_be_visible()
        ada.reload()
        assert "3.5" not in ada.get_by_role("main").inner_text()
        press(rita, rita.get_by_role("button", name="Hand in"))
        expect(rita.get_by_text("The review is handed in, and counts.")).to_be_visible()

        ada.goto("/me/layers/mathematical-foundations")
        expect(ada.get_by_text("reviews by others raise it by")).to_be_visible()
        press(ada, ada.get_by_role("row", name=re.compile("of 3 topics")).get_by_role("link"))
        expect(ada.get_by_role("heading", name="Review by Rita Rates")).to_be_visible()
