"""From quantiles to an order that fits on the truck."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One article of one store: quantiles of demand, stock, what a crate holds, what an item earns and loses."""

    article: str
    quantiles: dict[float, float]
    stock: float
    crate: int
    margin: float
    waste: float


def newsvendor_ratio(line: Line) -> float:
    """Return the share of weeks in which the shelf should not run empty (Arrow, Harris and Marschak 1951)."""
    return line.margin / (line.margin + line.waste)


def demand_at(line: Line, level: float) -> float:
    """Return demand at a service level, on straight lines between the quantiles that are known."""
    known = sorted(line.quantiles.items())
    if level <= known[0][0]:
        return known[0][1]
    for (low, below), (high, above) in zip(known, known[1:], strict=False):
        if level <= high:
            return below + (above - below) * (level - low) / (high - low)
    return known[-1][1]


def crates(line: Line) -> int:
    """Return how many crates cover the demand that stock does not."""
    missing = max(0.0, demand_at(line, newsvendor_ratio(line)) - line.stock)
    return -int(-missing // line.crate)


def order(lines: list[Line], room: int) -> dict[str, int]:
    """Return crates by article, at most `room` in total: the crate whose items earn least stays behind first."""
    wanted = {line.article: crates(line) for line in lines}
    for line in sorted(lines, key=lambda line: (line.margin * line.crate, line.article)):
        surplus = sum(wanted.values()) - room
        if surplus <= 0:
            break
        wanted[line.article] -= min(surplus, wanted[line.article])
    return wanted
