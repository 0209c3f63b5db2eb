"""What the pages of a team show, worked out from rows that were read already: no query here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import fmean
from typing import Literal

import numpy as np

from assessor.content.schema import Catalogue, Layer, RoleTarget
from assessor.measurement import team as chances
from assessor.measurement.fusion import MIDDLE
from assessor.models.team import Team, TeamMember
from assessor.services.errors import NotFound
from assessor.services.evidence import Counted, fit_counted, of_layers
from assessor.services.parameters import Parameters
from assessor.services.profile_view import ProfileView
from assessor.services.standing import LayerStanding, standings

__all__ = ["Cell", "Column", "Heatmap", "LayerPage", "Row", "display_name", "heatmap", "layer_page", "shared_part"]

CLEAR_GAP = 0.5
"""Levels under the target from which on a cell is marked: less is within most intervals."""

LEAST_FOR_MEAN = 5
"""People from which on a mean is shown; of fewer it would tell single levels, and mean little."""

CellState = Literal["measured", "unmeasured", "private"]


@dataclass(frozen=True, slots=True)
class Cell:
    """Show one person in one layer. A private one is not told whether it is measured; `gap` is the way to the target."""

    state: CellState
    standing: LayerStanding | None = None
    target: float | None = None

    @property
    def level(self) -> float | None:
        """Return the level, None where it is not measured or not shown."""
        return self.standing.level if self.standing else None

    @property
    def gap(self) -> float | None:
        """Return how far the level, as it is written, lies under the target; None where there is none of both."""
        return None if self.level is None or self.target is None else self.target - round(self.level, 1)

    @property
    def below(self) -> bool:
        """Tell whether the level is clearly under the target."""
        return self.gap is not None and self.gap > CLEAR_GAP

    @property
    def heat(self) -> int:
        """Return the step of the colour, 0 to 5."""
        return 0 if self.level is None else round(self.level)


@dataclass(frozen=True, slots=True)
class Row:
    """Show one member."""

    member: TeamMember
    name: str
    cells: tuple[Cell, ...]

    @property
    def private(self) -> bool:
        """Tell whether this member shares no layer."""
        return all(cell.state == "private" for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Column:
    """Show one layer of a team: of those who are measured and share it, how many reach the target, and how surely.

    `expected` is the expected number at the target, `one` and `two` the probabilities that at least so many are; all
    None without a target or without anybody measured. `mean` is None for fewer than five.
    """

    layer: Layer
    target: float | None
    measured: int
    at_target: int
    mean: float | None
    expected: float | None = None
    one: float | None = None
    two: float | None = None


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Show a team: people x layers against a role."""

    team: Team
    role: RoleTarget | None
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    at: datetime

    @property
    def shown(self) -> list[int]:
        """Return the persons of whom anything is shown."""
        return [row.member.person_id for row in self.rows if not row.private]


@dataclass(frozen=True, slots=True)
class LayerPage:
    """Show one layer of a team: its people, the highest level first, then those not measured, then those not sharing."""

    heatmap: Heatmap
    column: Column
    before: Layer | None
    after: Layer | None
    lines: tuple[tuple[Row, Cell], ...]


def heatmap(
    catalogue: Catalogue,
    team: Team,
    role: RoleTarget | None,
    counted: Mapping[int, Sequence[Counted]],
    now: datetime,
    parameters: Parameters,
) -> Heatmap:
    """Put the heatmap of a team together; `counted` holds the rows of every member who shares anything.

    What somebody does not share moves nothing that is shown, though layers speak of one another.
    """
    layers = catalogue.framework.layers
    rows = []
    for member in team.members:
        shared = set(member.shares or ())
        rows_shared = of_layers(catalogue, counted.get(member.person_id, ()), shared)
        standing = standings(layers, fit_counted(rows_shared, now, parameters), now) if shared else ()
        cells = tuple(
            _cell(standing[index], role.levels[index] if role else None) if layer.key in shared else Cell("private")
            for index, layer in enumerate(layers)
        )
        rows.append(Row(member, display_name(member), cells))
    rows.sort(key=lambda row: (row.private, row.name.casefold()))
    columns = tuple(
        _column(layer, role.levels[index] if role else None, [row.cells[index] for row in rows])
        for index, layer in enumerate(layers)
    )
    return Heatmap(team, role, tuple(rows), columns, now)


def layer_page(whole: Heatmap, key: str) -> LayerPage:
    """Put the page of one layer of a team together. Raises NotFound for a key that no layer has."""
    index = next((place for place, one in enumerate(whole.columns) if one.layer.key == key), None)
    if index is None:
        raise NotFound("There is no such layer.", "The team's page links to all ten.")
    order = {"measured": 0, "unmeasured": 1, "private": 2}
    lines = sorted(
        ((row, row.cells[index]) for row in whole.rows),
        key=lambda line: (order[line[1].state], -(line[1].level or 0.0), line[0].name.casefold()),
    )
    columns = whole.columns
    return LayerPage(
        heatmap=whole,
        column=columns[index],
        before=columns[index - 1].layer if index else None,
        after=columns[index + 1].layer if index + 1 < len(columns) else None,
        lines=tuple(lines),
    )


def shared_part(view: ProfileView, shares: Sequence[str]) -> ProfileView:
    """Return what a member lets their managers see of a profile: other layers say that they are private, and no more.

    Single answers, notes and code are never part of it; next steps and the overall figure speak of all layers and go, and
    so does the role that they aim at themselves. The view must be made of the shared layers' evidence alone.
    """
    layers = tuple(
        one
        if one.layer.key in shares
        else replace(
            one, level=None, low=None, high=None, sd=None, held=False, verified=False, stale=False, last_at=None,
            private=True, moves=(), earlier=None, change=None, growth=(), dots=(), lines=(),
        )
        for one in (replace(one, target=None, weight=1.0) for one in view.layers)
    )  # fmt: skip
    return replace(view, role=None, layers=layers, overall=None, steps=(), fitted=None)


def display_name(member: TeamMember) -> str:
    """Return the name that a member goes by in a team."""
    user = member.person.user
    return member.person.name or (user.name or user.email if user else "") or "somebody without a name"


def _cell(standing: LayerStanding, target: float | None) -> Cell:
    return Cell("measured" if standing.measured else "unmeasured", standing, target)


def _column(layer: Layer, target: float | None, cells: Sequence[Cell]) -> Column:
    known = [cell.standing for cell in cells if cell.standing is not None and cell.standing.level is not None]
    levels = [one.level for one in known if one.level is not None]
    mean = fmean(levels) if len(levels) >= LEAST_FOR_MEAN else None
    reached = sum(cell.gap is not None and cell.gap <= 0 for cell in cells)
    if target is None or not known:
        return Column(layer, target, len(known), reached, mean)
    thetas = np.array([[level - MIDDLE] for level in levels])
    p = chances.at_target(thetas, np.array([[one.sd] for one in known]), target)
    return Column(
        layer,
        target,
        measured=len(known),
        at_target=reached,
        mean=mean,
        expected=float(p.sum()),
        one=float(chances.at_least(p, 1)[0]),
        two=float(chances.at_least(p, 2)[0]),
    )
