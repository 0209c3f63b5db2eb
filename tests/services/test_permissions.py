from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from assessor.services.errors import Forbidden, NotFound, SignInNeeded
from assessor.services.permissions import RULES, Actor, allow, require

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Thing:
    """Be what every kind of rule can look at: of a person, of workspace 7, open to a panel, reviewed by user 5."""

    person_id: int
    workspace_id: int = 7
    panel_ids: frozenset[int] = frozenset({6})
    reviewer_id: int = 5
    candidate_id: int | None = None


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
    "profile.explain", "account.invited", "hiring.invitation",
}  # fmt: skip
OWNED = {
    "portfolio.see", "portfolio.rescan", "portfolio.delete", "portfolio.evidence", "quiz.see", "quiz.answer",
    "team.membership", "team.share",
}  # fmt: skip
DEMO_READS = {
    "account.sign_out", "account.see", "account.export", "account.switch", "profile.see", "portfolio.list",
    "quiz.list", "review.list", "team.list", "hiring.list",
}  # fmt: skip
DEMO_SEES = {
    "portfolio.see",
    "portfolio.evidence",
    "quiz.see",
    "review.see",
    "team.membership",
    "team.see",
    "hiring.see",
}


@dataclass(frozen=True)
class Owned:
    person_id: int


def test_a_visitor_may_do_what_is_named_here_and_nothing_else() -> None:
    assert {action for action in RULES if allow(action, None)} == VISITORS


def test_an_unknown_action_is_denied_to_everybody() -> None:
    assert not allow("nothing.known", someone(role="admin", operator=True))


@pytest.mark.parametrize("action", sorted(OWNED))
def test_what_belongs_to_somebody_else_does_not_exist(action: str) -> None:
    assert allow(action, someone(1), Owned(1))
    for stranger in (someone(2), someone(2, role="manager"), someone(2, role="admin"), someone(2, operator=True)):
        with pytest.raises(NotFound):
            require(action, stranger, Owned(1))
    with pytest.raises(SignInNeeded):
        require(action, None, Owned(1))


def test_the_demo_user_looks_and_changes_nothing() -> None:
    demo = someone(1, demo=True, role="admin", workspace_id=7)
    allowed = {action for action in RULES if allow(action, demo, Thing(1))}
    assert allowed == VISITORS | DEMO_READS | DEMO_SEES
    with pytest.raises(Forbidden, match="demo user"):
        require("account.change", demo)


def test_inviting_is_for_admins_of_the_workspace() -> None:
    for role in ("member", "manager", "panellist", None):
        assert not allow("account.invite", someone(role=role))
    assert allow("account.invite", someone(role="admin"))


@pytest.mark.parametrize("action", ["team.see", "team.manage", "hiring.manage", "hiring.decide"])
def test_managers_act_in_their_active_workspace_alone(action: str) -> None:
    assert allow(action, someone(2, role="manager", workspace_id=7), Thing(1))
    assert allow(action, someone(2, role="admin", workspace_id=7), Thing(1))
    for role, workspace in (("member", 7), ("panellist", 7), ("manager", 8), ("admin", 8), (None, None)):
        assert not allow(action, someone(2, role=role, workspace_id=workspace), Thing(1))


def test_a_panel_is_who_is_on_it_now() -> None:
    assert allow("hiring.review", someone(2, user_id=6), Thing(1))
    assert allow("hiring.see", someone(2, user_id=6), Thing(1))
    assert not allow("hiring.review", someone(2, user_id=9, role="manager", workspace_id=7), Thing(1))
    with pytest.raises(NotFound):
        require("hiring.see", someone(2, user_id=9, role="panellist", workspace_id=7), Thing(1))


def test_a_review_is_between_two_and_a_candidate_is_not_shown_a_panels() -> None:
    asked, about, other = someone(2, user_id=5), someone(1), someone(3, user_id=9, role="admin", workspace_id=7)
    assert allow("review.write", asked, Thing(1))
    assert not allow("review.write", about, Thing(1))
    assert allow("review.see", about, Thing(1))
    assert not allow("review.see", about, Thing(1, candidate_id=4))
    assert not allow("review.see", other, Thing(1))


def test_a_candidate_opens_their_application_and_no_workspace() -> None:
    who = someone(1, candidate_id=4)
    assert allow("hiring.application", who)
    assert not any(allow(action, who) for action in ("team.list", "hiring.list", "hiring.create", "account.leave"))
    assert not allow("account.secure", who)  # their link is their key, and can be revoked
    assert allow("account.secure", someone(1))
    assert not allow("hiring.application", someone(1, role="admin"))
