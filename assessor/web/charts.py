"""Geometry of the charts: numbers in, path data out; the macros in templates/macros/charts.html draw it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

__all__ = ["Axis", "Bar", "Line", "Mark", "Radar", "Spoke", "bar", "line", "marker", "radar"]

TOP_LEVEL = 5.0
WIDTH, HEIGHT = 424.0, 372.0
CENTRE_X, CENTRE_Y = 232.0, HEIGHT / 2 + 1
RADIUS = 130.0
"""As large as the labels leave room for at 11 px on a phone; the longest ones stand on the left, so the centre does not."""

LABEL_GAP = 12.0
LINE_HEIGHT = 17.0
"""Room that one line of an axis' label takes, in units of the view box."""

MARK_RADIUS = 5.0
MARK_SPREAD = 8.0
"""How far apart the marks of two instruments stand across an axis, so that equal levels do not hide one another."""

INSTRUMENTS = ("self", "quiz", "repo", "review", "drill")


class Said(Protocol):
    """Say what one instrument says of a layer."""

    @property
    def instrument(self) -> str:
        """Return the instrument."""

    @property
    def level(self) -> float:
        """Return the level, 0..5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoke:
    """Give what the radar shows on one axis; levels are 0..5 and None where nothing was measured."""

    number: int
    short: str
    href: str | None = None
    level: float | None = None
    low: float | None = None
    high: float | None = None
    target: float | None = None
    earlier: float | None = None
    said: Sequence[Said] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """Draw one sign of an instrument."""

    instrument: str
    path: str


@dataclass(frozen=True, slots=True)
class Axis:
    """Draw one axis from the centre to (x, y), with its label."""

    number: int
    short: str
    value: str
    href: str | None
    measured: bool
    x: float
    y: float
    label_x: float
    label_y: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Radar:
    """Hold everything the radar macro draws, in units of its view box."""

    width: float
    height: float
    centre: tuple[float, float]
    rings: tuple[str, ...]
    ticks: tuple[tuple[float, float, int], ...]
    axes: tuple[Axis, ...]
    score: str
    points: tuple[tuple[float, float], ...]
    band: str
    target: str
    earlier: str
    marks: tuple[Mark, ...]
    summary: str


def radar(spokes: Sequence[Spoke]) -> Radar:
    """Lay out a radar of any number of axes, the first one upwards, clockwise.

    Lines have a gap where a level is missing; the band covers neighbouring axes that both have an interval.
    """
    count = len(spokes)
    score = [spoke.level for spoke in spokes]
    return Radar(
        width=WIDTH,
        height=HEIGHT,
        centre=(CENTRE_X, CENTRE_Y),
        rings=tuple(_closed([_at(i, count, float(level)) for i in range(count)]) for level in range(1, 6)),
        ticks=tuple((CENTRE_X, _round(CENTRE_Y - RADIUS * level / TOP_LEVEL), level) for level in range(1, 6)),
        axes=tuple(_axis(i, count, spoke) for i, spoke in enumerate(spokes)),
        score=_outline(score),
        points=tuple(_at(i, count, level) for i, level in enumerate(score) if level is not None),
        band=_band([spoke.low for spoke in spokes], [spoke.high for spoke in spokes]),
        target=_outline([spoke.target for spoke in spokes]),
        earlier=_outline([spoke.earlier for spoke in spokes]),
        marks=tuple(mark for i, spoke in enumerate(spokes) for mark in _marks(i, count, spoke.said)),
        summary=_summary(spokes),
    )


def marker(instrument: str, x: float, y: float, radius: float = MARK_RADIUS) -> str:
    """Return the path of an instrument's sign: self ●, quiz ■, review ▲, repository ◆, drill ✚."""
    r, s = radius, radius * 0.85
    match instrument:
        case "self":
            return f"M{_n(x - r)} {_n(y)}a{_n(r)} {_n(r)} 0 1 0 {_n(2 * r)} 0a{_n(r)} {_n(r)} 0 1 0 {_n(-2 * r)} 0z"
        case "quiz":
            return _closed([(x - s, y - s), (x + s, y - s), (x + s, y + s), (x - s, y + s)])
        case "review":
            return _closed([(x, y - 1.1 * r), (x + 1.1 * r, y + 0.85 * r), (x - 1.1 * r, y + 0.85 * r)])
        case "repo":
            return _closed([(x, y - 1.25 * r), (x + 1.25 * r, y), (x, y + 1.25 * r), (x - 1.25 * r, y)])
        case _:
            t = r * 0.4
            steps = [
                (-t, -r),
                (t, -r),
                (t, -t),
                (r, -t),
                (r, t),
                (t, t),
                (t, r),
                (-t, r),
                (-t, t),
                (-r, t),
                (-r, -t),
                (-t, -t),
            ]
            return _closed([(x + a, y + b) for a, b in steps])


@dataclass(frozen=True, slots=True)
class Bar:
    """Hold one bar against its target, as shares of the full width in percent; None where there is nothing to draw."""

    score: float | None
    low: float | None
    width: float | None
    target: float | None


