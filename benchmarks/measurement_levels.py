"""Simulated people with two years of evidence from four instruments: levels, growth, and what cannot be gamed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from measurement_rows import Row, least, most, rmse, told

from assessor.measurement.fusion import EvidenceRow, Hyper, fit
from assessor.measurement.raters import severities

LAYERS = 10
USUAL = Hyper()
RATERS = {"ada": 0.3, "ben": -0.2, "cem": 0.0, "dan": -0.4, "eva": 0.3}


@dataclass(frozen=True)
class Life:
    """Hold a person: the levels at a time, and what each rater thinks of the person as a whole."""

    levels: Callable[[float], np.ndarray]
    rng: np.random.Generator
    halos: dict[str, float] = field(default_factory=dict)

    def quiz(self, at: float, noise: float = 0.5) -> list[EvidenceRow]:
        """Sit a quiz of ten layers: one row each."""
        seen = self.levels(at) + self.rng.normal(0, noise, LAYERS)
        return [EvidenceRow(at, layer, float(seen[layer]), noise, "quiz", f"quiz {at}") for layer in range(LAYERS)]

    def rate(self, at: float, offset: float) -> list[EvidenceRow]:
        """Rate oneself in half points."""
        seen = _half(self.levels(at) + offset + self.rng.normal(0, USUAL.self_noise, LAYERS))
        return [EvidenceRow(at, layer, float(seen[layer]), None, "self", "self") for layer in range(LAYERS)]

    def review(self, at: float, rater: str, severity: float) -> list[EvidenceRow]:
        """Be reviewed in half points by one rater, with the halo that this rater has for this person."""
        halo = self.halos.setdefault(rater, self.rng.normal(0, USUAL.halo_sd))
        seen = _half(self.levels(at) + severity + halo + self.rng.normal(0, USUAL.review_noise, LAYERS))
        return [EvidenceRow(at, layer, float(seen[layer]), None, "review", rater) for layer in range(LAYERS)]

    def repository(self, at: float, offset: float, name: str, share: float = 0.8) -> list[EvidenceRow]:
        """Show a repository of which a share is one's own work."""
        others = 2.5 + self.rng.normal(0, 1, LAYERS)
        own = self.levels(at)
        seen = share * own + (1 - share) * others + offset + self.rng.normal(0, USUAL.repo_noise, LAYERS)
        seen = np.clip(seen, 0, 5)
        return [EvidenceRow(at, layer, float(seen[layer]), None, "repo", name, share=share) for layer in range(LAYERS)]


def wandering(rng: np.random.Generator) -> Life:
    """Make a person whose levels drift as the model says."""
    steps = np.linspace(0.0, 2.0, 9)
    moves = rng.multivariate_normal(np.zeros(LAYERS), USUAL.drift * 0.25, len(steps) - 1)
    path = (
        2.5
        + rng.multivariate_normal(np.zeros(LAYERS), USUAL.start)
        + np.vstack([np.zeros(LAYERS), np.cumsum(moves, 0)])
    )
    path = np.clip(path, 0, 5)
    return Life(lambda at: path[round(at / 0.25)], rng)


def growing(rng: np.random.Generator, growth: float) -> Life:
    """Make a person of whom only the first layer grows, evenly over two years."""
    start = np.clip(2.5 + rng.multivariate_normal(np.zeros(LAYERS), USUAL.start), 0.5, 4.5)
    start[0] = np.clip(start[0] - growth / 2, 0.5, 4.5 - growth)
    return Life(lambda at: start + np.eye(LAYERS)[0] * growth * at / 2, rng)


def evidence(life: Life) -> list[EvidenceRow]:
    """Return two years of all four instruments: a quiz and a self-rating each half year, three reviews, two repositories."""
    rng, rows = life.rng, []
    optimism, style = rng.normal(USUAL.self_offset, USUAL.self_offset_sd), rng.normal(0, USUAL.repo_offset_sd)
    for at in (0.0, 0.5, 1.0, 1.5, 2.0):
        rows += life.quiz(at) + life.rate(at, optimism)
    for at in (0.0, 1.0, 2.0):
        for rater in rng.choice(list(RATERS), 2, replace=False).tolist():
            rows += life.review(at, rater, RATERS[rater])
    return rows + life.repository(0.5, style, "a") + life.repository(1.5, style, "b")


def four_instruments(people: int) -> list[Row]:
    """Compare the level at the end of two years with the mean of all points that were given."""
    rng = np.random.default_rng(201)
    lives = [wandering(rng) for _ in range(people)]
    everyone = [evidence(life) for life in lives]
    known = severities(everyone)
    fused, points = [], []
    for life, rows in zip(lives, everyone, strict=True):
        truth = life.levels(2.0)
        fused.append(fit(rows, severities=known).level(2.0) - truth)
        points.append([np.mean([row.level for row in rows if row.layer == layer]) for layer in range(LAYERS)] - truth)
    return [
        most("four instruments, two years: RMSE", rmse(fused), 0.30),
        most("four instruments: RMSE over that of the mean of points", rmse(fused) / rmse(points), 0.77),
        told("  mean of points: RMSE", f"{rmse(points):.3f}"),
    ]


