"""Every route, tried by everybody: nothing answers 500, and nobody reads or changes what is somebody else's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask_security import hash_password
from sqlalchemy import inspect, text
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from assessor.models.account import UserAccount
from assessor.services.permissions import RULES, needs_subject
from assessor.services.unit import UnitFactory
from assessor.web.access import SESSION_KEY, action_of
from tests.hiring import add_candidate, open_requisition
from tests.web.clients import add, demo_person, finish
from tests.web.conftest import Browser, Person

# Flask-Security's own forms: what WTForms will change in 3.4 is theirs to follow.
pytestmark = pytest.mark.filterwarnings("ignore:Passing SelectField choices as tuples:DeprecationWarning")

MARKERS = ("zanzibar", "ada-private", "guest-of-ada")
"""What stands in the data of the owner and nowhere else."""

ENDS_THE_SESSION = ("account.delete", "account.sign_out", "security.logout")
OWN_ONLY = 404
BYSTANDERS = ("nobody", "colleague", "other", "demo")
"""Tried on the owner's things: a visitor, a member of the owner's workspace, an admin of another one, the demo user."""

CHANGING = re.compile(r'name="csrf_token"[^>]*|(?<=Request id <code>)[^<]*')
"""What differs from one request to the next whatever happens."""

SHARED = ("audit", "alembic_version")


@dataclass(frozen=True)
class World:
    """Hold the owner's things by the names that routes give them."""

    owner: Person
    ids: dict[str, object]

    def addresses(self, app: Flask) -> Iterator[tuple[Rule, str, str]]:
        """Yield every route with its method and an address of the owner's; what ends a session comes last."""
        for rule in sorted(app.url_map.iter_rules(), key=lambda one: (one.endpoint in ENDS_THE_SESSION, one.rule)):
            if rule.endpoint == "static":
                continue
            for method in sorted((rule.methods or set()) - {"HEAD"}):
                yield rule, method, self._address(app, rule)

    def _address(self, app: Flask, rule: Rule) -> str:
        values = {name: self.ids[name] for name in rule.arguments}
        built = app.url_map.bind("localhost").build(rule.endpoint, values)
        return str(built)


@pytest.fixture
def world(app: Flask, unit: UnitFactory, ada: Person) -> World:
    app.config["WTF_CSRF_ENABLED"] = False  # so that refusals come from the permissions and not from the forms
    repository_id, analysis_id = add(unit, ada.id, "https://github.com/ada/zanzibar")
    finish(unit, analysis_id)
    workspace_id = ada.actor.workspace_id
    assert workspace_id is not None
    with app.app_context(), unit(write=True) as u:
        u.session.get_one(UserAccount, ada.actor.user_id).password = hash_password("x")
        identity_id = u.identity.claim(ada.id, "ada-private@example.org").id
        u.workspace.invite(ada.actor, "member", "guest-of-ada@example.org")
        u.account.sign_in(ada.actor.user_id, "zanzibar browser")
        attempt_id = u.quiz.start(ada.id, "measured").id
        team = u.team.create(ada.actor, "Crew seven", "ml-engineer")
        member_id = u.team.add(ada.actor, team, ada.actor.user_id).id
        rita = u.account.create("rita@example.org", "hash", roles=("member",))
        review = u.review.ask_peer(ada.actor, rita.id, "production-infrastructure")
        u.review.submit(review, {"api-design": 3.0}, {"api-design": "wrote zanzibar"})
    requisition_id = open_requisition(unit, ada.actor, ada.actor, title="zanzibar engineer")
    candidate_id = add_candidate(unit, ada.actor, requisition_id, "https://github.com/guest-of-ada/zanzibar")
    with unit() as u:
        [invite] = u.workspace.invites(workspace_id)
        other_session = next(
            one for one in u.account.sessions(ada.actor.user_id, ada.actor.sign_in_id) if not one.current
        )
    ids = {
        "repository_id": repository_id,
        "analysis_id": analysis_id,
        "signal_key": "docker",
        "form": "json",
        "key": "production-infrastructure",
        "identity_id": identity_id,
        "sign_in_id": other_session.id,
        "workspace_id": workspace_id,
        "invite_id": invite.id,
        "token": "x" * 43,
        "attempt_id": attempt_id,
        "review_id": review.id,
        "requisition_id": requisition_id,
        "candidate_id": candidate_id,
        "user_id": ada.actor.user_id,
        "place": 1,
        "slug": "crew-seven",
        "member_id": member_id,
    }
    return World(ada, ids)


