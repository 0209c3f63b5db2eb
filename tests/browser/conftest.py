"""A real browser against a real server on a demo database; what is missing is told, and fails in CI."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask, Response, g, has_request_context
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright
from sqlalchemy import event
from werkzeug.serving import WSGIRequestHandler, make_server

from assessor.cli.db import upgrade
from assessor.cli.demo import load_if_empty
from assessor.config import Settings, resource_dir
from assessor.factory import create_app
from tests.conftest import EVERYTHING, NEEDS
from tests.gitrepo import make_repo

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every browser test, keep them in one process, and leave them out where there is no browser."""
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        item.add_marker(pytest.mark.browser)
        item.add_marker(pytest.mark.xdist_group("browser"))
        if not Path(CHROMIUM).exists() and not EVERYTHING:
            item.add_marker(pytest.mark.skip(reason=f"left out: needs {NEEDS['browser']}"))


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the service writes logs of its own."""


@pytest.fixture(scope="session")
def site_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return settings of a service with the demo workspace loaded and one repository in a folder of the server."""
    folder = tmp_path_factory.mktemp("site")
    sample = resource_dir("rubrics") / "demo" / "churn-service"
    files = {path.relative_to(sample).as_posix(): path.read_bytes() for path in sample.rglob("*") if path.is_file()}
    make_repo(folder / "projects" / "churn", files)
    settings = Settings.for_tests(folder, demo=True, source_folder=folder / "projects")
    upgrade(settings)
    load_if_empty(settings)
    return settings


@pytest.fixture(scope="session")
def site(site_settings: Settings) -> Iterator[str]:
    """Serve the application and return its address."""
    app = create_app(site_settings)
    _count_queries(app)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _count_queries(app: Flask) -> None:
    """Let every answer tell how many statements it cost, so that a page's test can read it."""

    def count(*_arguments: object) -> None:
        if has_request_context():
            g.statements = g.get("statements", 0) + 1

    def tell(response: Response) -> Response:
        response.headers["X-Statements"] = str(g.get("statements", 0))
        return response

    event.listen(app.extensions["assessor.unit"].engine, "before_cursor_execute", count)
    app.after_request(tell)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Start the driver once."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Start Debian's Chromium once."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def signed_in_state(chromium: Browser, site: str) -> dict[str, object]:
    """Return the cookies of the demo person, signed in by the one click that the landing page offers."""
    context = chromium.new_context(base_url=site)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("button", name="Try the demo").first.click()
    page.wait_for_url("**/me*")
    state: dict[str, object] = dict(context.storage_state())
    context.close()
    return state


@dataclass(frozen=True)
class People:
    """Hold the cookies of real accounts with things of their own, and where these are."""

    newcomer: Any
    candidate: Any
    places: dict[str, str]


@pytest.fixture(scope="session")
def people(chromium: Browser, site: str) -> People:
    """Sign up somebody who begins a quiz, makes a team and invites a candidate; and let the candidate come."""
    context = chromium.new_context(base_url=site)
    page = context.new_page()
    page.goto("/register")
    page.get_by_label(re.compile("mail", re.IGNORECASE)).fill("newcomer@example.org")
    page.get_by_label("Password").fill("four unrelated plain words")
    page.get_by_role("button", name="Sign up").click()
    page.goto("/quiz")
    page.get_by_role("button", name="Begin the quiz").click()
    places = {"question": urlsplit(page.url).path}
    page.goto("/team")
    page.get_by_label("Name").fill("First team")
    page.get_by_role("button", name="Make the team").click()
    places["own_team"] = urlsplit(page.url).path
    page.goto("/hiring")
    page.get_by_label("Title").fill("Somebody for evaluation")
    page.get_by_role("button", name="Open it").click()
    page.get_by_role("button", name="Make a link").click()
    places["invitation"] = urlsplit(page.locator(".note.success code").inner_text()).path
    newcomer = context.storage_state()
    context.close()
    context = chromium.new_context(base_url=site)
    page = context.new_page()
    page.goto(places["invitation"])
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Begin").click()
    page.wait_for_url("**/application")
    candidate = context.storage_state()
    context.close()
    return People(newcomer, candidate, places)


@pytest.fixture
def page(chromium: Browser, site: str) -> Iterator[Page]:
    """Open a page of somebody who is not signed in; errors of the console or the CSP fail the test."""
    context = chromium.new_context(base_url=site, viewport={"width": 1280, "height": 900})
    yield from watched(context)


def watched(context: BrowserContext) -> Iterator[Page]:
    """Yield a page and fail at its end if the console told of an error or a page raised one."""
    errors: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    if folder := os.environ.get("ASSESSOR_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{os.environ['PYTEST_CURRENT_TEST'].split('::')[-1].split()[0]}.png")
    context.close()
    assert errors == []