def harsh_rater(people: int) -> list[Row]:
    """See how far levels move when one of five raters becomes 1.5 levels harsher."""
    rows = []
    for name, quizzed, limit in (("with quizzes", True, 0.05), ("reviews only", False, 0.10)):
        shifts = []
        for seed in range(max(people // 40, 3)):
            means = []
            for harsh in (0.0, -1.5):
                rng = np.random.default_rng([202, seed])
                everyone, met = [], []
                for _ in range(40):
                    life = growing(rng, 0.0)
                    chosen = rng.choice(list(RATERS), 2, replace=False).tolist()
                    rows_of = [
                        row
                        for rater in chosen
                        for row in life.review(1.0, rater, RATERS[rater] + harsh * (rater == "ben"))
                    ]
                    everyone.append(rows_of + (life.quiz(1.0) if quizzed else []))
                    met.append("ben" in chosen)
                known = severities(everyone)
                means.append(np.mean([fit(one, severities=known).level(1.0) for one in everyone], axis=1)[met].mean())
            shifts.append(means[1] - means[0])
        rows.append(
            most(f"a rater 1.5 too harsh, {name}: shift of whom they rated", abs(float(np.mean(shifts))), limit)
        )
    return rows


def inflation(people: int) -> list[Row]:
    """See how far levels move when people rate themselves 2 too high five times, or embellish four repositories by 1.5.

    Against the same people with the same noise who are as optimistic as most, and who do not embellish.
    """
    rng = np.random.default_rng(203)
    moved: dict[str, list[float]] = {name: [] for name in ("self", "repo", "self alone", "repo alone")}
    verified = False
    for _ in range(people):
        life = wandering(rng)
        rows = evidence(life)
        rated = [row for at in (0.0, 0.5, 1.0, 1.5, 2.0) for row in life.rate(at, USUAL.self_offset)]
        shown = [row for name in "abcd" for row in life.repository(1.0, 0.0, name)]
        for kind, usual, by in (("self", rated, 2.0 - USUAL.self_offset), ("repo", shown, 1.5)):
            others = [row for row in rows if row.instrument != kind]
            gamed = [replace(row, level=min(row.level + by, 5.0)) for row in usual]
            for name, context in ((kind, others), (f"{kind} alone", [])):
                shift = fit([*context, *gamed]).level(2.0) - fit([*context, *usual]).level(2.0)
                moved[name].append(float(np.mean(shift)))
            verified |= bool(fit(gamed).verified(2.0).any())
    shift = {name: float(np.mean(values)) for name, values in moved.items()}
    return [
        most("self +2.0 five times, full evidence: shift", shift["self"], 0.05),
        most("repositories +1.5 four times, full evidence: shift", shift["repo"], 0.05),
        most("self +2.0 five times, alone: shift", shift["self alone"], 0.60),
        most("repositories +1.5 four times, alone: shift", shift["repo alone"], 0.60),
        Row("self or repositories alone verify", str(verified), "False", not verified),
    ]


def growth(people: int) -> list[Row]:
    """Count how often growth is called real: none of it, one level, one and a half levels in two years."""
    rows = []
    for grown, required in ((0.0, 0.05), (1.0, 0.57), (1.5, 0.87)):
        rng = np.random.default_rng([204, int(grown * 10)])
        lives = [growing(rng, grown) for _ in range(people)]
        everyone = [evidence(life) for life in lives]
        known = severities(everyone)
        changes = [fit(one, severities=known).change(0.0, 2.0) for one in everyone]
        z = np.array([change.z for change in changes])
        if grown == 0.0:
            rows.append(most("growth 0: called real in a layer", float(np.mean(np.abs(z) > 1.96)), required))
            anywhere = float(np.mean([change.real.any() for change in changes]))
            rows.append(most("growth 0: any of ten layers called real after Holm", anywhere, 0.05))
        else:
            rows.append(least(f"growth {grown:g}: found", float(np.mean(z[:, 0] > 1.96)), required))
    return rows


def speed(_people: int) -> list[Row]:
    """Time one person's fit with 300 rows."""
    rng = np.random.default_rng(205)
    rows = [
        EvidenceRow(float(t), int(rng.integers(LAYERS)), float(rng.uniform(1, 4)), 0.5, "quiz", "a")
        for t in rng.uniform(0, 2, 300)
    ]
    seconds = []
    for _ in range(20):
        began = time.process_time()
        fit(rows).level(2.0)
        seconds.append(time.process_time() - began)
    return [told("one person refitted, 300 rows", f"{np.median(seconds) * 1e3:.1f} ms", "<= 25 ms (not judged)")]


def _half(levels: np.ndarray | Sequence[float]) -> np.ndarray:
    return np.clip(np.round(np.asarray(levels) * 2) / 2, 0, 5)
