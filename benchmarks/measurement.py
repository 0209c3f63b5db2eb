"""Compare what the measurement model reaches with what it must reach: published tables, and people simulated from fixed seeds.

    python benchmarks/measurement.py [--quick] [--markdown]

Each figure is printed beside the one required; the exit code is 1 if a judged one falls short. Peers (catsim, girth) take
part where they are installed, in the same run, since a time by itself says more about the machine; it is the processor's.
`--quick` simulates a twentieth of the people: its figures scatter, so that it shows whether everything runs and judges
nothing.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # the published tables are those of the tests

import measurement_levels as levels
import measurement_quiz as quiz
from measurement_rows import Row, most

from assessor.measurement.agreement import cohen_kappa, fleiss_kappa, icc, krippendorff_alpha
from assessor.measurement.calibration import calibrate
from assessor.measurement.fusion import EvidenceRow, Hyper, fit
from tests.measurement import lsat
from tests.measurement import test_agreement as raters
from tests.measurement import test_calibration as published
from tests.measurement import test_fusion as series

PEOPLE = 1000


def main() -> int:
    """Print the table and return how it went."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="simulate a twentieth of the people, judge nothing")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    options = parser.parse_args()
    began = time.perf_counter()
    shape = "| {} | {} | {} | {} |" if options.markdown else "{:<72} {:>14} {:>24}  {}"
    print(shape.format("measure", "reached", "required", ""))
    if options.markdown:
        print("|---|---|---|---|")
    short = 0
    for row in rows(PEOPLE // 20 if options.quick else PEOPLE):
        verdict = "" if row.holds is None or options.quick else "yes" if row.holds else "NO"
        print(
            shape.format(row.measure.strip() if options.markdown else row.measure, row.reached, row.required, verdict)
        )
        short += row.holds is False
    if not options.markdown:
        print(f"{time.perf_counter() - began:.0f} s")
    return int(short > 0 and not options.quick)


def rows(people: int) -> Iterator[Row]:
    """Work out the rows one after the other."""
    yield from tables()
    for measured in (quiz.one_layer, quiz.ten_layers, quiz.speed, quiz.exposure, quiz.retakes):
        yield from measured(people)
    yield from quiz.calibration(people)
    yield from quiz.stated(people)
    for told in (levels.four_instruments, levels.harsh_rater, levels.inflation, levels.growth, levels.speed):
        yield from told(people)


def tables() -> Iterator[Row]:
    """Compare with what others print."""
    found = calibrate(lsat.PATTERNS, counts=lsat.LSAT6)
    yield most("2PL on LSAT6: a off those of ltm", float(np.abs(found.a - published.LTM_A).max()), 0.002, 4)
    yield most("2PL on LSAT6: b off those of ltm", float(np.abs(found.b - published.LTM_B).max()), 0.01, 4)
    yield most("2PL on LSAT6: log-likelihood off -2466.653", abs(found.log_likelihood + 2466.653), 0.001, 4)
    found = calibrate(lsat.PATTERNS, counts=lsat.LSAT7)
    difficulties = -published.MIRT_D / published.MIRT_A
    yield most("2PL on LSAT7: a off those of mirt", float(np.abs(found.a - published.MIRT_A).max()), 0.002, 4)
    yield most("2PL on LSAT7: b off those of mirt", float(np.abs(found.b - difficulties).max()), 0.01, 4)
    yield most("2PL on LSAT7: log-likelihood off -2658.805", abs(found.log_likelihood + 2658.805), 0.001, 4)
    yield agreement()
    hyper = Hyper(q=1469.1 / 1e8)
    flows = enumerate(series.NILE, 1871)
    profile = fit(
        [EvidenceRow(y, 0, 2.5 + (flow - 1000) / 1e4, math.sqrt(15099) / 1e4, "quiz", "nile") for y, flow in flows],
        hyper=hyper,
    )
    expected = {1871: 1111.6638, 1872: 1110.8544, 1898: 999.5852, 1899: 950.9301, 1913: 799.4533, 1970: 798.3703}
    off = max(abs(1000 + 1e4 * (profile.level(year)[0] - 2.5) - flow) / flow for year, flow in expected.items())
    yield most("Nile local level series: off statsmodels, relative", off, 1e-4, 7)


def agreement() -> Row:
    """Return how far the coefficients of agreement lie off the printed examples at the most."""
    found = icc(raters.TARGETS)
    weights = [[0, 1, 3], [1, 0, 6], [3, 6, 0]]
    pairs = [
        (krippendorff_alpha(raters.OBSERVERS, "nominal"), 0.743421),
        (krippendorff_alpha(raters.OBSERVERS, "ordinal"), 0.815388),
        (krippendorff_alpha(raters.OBSERVERS, "interval"), 0.849107),
        (krippendorff_alpha(raters.OBSERVERS, "ratio"), 0.797403),
        (fleiss_kappa([[int(digit) for digit in row] for row in raters.DIAGNOSES.split()]), 0.430245),
        (cohen_kappa(raters.PATIENTS), 0.491525),
        (cohen_kappa(raters.PATIENTS, weights), 0.347826),
        *zip((found.icc1, found.icc2, found.icc3), (0.165742, 0.289764, 0.714841), strict=True),
        *zip((found.icc1k, found.icc2k, found.icc3k), (0.442797, 0.620051, 0.909316), strict=True),
    ]
    off = max(abs(ours - printed) for ours, printed in pairs)
    return most("Krippendorff, Fleiss, Cohen, Shrout and Fleiss: off the printed", off, 1e-5, 7)


if __name__ == "__main__":
    sys.exit(main())
