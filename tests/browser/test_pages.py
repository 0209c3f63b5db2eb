"""Every page, in both colour schemes and at the widths people use: accessible, inside its box, within its budget."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from assessor.config import resource_dir
from tests.browser.conftest import People, watched

PAGES: dict[str, tuple[str, ...]] = {
    "visitor": (
        "/",
        "/demo",
        "/demo/layers/production-infrastructure",
        "/start",
        "/login",
        "/register",
        "/how-scores-are-made",
        "/no-such-page",
    ),
    "engineer": (
        "/me",
        "/me?at={earlier}",
        "/me/layers/production-infrastructure",
        "/me/layers/{all_four}",
        "/portfolio",
        "/portfolio/{repository}",
        "/evidence/{analysis}/docker",
        "/quiz",
        "{attempt}",
        "{attempt}/questions/1",
        "/reviews",
        "{review}",
        "/team",
        "{sharing}",
        "/settings",
    ),
    "manager": ("/team", "{team}", "{team}/layers/evaluation-measurement", "{member}", "{gap}", "/hiring"),
    "panellist": (
        "/hiring",
        "{requisition}",
        "{candidate}",
        "{candidate}/review",
        "{requisition}/compare",
        "{candidate}/decision",
        "{reviewed}",
        "{reviewed}/decision",
    ),
    "newcomer": ("/me", "/quiz", "{question}", "/reviews", "/team", "/hiring", "/portfolio", "{own_team}"),
    "candidate": ("{invitation}", "/application", "/me", "/quiz"),
}
"""Whose pages are looked at: everybody's, those of the three demo users, of somebody new, and of a candidate."""

WIDTHS = (1280, 360)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

MOST_STATEMENTS = 8
HTML_BUDGET, CSS_BUDGET, SCRIPT_BUDGET = 30_000, 8_000, 6_000

# Text of a chart is drawn in units of its viewBox; what counts is its height on the screen and that it is not cut off.
SMALL_OR_CUT_TEXT = """() => [...document.querySelectorAll('svg text')].flatMap(text => {
  const svg = text.ownerSVGElement, box = text.getBoundingClientRect(), frame = svg.getBoundingClientRect();
  if (!box.width || !text.textContent.trim()) return [];
  const size = parseFloat(getComputedStyle(text).fontSize) * (text.getScreenCTM()?.a ?? 1);
  const cut = box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
  return size < 10.95 || cut ? [`${text.textContent.trim()}: ${size.toFixed(1)} px${cut ? ', cut off' : ''}`] : [];
})"""

# axe does not judge contrast inside SVG: compare the fill of each text with the background behind the chart.
POOR_SVG_CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const parse = colour => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => { const f = v => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
    return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
  const behind = node => { for (; node; node = node.parentElement) { const c = parse(getComputedStyle(node).backgroundColor);
    if (c[3] > 250) return c; } return [255, 255, 255, 255]; };
  return [...document.querySelectorAll('svg text')].flatMap(text => {
    if (!text.textContent.trim() || !text.getBoundingClientRect().width) return [];
    const a = light(parse(getComputedStyle(text).fill)), b = light(behind(text.ownerSVGElement));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    return ratio < 4.5 && !text.hasAttribute('data-on-shape') ? [`${text.textContent.trim()}: ${ratio.toFixed(2)}`] : [];
  });
}"""


@pytest.fixture(scope="session")
def states(chromium: Browser, site: str, signed_in_state: Any, people: People) -> dict[str, Any]:
    """Return the cookies of everybody whose pages are looked at."""
    found = {"visitor": None, "engineer": signed_in_state, "newcomer": people.newcomer, "candidate": people.candidate}
    for who in ("manager", "panellist"):
        context = chromium.new_context(base_url=site)
        page = context.new_page()
        page.goto("/")
        page.get_by_role("button", name=f"Look around as a {who}").click()
        page.wait_for_load_state()
        found[who] = context.storage_state()
        context.close()
    return found


@pytest.fixture(scope="session")
def places(chromium: Browser, site: str, states: dict[str, Any], people: People) -> dict[str, str]:
    """Find the addresses of the demo's things by following the links that a person would follow."""
    found = dict(people.places)

    def follow(who: str, start: str, **links: str) -> None:
        """Note the address of the first link of each kind on a page."""
        context = chromium.new_context(base_url=site, storage_state=states[who])
        page = context.new_page()
        page.goto(start)
        for name, selector in links.items():
            found[name] = page.locator(selector).first.get_attribute("href") or ""
        context.close()

    follow("engineer", "/portfolio", repository='main a[href^="/portfolio/"]')
    found["repository"] = found["repository"].rsplit("/", 1)[-1]
    follow("engineer", f"/portfolio/{found['repository']}", analysis='main a[href^="/evidence/"]')
    found["analysis"] = found["analysis"].split("/")[2]
    follow("engineer", "/quiz", attempt='main table a[href^="/quiz/"]')
    follow("engineer", "/reviews", review='main a[href^="/reviews/"]')
    follow("engineer", "/team", sharing='main a[href$="/sharing"]')
    follow("manager", "/team", team='main .cards h2 a[href^="/team/"]')
    follow("manager", found["team"], member=".heatmap tbody th a", gap='.heatmap .cell a:has-text("▾")')
    follow("panellist", "/hiring", requisition='main .cards a[href^="/hiring/"]')
    follow(
        "panellist",
        found["requisition"],
        candidate='main li:has(a:has-text("Review")) h3 a',
        reviewed='main li:not(:has(a:has-text("Review"))) h3 a',
    )
    context = chromium.new_context(base_url=site, storage_state=states["engineer"])
    page = context.new_page()
    page.goto("/me")
    found["earlier"] = page.locator('select[name="at"] option').first.get_attribute("value") or "2026-01"
    found["all_four"] = layer_with_all_four(page)
    context.close()
    return found


