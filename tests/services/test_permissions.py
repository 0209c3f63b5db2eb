from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from assessor.services.errors import Forbidden, NotFound, SignInNeeded
from assessor.services.permissions import RULES, Actor, allow, require

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Thing:
    person_id: int


def someone(person_id: int = 1, **changes: object) -> Actor:
    known = {
        "user_id": 1,
        "person_id": person_id,
        "sign_in_id": 1,
        "email": "a@example.org",
        "name": "",
        "seen_at": NOW,
    }
    return Actor(**(known | changes))  # type: ignore[arg-type]


VISITORS = {
    "home.see", "home.health", "account.sign_up", "account.sign_in", "account.demo", "profile.start", "profile.demo",
    "profile.explain",
}  # fmt: skip
OWNED = {"portfolio.see", "portfolio.rescan", "portfolio.delete", "portfolio.evidence"}
DEMO_READS = {"account.sign_out", "account.see", "account.export", "account.switch", "profile.see", "portfolio.list"}


def test_a_visitor_may_do_what_is_named_here_and_nothing_else() -> None:
    assert {action for action in RULES if allow(action, None)} == VISITORS


def test_an_unknown_action_is_denied_to_everybody() -> None:
    assert not allow("nothing.known", someone(role="admin", operator=True))


@pytest.mark.parametrize("action", sorted(OWNED))
def test_what_belongs_to_somebody_else_does_not_exist(action: str) -> None:
    assert allow(action, someone(1), Thing(1))
    for stranger in (someone(2), someone(2, role="manager"), someone(2, role="admin"), someone(2, operator=True)):
        with pytest.raises(NotFound):
            require(action, stranger, Thing(1))
    with pytest.raises(SignInNeeded):
        require(action, None, Thing(1))


def test_the_demo_user_looks_and_changes_nothing() -> None:
    demo = someone(1, demo=True, role="admin")
    allowed = {action for action in RULES if allow(action, demo, Thing(1))}
    assert allowed == VISITORS | DEMO_READS | {"portfolio.see", "portfolio.evidence"}
    with pytest.raises(Forbidden, match="demo user"):
        require("account.change", demo)


def test_inviting_is_for_admins_of_the_workspace() -> None:
    for role in ("member", "manager", "panellist", None):
        assert not allow("account.invite", someone(role=role))
    assert allow("account.invite", someone(role="admin"))
