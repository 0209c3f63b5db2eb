"""What a blind panel lets whom see of a candidate: one rule for pages, levels, files and counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, SQLColumnExpression, exists, inspect

from assessor.models.hiring import Candidate, Requisition
from assessor.models.profile import Evidence
from assessor.models.review import Review
from assessor.services.permissions import Actor, manager_of

__all__ = ["Sight", "before_the_panel", "sight", "without_reviews"]


@dataclass(frozen=True, slots=True)
class Sight:
    """Say what one viewer may see of one candidate.

    `manages` is a manager of the workspace, `on_panel` who is on the panel now; one can be both. `own` is the viewer's own
    review, `open` whether everything may be shown: the reviews handed in, the decisions, and levels that reviews moved.
    `shown` are the reviews that may be: none before that. `handed_in` of `asked` are present members of the panel whose
    review is in; both are None for who may not know.
    """

    manages: bool
    on_panel: bool
    own: Review | None
    open: bool
    shown: tuple[Review, ...]
    handed_in: int | None
    asked: int | None

    @property
    def own_in(self) -> bool:
        """Tell whether the viewer's own review is handed in."""
        return self.own is not None and self.own.state == "submitted"

    @property
    def complete(self) -> bool:
        """Tell whether it is known that no present member's review is missing, and that there is one at all."""
        return self.open and bool(self.shown) and self.handed_in == self.asked

    def evidence(self, rows: Iterable[Evidence]) -> list[Evidence]:
        """Return the rows of a candidate that the viewer's levels are made of."""
        return list(rows) if self.open else without_reviews(rows)


def sight(actor: Actor, requisition: Requisition, reviews: Iterable[Review]) -> Sight:
    """Return what somebody may see of a candidate; `reviews` are all of that candidate, whoever's.

    On the panel: nothing of the others' before the own review is in. A manager who is not on it: how many are in, and
    what they say when those of all present members are. Somebody who left the panel is asked no more, and what they had
    handed in stays.
    """
    reviews = tuple(reviews)
    panel = requisition.panel_ids
    on_panel, manages = actor.user_id in panel, manager_of(actor, requisition)
    submitted = tuple(sorted((one for one in reviews if one.state == "submitted"), key=lambda one: one.id))
    own = next((one for one in reviews if one.reviewer_id == actor.user_id), None)
    handed_in = len(panel & {one.reviewer_id for one in submitted})
    if on_panel:
        opened = counted = own is not None and own.state == "submitted"
    else:
        opened, counted = manages and handed_in == len(panel), manages
    return Sight(
        manages=manages,
        on_panel=on_panel,
        own=own,
        open=opened,
        shown=submitted if opened else (),
        handed_in=handed_in if counted else None,
        asked=len(panel) if counted else None,
    )


def before_the_panel(person_id: SQLColumnExpression[int] | int) -> ColumnElement[bool]:
    """Return the condition that somebody is a candidate whose requisition is open, who sees nothing of the panel's yet."""
    return exists().where(
        Candidate.person_id == person_id,
        Candidate.requisition_id == Requisition.id,
        Requisition.closed_at.is_(None),
    )


def without_reviews(rows: Iterable[Evidence]) -> list[Evidence]:
    """Return rows of evidence as they would be if nobody had reviewed the person.

    A review does not only add rows: repositories of its layers count as looked at by a human from then on, which moves
    levels too. Rows that change are copies that belong to no session.
    """
    return [_unlooked(row) if row.reviewed else row for row in rows if row.instrument != "review"]


def _unlooked(row: Evidence) -> Evidence:
    kept = {column.key: getattr(row, column.key) for column in inspect(Evidence).column_attrs}
    return Evidence(**(kept | {"reviewed": False}))
