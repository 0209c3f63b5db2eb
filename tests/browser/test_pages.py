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
from tests.browser.conftest import watched

PUBLIC = ("/", "/demo", "/start", "/login", "/register", "/how-scores-are-made", "/no-such-page")
OWN = (
    "/me",
    "/me?at={earlier}",
    "/me/layers/production-infrastructure",
    "/portfolio",
    "/portfolio/{repository}",
    "/evidence/{analysis}/docker",
    "/settings",
)
WIDTHS = (1280, 360)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

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
def places(chromium: Browser, site: str, signed_in_state: Any) -> dict[str, str]:
    """Find the demo's repository, analysis and an earlier month by following the links a person would follow."""
    context = chromium.new_context(base_url=site, storage_state=signed_in_state)
    page = context.new_page()
    page.goto("/portfolio")
    repository = _last_part(page, 'main a[href^="/portfolio/"]')
    page.goto(f"/portfolio/{repository}")
    href = page.locator('main a[href^="/evidence/"]').first.get_attribute("href") or ""
    page.goto("/me")
    earlier = page.locator('input[type="month"][name="at"], select[name="at"] option').first
    month = earlier.get_attribute("min") or earlier.get_attribute("value") or "2026-01"
    context.close()
    return {"repository": repository, "analysis": href.split("/")[2], "earlier": month}


def _last_part(page: Page, selector: str) -> str:
    href = page.locator(selector).first.get_attribute("href") or ""
    return href.rstrip("/").rsplit("/", 1)[-1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PUBLIC + OWN)
def test_page(
    path: str, scheme: Any, chromium: Browser, site: str, signed_in_state: Any, places: dict[str, str]
) -> None:
    state = signed_in_state if path in OWN else None
    context = chromium.new_context(base_url=site, storage_state=state, color_scheme=scheme)
    for page in watched(context):
        answer = page.goto(path.format(**places))
        assert answer is not None
        if path == "/no-such-page":
            assert answer.status == 404
            break  # the browser itself reports the status on the console, which `watched` would take for an error
        assert answer.status == 200
        assert len(gzip.compress(answer.body())) <= HTML_BUDGET
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            results = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
            assert results.violations_count == 0, results.generate_report()
            assert page.evaluate(SMALL_OR_CUT_TEXT) == []
            assert page.evaluate(POOR_SVG_CONTRAST) == []
        for width in (320, 360, 768, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"overflow at {width}"


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
