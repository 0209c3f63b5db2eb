"""One level worked out row by row: every figure is the model's own, and they add up."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from types import MappingProxyType

import numpy as np
import pytest
from sqlalchemy import event

from assessor.content.schema import Catalogue
from assessor.measurement.fusion import Hyper
from assessor.services.evidence import fit_evidence, years
from assessor.services.parameters import DEFAULTS, Parameters
from assessor.services.unit import UnitFactory
from assessor.services.worked_example import WorkedExample, made_up, worked_example
from tests import simulated

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
RATERS = {"user:1": -0.5, "user:2": 0.3}
CALIBRATED = Parameters(Hyper(q=0.6, self_offset=0.7), MappingProxyType({"user:1": (-0.5, 0.1)}), 3, NOW)


def example(catalogue: Catalogue, parameters: Parameters, name: str = "Sam") -> WorkedExample:
    rows = simulated.evidence(1, NOW, np.random.default_rng(5), 0.25, RATERS)
    return worked_example(catalogue.framework.layers, name, rows, NOW, parameters)


@pytest.mark.parametrize("parameters", [DEFAULTS, CALIBRATED])
def test_rows_weights_and_moves_add_up_to_the_level_and_its_interval(
    catalogue: Catalogue, parameters: Parameters
) -> None:
    told = example(catalogue, parameters)
    rows = simulated.evidence(1, NOW, np.random.default_rng(5), 0.25, RATERS)
    profile = fit_evidence(rows, NOW, parameters).profile
    index = told.layer.id - 1
    assert told.level == pytest.approx(profile.level(years(NOW))[index])
    assert (told.low, told.high) == pytest.approx(tuple(profile.interval(years(NOW))[index]))
    assert 2.5 + sum(line.moves for line in told.lines) + told.others == pytest.approx(told.level)
    for line in told.lines:
        assert line.moves == pytest.approx(line.weight * (line.counts_as - 2.5))
    assert len(told.lines) == 12
    assert told.other_rows == len(rows) - 12
    assert told.level - told.half == pytest.approx(told.low)
    assert told.half == pytest.approx(1.6448536 * told.sd)
    assert told.sd < 1.0 < told.sd_before == pytest.approx(math.sqrt(1.0 + parameters.hyper.q * told.years))


def test_noises_are_those_that_the_model_uses(catalogue: Catalogue) -> None:
    for line in example(catalogue, DEFAULTS).lines:
        whole, end = float(line.said).is_integer(), line.said in (0.0, 5.0)
        if line.instrument == "quiz":
            assert line.noise == pytest.approx(0.4)
        else:
            usual = 0.5 if line.instrument == "self" else 0.6
            variance = (usual**2 + (1 / 12 if whole else 0.0)) * (3 if end else 1)
            assert line.noise == pytest.approx(math.sqrt(variance))


def test_a_known_severity_is_taken_off(catalogue: Catalogue) -> None:
    for line in example(catalogue, CALIBRATED).lines:
        off = line.said - line.counts_as
        allowed = {"self": [0.7], "quiz": [0.0], "review": [-0.5, 0.0]}[line.instrument]
        assert min(abs(off - one) for one in allowed) < 1e-9


def test_nobody_measured_falls_back_to_somebody_who_is_made_up(catalogue: Catalogue) -> None:
    told = worked_example(catalogue.framework.layers, "Sam", [], NOW, DEFAULTS)
    assert told.name == ""
    assert {line.instrument for line in told.lines} == {"self", "repo", "review", "quiz"}
    assert 2.5 + sum(line.moves for line in told.lines) + told.others == pytest.approx(told.level)
    assert told.low > 0
    assert told.high < 5


def test_a_level_at_the_end_of_the_scale_is_no_example(catalogue: Catalogue) -> None:
    rows = made_up(NOW)
    for row in rows:
        row.level, row.noise_sd, row.instrument = 30.0, 0.1, "quiz"
    assert worked_example(catalogue.framework.layers, "Sam", rows, NOW, DEFAULTS).name == ""


def test_the_demo_person_is_the_example_in_one_query(unit: UnitFactory, catalogue: Catalogue) -> None:
    sent: list[str] = []
    event.listen(unit.engine, "before_cursor_execute", lambda _c, _u, statement, *_: sent.append(statement))
    with unit() as u:
        assert u.profile.example().name == ""
    with unit(write=True) as u:
        user = u.account.create("sam@demo.invalid", None, name="Sam Rivera", workspace="demo", demo=True)
        assert user.person is not None
        u.profile.rate(user.person.id, "ml-engineer", {layer.key: 2.5 for layer in catalogue.framework.layers})
        stranger = u.account.create("ada@example.org", "hash")
        assert stranger.person is not None
        u.profile.rate(stranger.person.id, "ml-engineer", {"data-engineering": 5.0})
    sent.clear()
    with unit() as u:
        told = u.profile.example()
    assert len(sent) == 1
    assert told.name == "Sam Rivera"
    assert [line.said for line in told.lines] == [2.5]
    assert told.other_rows == 9
