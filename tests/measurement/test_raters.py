"""How severe raters are: learnt from overlap, shrunk, and taken off the levels they gave."""

from __future__ import annotations

import numpy as np
import pytest

from assessor.measurement.fusion import EvidenceRow, fit
from assessor.measurement.raters import severities


def review(layer: int, level: float, rater: str) -> EvidenceRow:
    return EvidenceRow(0.0, layer, float(np.clip(round(level * 2) / 2, 0, 5)), None, "review", rater)


def panel(seed: int, people: int, quizzed: bool, harsh: float = -1.5) -> tuple[list[list[EvidenceRow]], np.ndarray]:
    """Return the rows of people whom two of four raters saw each, the first of them harsh, and the true levels."""
    rng = np.random.default_rng(seed)
    truth = 2.5 + rng.multivariate_normal(np.zeros(10), 0.5 + 0.5 * np.eye(10), people)
    bias = {"harsh": harsh, "b": 0.2, "c": -0.1, "d": 0.0}
    everyone = []
    for person in range(people):
        rows = [
            review(layer, truth[person, layer] + bias[rater] + halo + rng.normal(0, 0.6), rater)
            for rater in rng.choice(list(bias), 2, replace=False).tolist()
            for halo in [rng.normal(0, 0.35)]
            for layer in range(10)
        ]
        if quizzed:
            rows += [
                EvidenceRow(0.0, layer, truth[person, layer] + rng.normal(0, 0.5), 0.5, "quiz", "a")
                for layer in range(10)
            ]
        everyone.append(rows)
    return everyone, truth


def test_a_harsh_rater_is_found_and_others_are_left_alone() -> None:
    people, _ = panel(1, 40, quizzed=True)
    found = severities(people)
    assert sorted(found) == ["b", "c", "d", "harsh"]
    assert found["harsh"][0] == pytest.approx(-1.4, abs=0.25)  # at the end of the scale nobody can be rated harder
    assert all(abs(found[rater][0]) < 0.4 for rater in "bcd")
    assert all(0 < sd < 0.2 for _, sd in found.values())


@pytest.mark.parametrize(("quizzed", "most"), [(True, 0.05), (False, 0.10)])
def test_a_harsh_rater_hardly_moves_levels(quizzed: bool, most: float) -> None:
    shifts = []
    for seed in range(3):
        levels = []
        for harsh in (0.0, -1.5):
            people, _ = panel(seed, 30, quizzed=quizzed, harsh=harsh)
            known = severities(people)
            levels.append([fit(rows, severities=known).level(0.0) for rows in people])
        shifts.append(np.mean(levels[1]) - np.mean(levels[0]))
    assert abs(np.mean(shifts)) <= most


def test_one_rating_alone_says_little_of_its_rater() -> None:
    mean, sd = severities([[review(0, 5.0, "new")]])["new"]
    assert 0 < mean < 0.5
    assert 0.4 < sd < 0.5


def test_equals_the_regression_written_out() -> None:
    """Two raters and one person: the joint normal of severities and ratings, conditioned by hand."""
    rows = [review(0, 3.5, "a"), review(1, 2.5, "a"), review(0, 1.5, "b")]
    noise, halo, severity = 0.6**2, 0.35**2, 0.5**2
    rater = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    theta = np.array([[1.0, 0.5, 1.0], [0.5, 1.0, 0.5], [1.0, 0.5, 1.0]])
    total = theta + (halo + severity) * rater @ rater.T + noise * np.eye(3)
    gain = severity * rater.T @ np.linalg.inv(total)
    mean = gain @ np.array([1.0, 0.0, -1.0])
    sd = np.sqrt(np.diag(severity * np.eye(2) - severity * gain @ rater))
    found = severities([rows])
    np.testing.assert_allclose([found["a"], found["b"]], np.column_stack([mean, sd]))


def test_without_reviews_there_are_no_raters() -> None:
    assert severities([]) == {}
    assert severities([[], [EvidenceRow(0.0, 0, 3.0, 0.4, "quiz", "attempt")]]) == {}


def test_bad_rows_are_named() -> None:
    with pytest.raises(ValueError, match="10"):
        severities([[EvidenceRow(0.0, 10, 3.0, None, "review", "a")]])
