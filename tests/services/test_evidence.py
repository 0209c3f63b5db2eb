"""Fits that a process keeps: always right, bounded, the same for all threads; and what is read off them."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from assessor.content.schema import Catalogue
from assessor.measurement import fusion
from assessor.measurement.fusion import Hyper
from assessor.models.profile import Evidence, Instrument
from assessor.services.evidence import fit_evidence, row_of, years
from assessor.services.fits import fits
from assessor.services.parameters import DEFAULTS, Parameters
from assessor.services.standing import stand, standings
from tests import simulated

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
RATERS = {"user:1": -0.5, "user:2": 0.3, "user:3": 0.0}


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    fits.clear()
    yield
    fits.clear()


def rows(seed: int = 1) -> list[Evidence]:
    return simulated.evidence(seed, NOW, np.random.default_rng(seed), 0.25, RATERS)


def row(layer: int, level: float, instrument: Instrument = "quiz", **more: Any) -> Evidence:
    """Return a row as a database gives it."""
    usual = {"at": NOW, "noise_sd": 0.5, "source": instrument, "share": 1.0, "reviewed": False, "at_ceiling": False}
    return Evidence(person_id=1, layer=layer, level=level, instrument=instrument, **(usual | more))


def many(count: int) -> list[Evidence]:
    """Return quiz rows over two years."""
    rng = np.random.default_rng(count)
    return [
        row(place % 10, float(level), at=NOW - timedelta(days=float(days)))
        for place, (days, level) in enumerate(zip(rng.uniform(0, 730, count), rng.uniform(0, 5, count), strict=True))
    ]


def plain(given: list[Evidence], parameters: Parameters = DEFAULTS) -> fusion.Profile:
    return fusion.fit([row_of(one) for one in given], hyper=parameters.hyper, severities=dict(parameters.severities))


def test_the_same_rows_are_fitted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[int] = []
    real = fusion.fit
    monkeypatch.setattr(fusion, "fit", lambda given, **more: fitted.append(len(given)) or real(given, **more))
    for _ in range(3):
        fit_evidence(rows(), NOW, DEFAULTS)  # other objects each time, as from a database
    assert fitted == [120]
    later = [*rows(), rows()[0]]
    fit_evidence(later, NOW, DEFAULTS)
    assert fitted == [120, 121]


@pytest.mark.parametrize("field", ["at", "level", "noise_sd", "source", "share", "reviewed", "layer", "instrument"])
def test_whatever_a_fit_depends_on_makes_another(field: str) -> None:
    changed = {
        "at": NOW - timedelta(days=3), "level": 4.5, "noise_sd": 0.9, "source": "user:2", "share": 0.5, "reviewed": True,
        "layer": 4, "instrument": "review",
    }  # fmt: skip
    base = [row(3, 2.0, "repo", noise_sd=None, source="user:1") for _ in range(2)]
    if field == "source":
        base[0].instrument = base[1].instrument = "review"
    fit_evidence(base, NOW, DEFAULTS)
    setattr(base[1], field, changed[field])
    fitted = fit_evidence(base, NOW, DEFAULTS)
    assert fitted.profile.level(years(NOW)) == pytest.approx(plain(base).level(years(NOW)))
    assert fitted.profile.sd(years(NOW)) == pytest.approx(plain(base).sd(years(NOW)))


def test_parameters_are_part_of_what_a_fit_depends_on() -> None:
    given = rows()
    severe = Parameters(Hyper(), MappingProxyType({"user:1": (-1.0, 0.1)}))
    for parameters in (DEFAULTS, Parameters(Hyper(q=1.0)), severe, DEFAULTS):
        found = fit_evidence(given, NOW, parameters).profile
        assert found.level(years(NOW)) == pytest.approx(plain(given, parameters).level(years(NOW)))
        assert found.sd(years(NOW)) == pytest.approx(plain(given, parameters).sd(years(NOW)))
    assert len(fits) == 3


def test_the_severity_of_somebody_who_did_not_rate_them_makes_no_other_fit() -> None:
    given = rows()
    for rater in ("user:77", "user:78"):
        fit_evidence(given, NOW, Parameters(Hyper(), MappingProxyType({rater: (-1.0, 0.1)})))
    assert len(fits) == 1


def test_equal_rows_stand_for_the_stored_ones_they_came_from() -> None:
    given = [*rows(), *rows()]
    for place, row in enumerate(given):
        row.id = place
    fitted = fit_evidence(given, NOW, DEFAULTS)
    assert sorted(row.id for row in fitted.rows) == list(range(240))
    assert [(row.layer, row.level, row.source) for row in fitted.rows] == [
        (row.layer, row.level, row.source) for row in fitted.profile.rows
    ]


def test_memory_stays_under_the_bound_and_the_last_used_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fits, "most", 10 * 2**20)
    first = many(300)
    for seed in range(40):
        fit_evidence(first, NOW, DEFAULTS)
        fit_evidence(many(301 + seed), NOW, DEFAULTS)
    assert fits.size <= 10 * 2**20
    assert 8 <= len(fits) <= 14  # some 0.9 MB each
    before = len(fits)
    fit_evidence(first, NOW, DEFAULTS)
    assert len(fits) == before


def test_what_a_fit_is_said_to_take_is_what_it_takes() -> None:
    for count in (20, 80, 300):
        groups = [[*many(count - 1), one] for one in many(8)]
        gc.collect()
        tracemalloc.start()
        for group in groups:
            stand_all(group)
        gc.collect()
        used = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert len(fits) == 8
        assert 0.5 * fits.size < used < 1.1 * fits.size, count
        fits.clear()


def stand_all(group: list[Evidence]) -> None:
    fitted = fit_evidence(group, NOW, DEFAULTS)
    for row in group:
        fitted.sd_then(row.at)


def test_a_fit_that_is_too_big_by_itself_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fits, "most", 500_000)
    small = fit_evidence(many(50), NOW, DEFAULTS)
    fit_evidence(many(300), NOW, DEFAULTS)
    assert len(fits) == 1
    assert fit_evidence(many(50), NOW, DEFAULTS).profile is small.profile


def test_threads_share_the_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fits, "most", 400_000)  # two or three: they push one another out
    wanted = {seed: plain(rows(seed)).level(years(NOW)) for seed in range(6)}

    def work(start: int) -> bool:
        order = [(start + step) % 6 for step in range(60)]
        return all(
            np.allclose(fit_evidence(rows(seed), NOW, DEFAULTS).profile.level(years(NOW)), wanted[seed])
            for seed in order
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
    assert 0 < fits.size <= 400_000
    assert fits.size == sum(one.size for one in fits._kept.values())


@pytest.mark.parametrize("days", [0, 200, 900])
def test_what_is_read_off_at_one_go_is_what_the_profile_says(days: int) -> None:
    fitted = fit_evidence(rows(), NOW, DEFAULTS)
    at = NOW + timedelta(days=days)
    reading, profile, time = fitted.at(at), fitted.profile, years(at)
    assert reading.level == pytest.approx(profile.level(time))
    assert reading.sd == pytest.approx(profile.sd(time))
    assert reading.interval == pytest.approx(profile.interval(time))
    provenance = profile.provenance(time)
    assert {name: share.tolist() for name, share in reading.provenance.items()} == {
        name: pytest.approx(provenance[name]) for name in reading.provenance
    }
    assert sum(share for share in reading.provenance.values()) == pytest.approx(1.0)


def test_the_interval_of_a_level_that_is_cut_at_the_end_of_the_scale_is_not_cut_twice() -> None:
    given = [row(0, 9.0, noise_sd=0.3), row(1, 2.0, noise_sd=0.3)]
    fitted = fit_evidence(given, NOW, DEFAULTS)
    assert fitted.at(NOW).level[0] == 5.0
    assert fitted.at(NOW).interval == pytest.approx(fitted.profile.interval(years(NOW)))


def test_verified_and_stale_follow_the_profile(catalogue: Catalogue) -> None:
    layers = catalogue.framework.layers
    for days in (0, 100, 400, 1200):
        at = NOW + timedelta(days=days)
        fitted = fit_evidence(rows(3), NOW, DEFAULTS)
        found = standings(layers, fitted, at)
        assert [one.verified for one in found] == fitted.profile.verified(years(at)).tolist()
        then, now = fitted.profile.sd(years(NOW)), fitted.profile.sd(years(at))
        assert [one.stale for one in found] == (now > 1.5 * then).tolist()
    assert all(one.stale for one in found)


def test_a_superseded_row_counts_nowhere(catalogue: Catalogue) -> None:
    layers = catalogue.framework.layers
    given = [row for row in rows() if row.layer < 2]
    for row in given:
        if row.layer == 1:
            row.superseded_at = NOW
    found = stand(layers, given, NOW, DEFAULTS)
    assert [one.measured for one in found] == [True] + [False] * 9
    assert stand(layers, [], NOW, DEFAULTS) == stand(layers, given[:0], NOW, DEFAULTS)
    assert not any(one.measured for one in stand(layers, [], NOW, DEFAULTS))


def test_a_row_at_its_ceiling_raises_and_never_lowers_and_is_told_as_measured(catalogue: Catalogue) -> None:
    quiz, ceiling = row(2, 4.5, noise_sd=0.3), row(2, 2.0, "repo", noise_sd=0.8, at_ceiling=True)
    alone = fit_evidence([quiz], NOW, DEFAULTS)
    both = fit_evidence([quiz, ceiling], NOW, DEFAULTS)
    assert both.profile is alone.profile
    assert both.times[2] == (NOW, NOW)
    ceiling.level = 5.0
    raised = fit_evidence([quiz, ceiling], NOW, DEFAULTS)
    assert raised.profile.level(years(NOW))[2] > alone.profile.level(years(NOW))[2]
    assert raised.rows == (quiz, ceiling)