@pytest.fixture
def everybody(app: Flask, unit: UnitFactory) -> Callable[[str], Browser]:
    """Return a function that opens the browser of one kind of visitor: see BYSTANDERS."""

    def open_browser(who: str) -> Browser:
        if who == "demo":
            return demo_person(app, unit).browser
        browser = Browser(app.test_client())
        if who != "nobody":
            workspace, role = ("main", "member") if who == "colleague" else ("elsewhere", "admin")
            with app.app_context(), unit(write=True) as u:
                user = u.account.create("eve@example.org", hash_password("x"), roles=(role,), workspace=workspace)
                key = u.account.sign_in(user.id)
            with browser.client.session_transaction() as session:
                session[SESSION_KEY] = key
        return browser

    return open_browser


def send(browser: Browser, method: str, address: str) -> TestResponse:
    fields = {"source": "x", "email": "x", "password": "x", "role": "x"} if method == "POST" else None
    return browser.client.open(address, method=method, data=fields)


def rows_of(unit: UnitFactory) -> dict[str, int]:
    """Count the rows of every table that a request of somebody else must leave alone."""
    with unit() as u:
        connection = u.session.connection()
        tables = [name for name in inspect(connection).get_table_names() if not name.startswith(SHARED)]
        return {name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in tables}


def test_every_route_has_an_action_that_the_table_knows(app: Flask) -> None:
    missing = {
        rule.rule: action_of(app, rule.endpoint)
        for rule in app.url_map.iter_rules()
        if action_of(app, rule.endpoint) not in RULES and not rule.endpoint.startswith("security.")
    }
    assert missing == {}


def test_what_an_extension_brings_unasked_does_not_exist(app: Flask, ada: Person) -> None:
    unasked = [one for one in app.url_map.iter_rules() if action_of(app, one.endpoint) is None]
    assert all(rule.endpoint.startswith("security.") for rule in unasked)
    for rule in unasked:
        address = rule.rule.replace("<", "").replace(">", "")
        assert ada.browser.client.get(address).status_code in (404, 405), rule.rule


def test_every_owned_rule_is_asked_with_a_subject(app: Flask) -> None:
    """An action that needs an owner is refused to everybody where its view does not say that it shows an owned thing."""
    owned = {name for name in RULES if needs_subject(name)}
    assert {"portfolio.see", "portfolio.delete", "team.manage", "hiring.review"} <= owned
    for rule in app.url_map.iter_rules():
        if action_of(app, rule.endpoint) in owned:
            assert getattr(app.view_functions[rule.endpoint], "owned", False), rule.endpoint


@pytest.mark.parametrize("who", BYSTANDERS)
def test_nobody_else_reads_or_changes_the_owners_data(
    app: Flask, unit: UnitFactory, world: World, everybody: Callable[[str], Browser], who: str
) -> None:
    before = rows_of(unit)  # the owner's alone: whoever comes now may end what is their own
    browser = everybody(who)
    with browser.client.session_transaction() as session:
        key = session.get(SESSION_KEY)
    for rule, method, address in world.addresses(app):
        answer = send(browser, method, address)
        page = answer.get_data(as_text=True)
        assert answer.status_code < 500, f"{method} {address}: {answer.status_code}"
        assert not [marker for marker in MARKERS if marker in page], f"{method} {address}"
        owned = getattr(app.view_functions[rule.endpoint], "owned", False)
        if owned and method != "OPTIONS":
            assert answer.status_code == (302 if who == "nobody" else OWN_ONLY), f"{method} {address}"
        if rule.endpoint in ENDS_THE_SESSION or rule.endpoint == "account.demo_sign_in":
            with browser.client.session_transaction() as session:
                session.clear()
                if key is not None:
                    session[SESSION_KEY] = key
    after = rows_of(unit)
    assert {name: (count, after[name]) for name, count in before.items() if after[name] < count} == {}
    with unit() as u:
        assert u.account.actor(_key(world.owner)) is not None
        assert [one.name for one in u.portfolio.list(world.owner.id)] == ["zanzibar"]
        assert [one.confirmed_by for one in u.identity.of(world.owner.id)] == [None]


