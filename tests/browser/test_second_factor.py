"""A second factor, set up and used as a person with an authenticator app does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import time

import pytest
from playwright.sync_api import Page, expect

# The form of Flask-Security does what WTForms deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:Passing SelectField choices as tuples:DeprecationWarning")

MAIL, PASSWORD = "careful@example.org", "four unrelated plain words"


def test_a_code_is_asked_for_once_an_app_is_set_up(page: Page) -> None:
    page.goto("/register")
    page.get_by_label(re.compile("mail", re.IGNORECASE)).fill(MAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/me")

    page.goto("/settings/second-factor")
    page.get_by_role("button", name="Set up an authenticator app").click()
    expect(page.get_by_alt_text("QR code with the key below")).to_be_visible()
    key = page.locator("main code").inner_text()
    page.get_by_label("Code").fill(code(key))
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_text("It is on.")).to_be_visible()

    page.get_by_role("button", name="Sign out").click()
    sign_in(page)
    page.get_by_label("Code").fill("000000")
    page.get_by_role("main").get_by_role("button").first.click()
    assert "/login/code" in page.url
    page.goto("/me")
    assert "/login" in page.url  # the password alone opens nothing

    sign_in(page)
    page.get_by_label("Code").fill(code(key, steps=1))  # a code is good for one use: the next one
    page.get_by_role("main").get_by_role("button").first.click()
    page.wait_for_url("**/me")


def sign_in(page: Page) -> None:
    page.goto("/login")
    page.get_by_label(re.compile("mail", re.IGNORECASE)).fill(MAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Code of your authenticator")).to_be_visible()


def code(key: str, steps: int = 0) -> str:
    """Return what an app shows for a key, `steps` half minutes from now (RFC 6238)."""
    secret = base64.b32decode(key.replace("-", "") + "=" * (-len(key.replace("-", "")) % 8))
    digest = hmac.digest(secret, struct.pack(">Q", int(time.time()) // 30 + steps), hashlib.sha1)
    place = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[place : place + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"