def layer_with_all_four(page: Page) -> str:
    """Return the key of a layer of the demo person that all four instruments speak of."""
    for link in page.locator('.layers a[href^="/me/layers/"]').evaluate_all("all => all.map(one => one.pathname)"):
        page.goto(link)
        kinds = {text.strip() for text in page.locator(".shares-list li > span").all_inner_texts()}
        if kinds >= {"quiz", "review", "self-rating", "repository"}:
            return str(link).rsplit("/", 1)[-1]
    raise AssertionError("no layer of the demo person has a quiz, a review, a self-rating and a repository")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("who", "path"), [(who, path) for who, paths in PAGES.items() for path in paths])
def test_page(
    who: str, path: str, scheme: Any, chromium: Browser, site: str, states: dict[str, Any], places: dict[str, str]
) -> None:
    context = chromium.new_context(base_url=site, storage_state=states[who], color_scheme=scheme)
    for page in watched(context):
        answer = page.goto(path.format(**places))
        assert answer is not None
        if path == "/no-such-page":
            assert answer.status == 404
            break  # the browser itself reports the status on the console, which `watched` would take for an error
        assert answer.status == 200
        assert len(gzip.compress(answer.body())) <= HTML_BUDGET
        assert int(answer.headers["x-statements"]) <= MOST_STATEMENTS
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            results = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
            assert results.violations_count == 0, results.generate_report()
            assert page.evaluate(SMALL_OR_CUT_TEXT) == []
            assert page.evaluate(POOR_SVG_CONTRAST) == []
        for width in (320, 360, 768, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"overflow at {width}"


def test_a_layer_with_all_four_instruments_says_in_words_what_moved_it(
    chromium: Browser, site: str, states: dict[str, Any], places: dict[str, str]
) -> None:
    context = chromium.new_context(base_url=site, storage_state=states["engineer"])
    page = context.new_page()
    page.goto(f"/me/layers/{places['all_four']}")
    said = page.get_by_text("From 2.5, the middle of the scale").inner_text()
    for name in ("the quiz", "reviews by others", "your self-ratings", "your repositories"):
        assert name in said
    shares = [int(text.rstrip("%")) for text in page.locator(".shares-list b.num").all_inner_texts()]
    assert len(shares) >= 4
    assert abs(sum(shares) - 100) <= 2  # each is rounded
    context.close()


def test_not_found_page_is_accessible(chromium: Browser, site: str) -> None:
    context = chromium.new_context(base_url=site)
    page = context.new_page()
    page.goto("/no-such-page")
    results = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
    assert results.violations_count == 0, results.generate_report()
    context.close()


def test_assets_keep_within_their_budgets() -> None:
    static = resource_dir("static")
    assert len(gzip.compress((static / "app.css").read_bytes())) <= CSS_BUDGET
    assert len(gzip.compress((static / "app.js").read_bytes())) <= SCRIPT_BUDGET


def test_no_template_breaks_the_content_security_policy() -> None:
    inline = re.compile(r"""\sstyle\s*=|\son[a-z]+\s*=\s*["']|<script(?![^>]*\ssrc=)|<style|javascript:""")
    templates: Path = resource_dir("templates")
    found = [
        f"{path.relative_to(templates)}: {match[0].strip()}"
        for path in sorted(templates.rglob("*.html"))
        for match in inline.finditer(path.read_text())
    ]
    assert found == []
