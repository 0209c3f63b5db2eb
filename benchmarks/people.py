"""Measure what one person costs whose evidence changed, and a team whose evidence did not: CPU time on one BLAS thread.

    python benchmarks/people.py [--threads N]

A refit takes 300 rows; a team has 100 people with 80 rows each, whose fits the process kept. Both stand for what services
do at a request: from stored rows to ten levels with interval, provenance, staleness and verification. What the database
costs is told beside it: it is not part of the target.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assessor.config import Settings
    from assessor.models.profile import Evidence
    from assessor.services.evidence import Counted

RUNS = 15
REFIT, TEAM = 25.0, 100.0
"""Milliseconds of CPU that each may take (docs/scoring.md)."""

PEOPLE, ROWS, MANY = 100, 80, 300
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def main() -> int:
    """Print the figures and return how it went."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=1, help="threads of OpenBLAS, one by default")
    os.environ["OPENBLAS_NUM_THREADS"] = str(parser.parse_args().threads)  # before numpy is there
    from assessor.config import Settings, resource_dir
    from assessor.content.catalogue import load_catalogue
    from assessor.services.evidence import fit_counted
    from assessor.services.fits import KEPT_BYTES, fits
    from assessor.services.parameters import DEFAULTS
    from assessor.services.standing import stand, standings

    layers = load_catalogue(resource_dir("rubrics")).framework.layers
    changed = rows(0, MANY)

    def refit() -> None:
        fits.clear()
        stand(layers, changed, NOW, DEFAULTS)

    cost_of_one = cost(refit)
    with tempfile.TemporaryDirectory() as folder:
        read = reader(Settings.for_tests(Path(folder)))
        team = read()
        cost_of_reading = cost(read)

    def heatmap() -> None:
        for counted in team.values():
            standings(layers, fit_counted(counted, NOW, DEFAULTS), NOW)

    heatmap()
    cost_of_team = cost(heatmap)
    print(f"medians of {RUNS} runs, CPU milliseconds, BLAS threads: {os.environ['OPENBLAS_NUM_THREADS']}")
    print(f"one person refitted, {MANY} rows       {cost_of_one:7.1f}   must be <= {REFIT:g}")
    print(f"a team of {PEOPLE} from kept fits       {cost_of_team:7.1f}   must be <= {TEAM:g}")
    print(f"its {PEOPLE * ROWS:,} rows read from SQLite   {cost_of_reading:7.1f}")
    print(f"{len(fits)} fits kept in {fits.size / 2**20:.1f} MB of at most {KEPT_BYTES / 2**20:.0f} MB")
    return int(cost_of_one > REFIT or cost_of_team > TEAM)


def cost(act: Callable[[], object]) -> float:
    """Return the CPU time of an act in milliseconds, of all threads, the median of some runs."""
    spent = []
    for _ in range(RUNS):
        began = time.process_time()
        act()
        spent.append(time.process_time() - began)
    return statistics.median(spent) * 1e3


def reader(settings: Settings) -> Callable[[], dict[int, list[Counted]]]:
    """Store the rows of a team in an SQLite file and return what reads them."""
    from assessor.cli.db import upgrade
    from assessor.factory import create_unit
    from assessor.models.profile import Person

    upgrade(settings)
    unit = create_unit(settings, clock=lambda: NOW)
    everybody = range(1, PEOPLE + 1)
    with unit(write=True) as u:
        u.session.add_all(Person(id=number, created_at=NOW) for number in everybody)
        u.session.flush()
        u.session.add_all(row for number in everybody for row in rows(number, ROWS))

    def read() -> dict[int, list[Counted]]:
        with unit() as u:
            return u.calibration.counted_of(everybody)

    return read


def rows(number: int, count: int) -> list[Evidence]:
    """Return the stored rows of a person: all four instruments, at eight dates of two years."""
    import numpy as np

    from assessor.models.profile import Evidence

    rng = np.random.default_rng(number)
    dates = [NOW - timedelta(days=float(days)) for days in rng.uniform(1, 730, 8)]
    kinds = ("self", "quiz", "review", "review", "self", "quiz", "repo")
    return [
        Evidence(
            person_id=number,
            at=dates[int(rng.integers(len(dates)))],
            layer=place % 10,
            level=float(np.round(rng.uniform(1, 4) * 2) / 2),
            noise_sd=0.6 if kind in ("quiz", "repo") else None,
            instrument=kind,
            source=f"{kind}:{rng.integers(3)}",
            share=1.0,
            reviewed=False,
            at_ceiling=False,
        )
        for place in range(count)
        for kind in [kinds[int(rng.integers(len(kinds)))]]
    ]


if __name__ == "__main__":
    sys.exit(main())