def bar(level: float | None, low: float | None, high: float | None, target: float | None) -> Bar:
    """Lay out a bar from 0 to 5 with its 90% interval and target."""
    return Bar(
        score=_percent(level),
        low=_percent(low),
        width=None if low is None or high is None else max(_round((high - low) / TOP_LEVEL * 100), 0.8),
        target=_percent(target),
    )


@dataclass(frozen=True, slots=True)
class Line:
    """Hold a small line over time in a box of 120 x 40, with gaps where nothing was measured."""

    path: str
    end: tuple[float, float] | None
    target_y: float | None


def line(points: Sequence[tuple[datetime, float | None]], target: float | None) -> Line:
    """Lay out levels over time from the first to the last point; a single one stands at the right end."""
    if not points:
        return Line("", None, _height(target))
    start, span = points[0][0], (points[-1][0] - points[0][0]).total_seconds()
    placed = [
        None if level is None else (_round(116 * (at - start).total_seconds() / span) if span else 116.0, _y(level))
        for at, level in points
    ]
    last = placed[-1]
    return Line("".join(_runs(placed)), last, _height(target))


def _axis(index: int, count: int, spoke: Spoke) -> Axis:
    angle = 2 * math.pi * index / count
    x, y = _at(index, count, TOP_LEVEL)
    across, down = math.sin(angle), -math.cos(angle)
    anchor = "middle" if abs(across) < 0.2 else "start" if across > 0 else "end"
    # Two lines of text: their middle stands where the axis points to, beside its end.
    shift = LINE_HEIGHT * (0.85 * down - 0.15)
    return Axis(
        number=spoke.number,
        short=spoke.short,
        value="–" if spoke.level is None else f"{spoke.level:.1f}",
        href=spoke.href,
        measured=spoke.level is not None,
        x=x,
        y=y,
        label_x=_round(CENTRE_X + (RADIUS + LABEL_GAP) * across),
        label_y=_round(CENTRE_Y + (RADIUS + LABEL_GAP) * down + shift),
        anchor=anchor,
    )


def _marks(index: int, count: int, said: Sequence[Said]) -> Iterable[Mark]:
    angle = 2 * math.pi * index / count
    ordered = sorted(said, key=lambda one: INSTRUMENTS.index(one.instrument))
    for place, one in enumerate(ordered):
        x, y = _at(index, count, one.level)
        aside = MARK_SPREAD * (place - (len(ordered) - 1) / 2)
        yield Mark(one.instrument, marker(one.instrument, x + aside * math.cos(angle), y + aside * math.sin(angle)))


def _outline(levels: Sequence[float | None]) -> str:
    """Return one closed path, or open ones with gaps where a level is missing."""
    count = len(levels)
    points = [None if level is None else _at(i, count, level) for i, level in enumerate(levels)]
    known = [point for point in points if point is not None]
    if len(known) == count:
        return _closed(known)
    # Begin after a gap, so that a run over the top of the circle stays one.
    start = points.index(None)
    return "".join(_runs(points[start:] + points[:start]))


def _runs(points: Sequence[tuple[float, float] | None]) -> Iterable[str]:
    run: list[tuple[float, float]] = []
    for point in [*points, None]:
        if point is not None:
            run.append(point)
        elif run:
            if len(run) > 1:
                yield _open(run)
            run = []


def _band(lows: Sequence[float | None], highs: Sequence[float | None]) -> str:
    count = len(lows)
    inner = [None if low is None else _at(i, count, low) for i, low in enumerate(lows)]
    outer = [None if high is None else _at(i, count, high) for i, high in enumerate(highs)]
    pairs = [(i, o) for i, o in zip(inner, outer, strict=True) if i is not None and o is not None]
    if len(pairs) == count:
        return _closed([o for _, o in pairs]) + _closed([i for i, _ in pairs])
    quads = []
    for place in range(count):
        after = (place + 1) % count
        corners = (inner[place], outer[place], outer[after], inner[after])
        if all(corner is not None for corner in corners):
            quads.append(_closed([corner for corner in corners if corner is not None]))
    return "".join(quads)


def _summary(spokes: Sequence[Spoke]) -> str:
    if all(spoke.level is None for spoke in spokes):
        return "Nothing has been measured yet."
    return "; ".join(
        f"{spoke.number} {spoke.short} "
        + ("not measured" if spoke.level is None else f"{spoke.level:.1f}")
        + ("" if spoke.target is None else f", target {spoke.target:.1f}")
        for spoke in spokes
    )


def _at(index: int, count: int, level: float) -> tuple[float, float]:
    angle, radius = 2 * math.pi * index / count, RADIUS * level / TOP_LEVEL
    return _round(CENTRE_X + radius * math.sin(angle)), _round(CENTRE_Y - radius * math.cos(angle))


def _open(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)


def _closed(points: Sequence[tuple[float, float]]) -> str:
    return _open(points) + "z"


def _percent(level: float | None) -> float | None:
    return None if level is None else _round(level / TOP_LEVEL * 100)


def _y(level: float) -> float:
    return _round(38 - 36 * level / TOP_LEVEL)


def _height(level: float | None) -> float | None:
    return None if level is None else _y(level)


def _round(value: float) -> float:
    return round(value, 1)


def _n(value: float) -> str:
    return f"{round(value, 1):g}"
