from __future__ import annotations

import io
import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog
from flask import Flask
from sqlalchemy.exc import OperationalError

from assessor.config import Settings
from assessor.factory import create_app
from assessor.services.unit import UnitFactory
from assessor.web.access import action
from assessor.web.logs import configure_logging
from assessor.web.security import FORM_BYTES
from tests.web.clients import words
from tests.web.conftest import Browser, Person

PASSWORD = "correct horse battery"
PAGES = ("/", "/login", "/register", "/portfolio", "/no-such-page", "/healthz", "/static/app.css")
TRACES = ("Traceback", "site-packages", 'File "/', "a secret of the server", "SELECT")


@pytest.fixture
def https(settings: Settings, unit: UnitFactory) -> Browser:
    """Return a browser of an installation that is reached over TLS."""
    app = create_app(replace(settings, base_url="https://assessor.example"), unit=unit, enqueue=lambda _id: None)
    client = app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    return Browser(client)


@pytest.fixture
def broken(app: Flask) -> Flask:
    """Return an application with pages that fail."""

    @action("home.see")
    def fail(token: str) -> str:
        raise RuntimeError("a secret of the server")

    @action("home.see")
    def busy() -> str:
        raise OperationalError("SELECT a secret of the server", {}, Exception("database is locked"))

    app.add_url_rule("/broken/<token>", "broken", fail)
    app.add_url_rule("/busy", "busy", busy)
    app.add_url_rule("/forgotten", "forgotten", lambda: "a secret of the server")
    return app


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Return a function that gives the lines logged so far, as the running service writes them."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging("INFO")
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def register(browser: Browser, email: str = "ada@example.org") -> None:
    answer = browser.send("/register", email=email, password=PASSWORD, password_confirm=PASSWORD)
    assert answer.status_code == 302, words(answer.get_data(as_text=True))


# Headers


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_carries_the_frame(visitor: Browser, path: str) -> None:
    answer = visitor.client.get(path)
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert (
        "bluetooth" not in answer.headers["Permissions-Policy"]
    )  # no browser knows it, and each says so in its console
    assert "Server" not in answer.headers
    answer.close()


def test_pages_use_nothing_that_the_policy_forbids(visitor: Browser, ada: Person) -> None:
    for browser, path in ((visitor, "/"), (visitor, "/login"), (ada.browser, "/portfolio"), (ada.browser, "/settings")):
        page = browser.open(path)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|javascript:|<script(?! src=\"/static/)", page)
        assert not re.search(r"(?:src|<link[^>]*href)=\"(?:https?:)?//", page)


def test_tls_alone_brings_strict_transport(visitor: Browser, https: Browser) -> None:
    assert "Strict-Transport-Security" not in visitor.client.get("/").headers
    assert https.client.get("/").headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert "Strict-Transport-Security" in https.client.get("/no-such-page").headers


def test_what_a_person_sees_is_stored_nowhere(visitor: Browser, ada: Person) -> None:
    assert ada.browser.client.get("/portfolio").headers["Cache-Control"] == "private, no-store"
    assert visitor.client.get("/").headers["Cache-Control"] == "private, no-cache"
    assert visitor.client.get("/login").headers["Cache-Control"] == "private, no-store"
    answer = visitor.client.get("/static/app.css")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    answer.close()


# Cookies


def test_cookies_are_for_the_server_alone(visitor: Browser, https: Browser) -> None:
    cookies = visitor.client.get("/login").headers.getlist("Set-Cookie")
    assert len(cookies) == 1
    assert "HttpOnly" in cookies[0]
    assert "SameSite=Lax" in cookies[0]
    assert "Secure" not in cookies[0]
    cookies = https.client.get("/login").headers.getlist("Set-Cookie")
    assert all("Secure" in one and "HttpOnly" in one and "SameSite=Lax" in one for one in cookies)
    assert cookies[0].startswith("__Host-session=")
    assert "Path=/" in cookies[0]
    assert "Domain" not in cookies[0]


def test_signing_in_changes_what_the_cookie_holds_and_signing_out_ends_it(visitor: Browser) -> None:
    register(visitor)
    cookie = visitor.client.get_cookie("session")
    assert cookie is not None
    visitor.open("/portfolio")
    assert visitor.send("/sign-out", shown_at="/portfolio").status_code == 302
    visitor.client.set_cookie("session", cookie.value)  # somebody kept a copy
    assert visitor.client.get("/portfolio").status_code == 302


def test_a_cookie_that_was_written_by_hand_signs_nobody_in(visitor: Browser) -> None:
    for value in ("x", "eyJrZXkiOiJ4In0.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb", "\x7f" * 50):
        visitor.client.set_cookie("session", value)
        assert visitor.client.get("/portfolio").status_code == 302


# Forms


@pytest.mark.parametrize(
    "path", ["/login", "/register", "/portfolio", "/portfolio/zip", "/sign-out", "/settings/delete"]
)
def test_a_forged_form_is_refused_with_a_page_that_helps(ada: Person, unit: UnitFactory, path: str) -> None:
    for data in ({}, {"csrf_token": "wrong"}):
        answer = ada.browser.client.post(path, data={**data, "source": "https://github.com/o/n"})
        page = words(answer.get_data(as_text=True))
        assert answer.status_code == 400
        assert "The form was open too long" in page
        assert "Go back, reload the page, and send the form again." in page
    with unit() as u:
        assert u.portfolio.list(ada.id) == []


