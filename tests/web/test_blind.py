"""The proof of blindness: every page of the application, before and after somebody else handed in, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

import pytest
from flask import Flask
from sqlalchemy import select

from assessor.models.portfolio import Analysis, Repository
from assessor.models.review import Review
from assessor.services.permissions import Actor
from assessor.services.unit import UnitFactory
from assessor.web.access import SESSION_KEY
from tests.hiring import add_candidate, hand_in, load, open_requisition, topics
from tests.services.conftest import sign_up
from tests.web.clients import finish
from tests.web.conftest import Browser

pytestmark = pytest.mark.filterwarnings("ignore:Passing SelectField choices as tuples:DeprecationWarning")

MARKER = "hippopotamus"
ODD = 4.5

CHANGING = re.compile(
    rb'(?<=name="csrf_token" value=")[^"]*|(?<=Request id <code>)[^<]*|name="csrf_token" type="hidden"[^>]*'
)
CHANGING_HEADERS = ("Set-Cookie", "X-Request-ID", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After")
"""What differs from one request to the next whatever happens."""

COUNTS = re.compile(rb"\d of \d (?=reviews|are handed in)")
"""How many reviews are in, which a manager outside the panel may know."""

ENDS_THE_SESSION = ("security.logout",)

Answer = tuple[int, list[tuple[str, str]], bytes]


@dataclass
class World:
    """Be a requisition with two candidates, and two on its panel, of whom one is watched."""

    app: Flask
    unit: UnitFactory
    outsider: Actor
    watched: Actor
    other: Actor
    requisition: int
    candidates: list[int]
    came: int
    token: str
    ids: Mapping[str, list[object]] = field(default_factory=dict)

    def browser(self, who: Actor) -> Browser:
        """Open a browser that is signed in."""
        with self.unit(write=True) as u:
            key = u.account.sign_in(who.user_id)
        browser = Browser(self.app.test_client())
        with browser.client.session_transaction() as session:
            session[SESSION_KEY] = key
        return browser

    def addresses(self) -> Iterator[str]:
        """Yield the addresses of every GET route, with every value that its arguments can have in this world."""
        build = self.app.url_map.bind("localhost").build
        for rule in self.app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.endpoint == "static" or rule.endpoint in ENDS_THE_SESSION:
                continue
            names = sorted(rule.arguments)
            for values in product(*(self.ids[name] for name in names)):
                yield build(rule.endpoint, dict(zip(names, values, strict=True)))

    def seen(self, browser: Browser) -> dict[str, Answer]:
        """Return what every page answers."""
        found = {}
        for address in self.addresses():
            answer = browser.client.get(address)
            headers = sorted((name, value) for name, value in answer.headers if name not in CHANGING_HEADERS)
            found[address] = (answer.status_code, headers, CHANGING.sub(b"", answer.get_data()))
        return found

    def everything_of_the_other(self) -> None:
        """Hand in two reviews, amend one, and decide, with marked words and odd ratings."""
        for candidate_id in self.candidates:
            hand_in(self.unit, self.other, self.requisition, candidate_id, ODD, MARKER)
        keys = topics(self.unit.catalogue)
        with self.unit(write=True) as u:
            one = u.hiring.candidate(self.requisition, self.candidates[0], lock=True)
            ratings = dict.fromkeys(keys, 0.5) | {keys[0]: 5.0}
            u.panel.amend(self.other, one, ratings, dict.fromkeys(keys, MARKER * 2), f"{MARKER} again", None)
        with self.unit(write=True) as u:
            one = u.hiring.candidate(self.requisition, self.candidates[0], lock=True, decisions=True)
            u.panel.decide(self.other, one, "definitely not", f"because of the {MARKER}")


@pytest.fixture
def world(app: Flask, unit: UnitFactory) -> Callable[[str], World]:
    """Return a function that makes a world in which the watched one has a role."""

    def make(role: str) -> World:
        outsider, other = sign_up(unit, "mia@example.org", "manager"), sign_up(unit, "ben@example.org", "manager")
        watched = sign_up(unit, "ann@example.org", role)
        requisition = open_requisition(unit, outsider, other, watched)
        candidates = [add_candidate(unit, outsider, requisition)]
        with unit(write=True) as u:
            one, token = u.candidacy.invite(outsider, u.hiring.requisition(requisition, lock=True))
            u.candidacy.accept(token, consent=True, name="Grace Hopper")
            came = one.id
            analysis = u.hiring.add_repository(
                outsider, one, "https://github.com/grace/compiler", "grace@navy.example"
            ).id
            u.profile.rate(one.person_id, "ml-engineer", {"production-infrastructure": 3.0, "systems-thinking": 2.0})
        finish(unit, analysis, author="grace@navy.example")
        candidates.append(came)
        with unit(write=True) as u:  # both have looked already, so that only what they say is new
            for who, candidate_id in product((other, watched), candidates):
                u.panel.save_draft(who, u.hiring.candidate(requisition, candidate_id, lock=True), {}, {}, None)
            u.review.start_self(watched, "production-infrastructure")
            team = u.team.create(outsider, "Crew", "ml-engineer")
            member = u.team.add(outsider, team, watched.user_id).id
        made = World(app, unit, outsider, watched, other, requisition, candidates, came, token)
        with unit() as u:
            repositories: list[object] = list(u.session.scalars(select(Repository.id)))
            analyses: list[object] = list(u.session.scalars(select(Analysis.id)))
            reviews: list[object] = list(u.session.scalars(select(Review.id)))
        made.ids = {
            "requisition_id": [requisition],
            "candidate_id": list(candidates),
            "repository_id": repositories,
            "analysis_id": analyses,
            "review_id": [*reviews, 99],
            "signal_key": ["docker", "unit-tests"],
            "form": ["json", "md"],
            "key": ["production-infrastructure", "data-engineering"],
            "token": ["x" * 43, token],
            "attempt_id": [1],
            "place": [1],
            "slug": ["crew"],
            "member_id": [member],
            "name": ["x"],
        }
        return made

    return make


def differences(before: dict[str, Answer], after: dict[str, Answer]) -> list[str]:
    return [address for address, answer in after.items() if before[address] != answer]


@pytest.mark.parametrize("role", ["panellist", "manager", "admin"])
def test_before_the_own_review_is_in_no_page_tells_anything_of_the_others(
    world: Callable[[str], World], role: str
) -> None:
    here = world(role)
    browser = here.browser(here.watched)
    here.seen(browser)  # looks are recorded at the first time
    before = here.seen(browser)
    assert sum(status == 200 for status, _, _ in before.values()) > 25
    here.everything_of_the_other()
    after = here.seen(browser)
    assert differences(before, after) == []
    assert [address for address, (_, _, body) in after.items() if MARKER.encode() in body] == []
    for candidate_id in here.candidates:
        sent = {"verdict": "yes", "reason": "x", "csrf_token": ""}
        here.app.config["WTF_CSRF_ENABLED"] = False
        answer = browser.client.post(f"/hiring/{here.requisition}/{candidate_id}/decision", data=sent)
        assert answer.status_code in (403, 409)
        assert MARKER not in answer.get_data(as_text=True)
        here.app.config["WTF_CSRF_ENABLED"] = True

    # The proof can fail: once the own review is in, the same pages tell it all; of the other candidate still nothing.
    first, second = here.candidates
    hand_in(here.unit, here.watched, here.requisition, first, 2.0)
    told = here.seen(browser)
    place = f"/hiring/{here.requisition}"
    changed = set(differences(after, told))
    assert {f"{place}/{first}", f"{place}/{first}/decision", f"{place}/compare", f"{place}/compare.csv"} <= changed
    assert MARKER.encode() in told[f"{place}/{first}"][2]
    assert MARKER.encode() in told[f"{place}/{first}/decision"][2]
    assert {f"{place}/{second}", f"{place}/{second}/decision", f"{place}/{second}/review"} & changed == set()


def test_a_manager_outside_the_panel_knows_how_many_are_in_and_no_more(world: Callable[[str], World]) -> None:
    here = world("panellist")
    browser = here.browser(here.outsider)

    def masked() -> dict[str, Answer]:
        # A shorter or longer count moves the length alone.
        return {
            address: (status, [one for one in headers if one[0] != "Content-Length"], COUNTS.sub(b"n ", body))
            for address, (status, headers, body) in here.seen(browser).items()
        }

    masked()
    before = masked()
    here.everything_of_the_other()
    after = masked()
    assert differences(before, after) == []
    assert b"1 of 2 reviews" in here.seen(browser)[f"/hiring/{here.requisition}"][2]
    hand_in(here.unit, here.watched, here.requisition, here.candidates[0], 2.0)
    told = here.seen(browser)
    assert MARKER.encode() in told[f"/hiring/{here.requisition}/{here.candidates[0]}"][2]
    assert MARKER.encode() not in told[f"/hiring/{here.requisition}/{here.candidates[1]}"][2]


def test_a_candidate_sees_nothing_of_the_panel_before_the_requisition_is_closed(world: Callable[[str], World]) -> None:
    here = world("panellist")
    person = load(here.unit, here.requisition, here.came).person
    assert person.user_id is not None
    named = {"user_id": person.user_id, "person_id": person.id, "email": "", "name": "", "seen_at": person.created_at}
    browser = here.browser(Actor(sign_in_id=0, **named))  # type: ignore[arg-type]
    panellist = here.browser(here.other)
    here.seen(panellist)  # that somebody looked is told
    before = here.seen(browser)
    assert before["/application"][0] == before["/me"][0] == before["/settings/export"][0] == 200
    here.everything_of_the_other()
    for candidate_id in here.candidates:
        hand_in(here.unit, here.watched, here.requisition, candidate_id, 2.0, MARKER)
    here.seen(panellist)  # and not that there was more to see
    after = here.seen(browser)
    assert differences(before, after) == []
    assert [address for address, (_, _, body) in after.items() if MARKER.encode() in body] == []
    with here.unit(write=True) as u:
        u.hiring.close(here.outsider, u.hiring.requisition(here.requisition, lock=True))
    told = here.seen(browser)
    assert {"/me", "/application", "/settings/export"} <= set(differences(after, told))
    assert [address for address, (_, _, body) in told.items() if MARKER.encode() in body] == []
