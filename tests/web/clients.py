"""What the tests of the portfolio and of the frame share: the demo user's browser, and analyses in every state."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from html import unescape

from flask import Flask

from assessor.analysis.report.model import improvable
from assessor.services.unit import UnitFactory
from assessor.web.access import SESSION_KEY
from tests.reports import make_report
from tests.web.conftest import Browser, Person

SOURCE = "https://github.com/ada/churn"
GRADES = {"docker": 3, "http-api": 4, "unit-tests": 4, "secrets": 2, "data-validation": 1}


def demo_person(app: Flask, unit: UnitFactory) -> Person:
    """Return the demo user in a browser that is signed in."""
    with unit(write=True) as u:
        user = u.account.create("sam@demo.invalid", None, name="Sam Rivera", workspace="demo", demo=True)
        key = u.account.sign_in(user.id)
    browser = Browser(app.test_client())
    with browser.client.session_transaction() as session:
        session[SESSION_KEY] = key
    with unit() as u:
        who = u.account.actor(key)
    assert who is not None
    return Person(who, browser)


def add(unit: UnitFactory, person_id: int, source: str = SOURCE) -> tuple[int, str]:
    """Add a repository and return its id and that of its analysis, which waits."""
    with unit(write=True) as u:
        analysis = u.portfolio.add(person_id, source)
        return analysis.repository_id, analysis.id


def finish(
    unit: UnitFactory, analysis_id: str, grades: Mapping[str, int] | None = None, author: str | None = None
) -> None:
    """End an analysis with a report of these grades, with next steps as the engine names them."""
    catalogue = unit.catalogue
    made = make_report(catalogue.framework, GRADES if grades is None else grades, author=author)
    signals = []
    for signal in made.signals:
        text = catalogue.signal_texts[signal.key]
        cap = catalogue.framework.signals[signal.key].cap
        if improvable(signal.polarity, signal.outcome, signal.grade, cap):
            signals.append(replace(signal, remediation=text.next_step, effort=text.effort))
        else:
            signals.append(replace(signal, gain=None))
    with unit(write=True) as u:
        u.portfolio.begin(analysis_id)
        u.portfolio.keep(analysis_id, replace(made, source=SOURCE, signals=tuple(signals)))
    with unit(write=True) as u:
        u.portfolio.finish(analysis_id)


def words(page: str) -> str:
    """Return the text of a page as it is read, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