def test_a_token_of_another_session_is_worth_nothing(ada: Person, visitor: Browser) -> None:
    found = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', visitor.open("/login"))
    assert found is not None
    answer = ada.browser.client.post("/portfolio", data={"csrf_token": found[1], "source": "https://github.com/o/n"})
    assert answer.status_code == 400


def test_after_signing_in_nobody_is_sent_elsewhere(visitor: Browser) -> None:
    register(visitor)
    visitor.send("/sign-out", shown_at="/portfolio")
    for away in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        answer = visitor.send("/login", email="ada@example.org", password=PASSWORD, next=away)
        assert answer.status_code == 200 or re.match(r"/(?![/\\])", answer.location)
        visitor.client.delete_cookie("session")


def test_a_visitor_comes_back_to_where_they_wanted(visitor: Browser) -> None:
    answer = visitor.client.get("/portfolio?x=1")
    assert answer.status_code == 302
    assert parse_qs(urlsplit(answer.location).query)["next"] == ["/portfolio?x=1"]


# Errors


def test_every_error_is_a_page_that_helps_and_tells_nothing(broken: Flask, ada: Person) -> None:
    client = broken.test_client()
    answers = {
        404: client.get("/no-such-page"),
        405: client.get("/portfolio/zip"),
        403: client.get("/forgotten"),
        500: client.get("/broken/x"),
        503: client.get("/busy"),
        413: client.post("/login", data={"email": "x" * (FORM_BYTES + 1)}),
    }
    for status, answer in answers.items():
        page = answer.get_data(as_text=True)
        assert answer.status_code == status
        assert f"Error {status}" in page
        assert answer.headers["X-Request-ID"] in page
        assert 'href="/"' in page
        assert not [trace for trace in TRACES if trace in page]
    assert answers[405].headers["Allow"] == "OPTIONS, POST"
    assert answers[503].headers["Retry-After"] == "5"


def test_a_page_without_a_rule_is_denied_to_everybody(broken: Flask, ada: Person) -> None:
    assert "a secret of the server" not in ada.browser.open("/forgotten", status=403)


def test_an_unknown_host_is_refused(settings: Settings, unit: UnitFactory) -> None:
    app = create_app(replace(settings, trusted_hosts=("assessor.example",)), unit=unit, enqueue=lambda _id: None)
    client = app.test_client()
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/", headers={"Host": "assessor.example"}).status_code == 200


# Logs


def test_a_request_is_one_line_of_json_under_its_id(broken: Flask, logged: Callable[[], list[dict[str, Any]]]) -> None:
    answer = broken.test_client().get("/broken/token-of-a-link?secret=1")
    lines = logged()
    request = next(line for line in lines if line["event"] == "request")
    failure = next(line for line in lines if line["event"] == "unexpected")
    assert request["request_id"] == failure["request_id"] == answer.headers["X-Request-ID"]
    assert (request["method"], request["route"], request["status"]) == ("GET", "/broken/<token>", 500)
    assert request["user"] is None
    assert request["milliseconds"] >= 0
    assert "a secret of the server" in failure["exception"]
    assert "token-of-a-link" not in json.dumps(request)
    assert "secret=1" not in json.dumps(lines)


def test_who_acts_is_logged_by_number_alone(ada: Person, logged: Callable[[], list[dict[str, Any]]]) -> None:
    ada.browser.open("/portfolio")
    line = next(line for line in logged() if line["event"] == "request")
    assert line["user"] == ada.actor.user_id
    assert "ada@" not in json.dumps(line)


def test_an_id_from_outside_is_believed_behind_a_proxy_alone(
    visitor: Browser, settings: Settings, unit: UnitFactory
) -> None:
    sent = {"X-Request-ID": "from-the-proxy-1"}
    assert visitor.client.get("/", headers=sent).headers["X-Request-ID"] != "from-the-proxy-1"
    behind = create_app(replace(settings, proxies=1), unit=unit, enqueue=lambda _id: None).test_client()
    assert behind.get("/", headers=sent).headers["X-Request-ID"] == "from-the-proxy-1"
    odd = {"X-Request-ID": "<script>" + "x" * 200}
    assert behind.get("/", headers=odd).headers["X-Request-ID"] != odd["X-Request-ID"]


# Limits


def test_guessing_a_password_ends_after_ten_tries_for_that_account(visitor: Browser) -> None:
    def sign_in(email: str) -> Any:
        return visitor.send("/login", email=email, password="wrong password")

    answers = [sign_in("ada@example.org") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert re.search(r"Try again in 1[01] minutes\.", words(answers[-1].get_data(as_text=True)))
    assert sign_in(" ADA@example.org").status_code == 429
    assert sign_in("grace@example.org").status_code == 200


def test_a_right_password_is_never_counted(visitor: Browser) -> None:
    register(visitor)
    for _ in range(12):
        visitor.client.delete_cookie("session")
        assert visitor.send("/login", email="ada@example.org", password=PASSWORD).status_code == 302


def test_an_unknown_account_and_a_wrong_password_read_alike(visitor: Browser) -> None:
    register(visitor)
    visitor.client.delete_cookie("session")
    told = []
    for email in ("ada@example.org", "nobody@example.org"):
        page = words(visitor.send("/login", email=email, password="wrong password").get_data(as_text=True))
        told.append(page.replace(email, ""))
    assert told[0] == told[1]


def test_a_name_turns_no_text_around_it(visitor: Browser) -> None:
    fields = {"password": PASSWORD, "password_confirm": PASSWORD, "name": " Ada \u202eLovelace "}
    visitor.send("/register", email="ada@example.org", **fields)
    page = visitor.open("/me")
    assert "Ada Lovelace" in page
    assert "\u202e" not in page