@pytest.mark.parametrize("who", ["colleague", "other"])
def test_what_is_somebody_elses_answers_as_what_does_not_exist(
    app: Flask, world: World, everybody: Callable[[str], Browser], who: str
) -> None:
    browser, tried = everybody(who), set()
    absent = {name: 987_654 if isinstance(value, int) else value for name, value in world.ids.items()}
    nowhere = World(world.owner, absent | {"analysis_id": "00000000-0000-0000-0000-000000000000", "slug": "absent"})
    for (rule, method, there), (_, _, gone) in zip(world.addresses(app), nowhere.addresses(app), strict=True):
        if getattr(app.view_functions[rule.endpoint], "owned", False) and method != "OPTIONS":
            taken, free = (CHANGING.sub("", send(browser, method, one).get_data(as_text=True)) for one in (there, gone))
            assert taken == free, f"{method} {there}"
            tried.add(rule.endpoint)
    assert {"review.show", "team.show", "quiz.show", "hiring.candidate", "portfolio.show"} <= tried


def test_a_panels_review_is_no_page_among_reviews_and_tells_nobody_that_it_is_there(
    world: World, unit: UnitFactory
) -> None:
    with unit(write=True) as u:
        one = u.hiring.candidate(int(str(world.ids["requisition_id"])), int(str(world.ids["candidate_id"])), lock=True)
        u.panel.save_draft(world.owner.actor, one, {}, {}, None)
        begun = u.panel.own_review(world.owner.actor, one).id
    pages = [
        CHANGING.sub("", world.owner.browser.open(f"/reviews/{number}", status=404)) for number in (begun, 987_654)
    ]
    assert pages[0] == pages[1]


def test_the_owner_can_open_everything_and_nothing_breaks(app: Flask, unit: UnitFactory, world: World) -> None:
    browser = world.owner.browser
    seen = set()
    for rule, method, address in world.addresses(app):
        if method == "POST":
            continue
        answer = send(browser, method, address)
        assert answer.status_code < 500, f"{method} {address}: {answer.status_code}"
        if answer.status_code == 200 and method == "GET":
            seen.add(rule.endpoint)
    assert {"portfolio.show", "portfolio.download", "portfolio.progress", "portfolio.evidence"} <= seen
    assert {"review.show", "review.evidence"} <= seen
    assert {"hiring.show", "hiring.candidate", "hiring.review", "hiring.compare", "hiring.decision"} <= seen
    for _rule, method, address in world.addresses(app):
        if method == "POST":
            answer = send(browser, method, address)
            assert answer.status_code < 500, f"{method} {address}: {answer.status_code}"


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**63, 10**30])
def test_numbers_that_no_row_has_are_no_errors(app: Flask, world: World, number: int) -> None:
    names = {name for name, value in world.ids.items() if isinstance(value, int)}
    for rule in app.url_map.iter_rules():
        for name in rule.arguments & names:
            address = rule.rule
            for part in address.split("/"):
                if part.startswith("<") and name in part:
                    address = address.replace(part, str(number))
            for method in (rule.methods or set()) & {"GET", "POST"}:
                answer = send(world.owner.browser, method, address)
                assert answer.status_code in (302, 404), f"{method} {address}: {answer.status_code}"


ODD = (
    "\x00",
    "'\"><script>alert(1)</script>",
    "x" * 100_000,
    "\ud7ff\uffff",
    "%s{{7*7}}",
    "../../etc/passwd",
    "-1e999",
)


@pytest.mark.parametrize("odd", ODD)
def test_odd_text_in_every_field_is_no_error_and_is_escaped(app: Flask, world: World, odd: str) -> None:
    fields = ("source", "rev", "email", "password", "role", "name", "next", "at", "since", "csrf_token", "invite")
    fields += ("self-layer", "ask-layer", "ask-reviewer", "stamp", "reason", "topic-api-design", "note-api-design")
    for rule, method, address in world.addresses(app):
        if rule.endpoint in ENDS_THE_SESSION:
            continue
        if method == "POST":
            answer = world.owner.browser.client.post(address, data=dict.fromkeys(fields, odd))
        elif method == "GET":
            answer = world.owner.browser.client.get(address, query_string=dict.fromkeys(fields, odd[:2000]))
        else:
            continue
        assert answer.status_code < 500, f"{method} {address}: {answer.status_code}"
        assert "<script>alert(1)" not in answer.get_data(as_text=True), f"{method} {address}"
        assert "%s49" not in answer.get_data(as_text=True), f"{method} {address} evaluated it"


def _key(person: Person) -> str:
    with person.browser.client.session_transaction() as session:
        return str(session[SESSION_KEY])
