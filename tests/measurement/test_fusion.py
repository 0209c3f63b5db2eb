"""The posterior of one person: what moves it, what cannot, and that it equals the textbook filter."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assessor.measurement.fusion import INSTRUMENTS, EvidenceRow, Hyper, Profile, estimate_hyper, fit

NILE = [
    *(1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140),
    *(1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969),
    *(831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759),
    *(781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890),
    *(744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740),
]

TIMES = st.floats(0.0, 3.0).map(lambda t: round(t, 3))


@st.composite
def evidence(draw: st.DrawFn) -> EvidenceRow:
    instrument = draw(st.sampled_from(INSTRUMENTS))
    estimated = instrument in ("quiz", "drill")
    return EvidenceRow(
        time=draw(TIMES),
        layer=draw(st.integers(0, 9)),
        level=draw(st.integers(0, 10)) / 2,
        noise_sd=draw(st.floats(0.1, 2.0)) if estimated else None,
        instrument=instrument,
        source=draw(st.sampled_from(["a", "b", "c"])),
        share=draw(st.floats(0.2, 1.0)) if instrument == "repo" else 1.0,
        reviewed=draw(st.booleans()),
    )


rows_of_a_person = st.lists(evidence(), min_size=1, max_size=12)


def quiz(time: float, layer: int, level: float, noise_sd: float = 0.4) -> EvidenceRow:
    return EvidenceRow(time, layer, level, noise_sd, "quiz", "attempt")


def self_rating(layer: int, level: float, time: float = 0.0) -> EvidenceRow:
    return EvidenceRow(time, layer, level, None, "self", "self")


def test_no_evidence_is_the_prior() -> None:
    profile = fit([])
    np.testing.assert_allclose(profile.level(3.0), 2.5)
    np.testing.assert_allclose(profile.sd(3.0), 1.0)
    assert all(not share.any() for share in profile.provenance(3.0).values())
    assert not profile.verified(3.0).any()


def test_equals_the_kalman_filter_with_smoother() -> None:
    rng = np.random.default_rng(7)
    hyper = Hyper()
    times = np.sort(rng.uniform(0, 2, 30))
    times[0] = 0.0
    rows = [quiz(float(t), int(rng.integers(10)), float(rng.normal(2.5, 1)), float(rng.uniform(0.2, 1))) for t in times]
    profile = fit(rows, hyper=hyper)
    means, covariances = _smooth(rows, hyper)
    for row, mean, covariance in zip(rows, means, covariances, strict=True):
        unclipped = 2.5 + profile.contributions(row.time).sum(axis=1)
        np.testing.assert_allclose(unclipped, 2.5 + mean, atol=1e-8)
        np.testing.assert_allclose(profile.covariance(row.time, row.time), covariance, atol=1e-8)


def test_nile_series_as_a_local_level_model() -> None:
    """Durbin and Koopman (2001), chapter 2; variances 15099 and 1469.1 of the annual flow of the Nile, 1871 to 1970.

    The expected values are those of statsmodels' UnobservedComponents, started at N(1000, 1e8).
    """
    hyper = Hyper(q=1469.1 / 1e8)
    rows = [quiz(float(y), 0, 2.5 + (flow - 1000) / 1e4, math.sqrt(15099) / 1e4) for y, flow in enumerate(NILE, 1871)]
    profile = fit(rows, hyper=hyper)
    expected = {1871: (1111.6638, 4031.9954), 1872: (1110.8544, 3242.8427), 1898: (999.5852, 2326.7570)}
    expected |= {1899: (950.9301, 2326.7569), 1913: (799.4533, 2326.7569), 1970: (798.3703, 4032.1579)}
    for year, (mean, variance) in expected.items():
        assert 1000 + 1e4 * (profile.level(year)[0] - 2.5) == pytest.approx(mean, rel=1e-6)
        assert 1e8 * profile.sd(year)[0] ** 2 == pytest.approx(variance, rel=1e-6)
    # Its log-likelihood leaves the first flow out.
    first = -0.5 * (math.log(2 * math.pi * (1e8 + 15099)) + 120**2 / (1e8 + 15099))
    assert profile.log_likelihood - 100 * math.log(1e4) == pytest.approx(-632.54556 + first, abs=1e-4)
    means, _ = _smooth(rows, hyper)
    for row, mean in zip(rows, means, strict=True):
        assert profile.level(row.time)[0] == pytest.approx(2.5 + mean[0], rel=1e-8)


def test_endless_self_ratings_keep_their_shared_doubt() -> None:
    rows = [self_rating(layer, 3.5) for layer in range(10) for _ in range(40)]
    assert fit(rows).sd(0.0).min() >= 0.54


def test_one_source_saturates() -> None:
    def repository(source: str) -> list[EvidenceRow]:
        return [EvidenceRow(0.0, layer, 4.0, None, "repo", source) for layer in range(10)]

    one = fit(repository("a")).level(0.0)
    four = fit([row for name in "abcd" for row in repository(name)]).level(0.0)
    assert (four - one).max() <= 0.30


def test_a_review_of_the_repository_makes_it_weigh_more() -> None:
    row = EvidenceRow(0.0, 3, 4.5, None, "repo", "a")
    assert fit([replace(row, reviewed=True)]).level(0.0)[3] > fit([row]).level(0.0)[3]


def test_a_repository_of_others_says_less() -> None:
    own, shared = (EvidenceRow(0.0, 3, 4.5, None, "repo", "a", share=share) for share in (1.0, 0.3))
    assert fit([shared]).level(0.0)[3] < fit([own]).level(0.0)[3]


def test_a_rater_known_as_harsh_is_corrected() -> None:
    rows = [EvidenceRow(0.0, layer, 2.0, None, "review", "harsh") for layer in range(10)]
    corrected = fit(rows, severities={"harsh": (-1.0, 0.2)}).level(0.0)
    assert (corrected > fit(rows).level(0.0) + 0.3).all()


def test_whole_numbers_and_the_ends_of_the_scale_weigh_less() -> None:
    def sd(level: float) -> float:
        return float(fit([EvidenceRow(0.0, 0, level, None, "review", "r")]).sd(0.0)[0])

    assert sd(3.5) < sd(3.0) < sd(5.0)


def test_verified_needs_quiz_or_independent_review() -> None:
    alone = [self_rating(0, 4.0), EvidenceRow(0.0, 0, 4.0, None, "repo", "a")]
    assert not fit(alone).verified(0.0).any()
    assert fit([*alone, quiz(0.0, 0, 3.5)]).verified(0.0)[0]


def test_certainty_decays_and_the_level_stays() -> None:
    profile = fit([quiz(0.0, 2, 4.0, 0.3)])
    assert profile.level(5.0)[2] == pytest.approx(profile.level(0.0)[2])
    gained = profile.sd(4.0)[2] ** 2 - profile.sd(1.0)[2] ** 2
    assert gained == pytest.approx(3 * Hyper().q)


def test_growth_is_called_real_only_when_the_evidence_says_so() -> None:
    before, after = quiz(0.0, 4, 2.0, 0.25), quiz(2.0, 4, 4.0, 0.25)
    grown = fit([before, after]).change(0.0, 2.0)
    assert grown.real[4]
    assert grown.delta[4] > 1.0
    still = fit([before, replace(after, level=2.2)]).change(0.0, 2.0)
    assert not still.real.any()
    assert still.minimal[4] > abs(still.delta[4])


def test_no_evidence_between_two_dates_is_no_change() -> None:
    change = fit([quiz(0.0, 4, 4.0)]).change(1.0, 3.0)
    assert (change.z == 0).all()
    assert not change.real.any()
    assert np.isinf(change.minimal).all()


@given(rows_of_a_person, st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_order_of_rows_does_not_matter(rows: list[EvidenceRow], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(fit(rows).level(3.0), fit(shuffled).level(3.0))


@given(rows_of_a_person, evidence())
@settings(max_examples=50, deadline=None)
def test_a_new_row_never_raises_the_variance(rows: list[EvidenceRow], extra: EvidenceRow) -> None:
    # The clock of a person starts at the earliest row, so the extra one comes later.
    extra = replace(extra, time=max(row.time for row in rows) + extra.time)
    before, after = fit(rows), fit([*rows, extra])
    assert (after.sd(6.0) <= before.sd(6.0) + 1e-9).all()


@given(rows_of_a_person)
@settings(max_examples=50, deadline=None)
def test_provenance_sums_to_one_and_weights_reproduce_the_level(rows: list[EvidenceRow]) -> None:
    profile = fit(rows)
    np.testing.assert_allclose(sum(profile.provenance(3.0).values()), 1.0)
    np.testing.assert_allclose(
        np.clip(2.5 + profile.contributions(3.0).sum(axis=1), 0, 5), profile.level(3.0), atol=1e-9
    )
    low, high = profile.interval(3.0).T
    assert ((low <= profile.level(3.0)) & (profile.level(3.0) <= high)).all()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"instrument": "exam"}, "exam"),
        ({"layer": 10}, "10"),
        ({"level": math.nan}, "nan"),
        ({"level": math.inf}, "inf"),
        ({"time": math.nan}, "nan"),
        ({"noise_sd": -0.1}, "-0.1"),
        ({"noise_sd": None}, "noise_sd"),
        ({"share": 1.5}, "1.5"),
        ({"instrument": "review", "level": 5.5}, "5.5"),
    ],
)
def test_bad_rows_are_named(changes: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        fit([replace(quiz(0.0, 0, 3.0), **changes)])  # type: ignore[arg-type]


@given(rows_of_a_person)
@settings(max_examples=30, deadline=None)
def test_what_is_left_out_is_predicted_by_the_others(rows: list[EvidenceRow]) -> None:
    # The clock starts at the earliest row: it must not move when a row is taken out.
    rows = [replace(row, time=0.0) for row in rows]
    profile = fit(rows)
    apart, variance = profile.left_out()
    for index, row in enumerate(profile.rows):
        others = fit([*profile.rows[:index], *profile.rows[index + 1 :]])
        # Likely is p(all) = p(others) p(one | others).
        density = -0.5 * (math.log(2 * math.pi * variance[index]) + apart[index] ** 2 / variance[index])
        assert profile.log_likelihood - others.log_likelihood == pytest.approx(density, abs=1e-6), row


def drifting(people: int, q: float, self_noise: float, seed: int) -> list[list[EvidenceRow]]:
    """Return the quizzes and self-ratings of people at three times within two years."""
    rng, hyper = np.random.default_rng(seed), Hyper(q=q)
    everyone = []
    for _ in range(people):
        theta, rows = rng.multivariate_normal(np.zeros(10), hyper.start), []
        offset = rng.normal(0.4, 0.8)
        for time in (0.0, 1.0, 2.0):
            if time:
                theta = theta + rng.multivariate_normal(np.zeros(10), hyper.drift)
            rows += [quiz(time, layer, 2.5 + theta[layer] + rng.normal(0, 0.4), 0.4) for layer in range(10)]
            ratings = np.clip(2.5 + theta + offset + rng.normal(0, self_noise, 10), 0.1, 4.9)
            rows += [self_rating(layer, float(ratings[layer]), time) for layer in range(10)]
        everyone.append(rows)
    return everyone


@pytest.mark.parametrize(("q", "self_noise"), [(0.08, 0.5), (0.6, 0.9)])
def test_drift_and_noise_are_estimated_from_many_people(q: float, self_noise: float) -> None:
    found = estimate_hyper(drifting(40, q, self_noise, seed=2))
    assert found.q == pytest.approx(q, rel=0.35)
    assert found.self_noise == pytest.approx(self_noise, abs=0.12)  # the ends of the scale cut some noise off
    assert found.review_noise == Hyper().review_noise
    assert found.repo_noise == Hyper().repo_noise


def test_who_was_seen_once_says_nothing_about_drift() -> None:
    rows = [[quiz(0.0, layer, 3.0) for layer in range(10)] for _ in range(5)]
    assert estimate_hyper(rows).q == pytest.approx(Hyper().q)
    assert estimate_hyper(rows, hyper=Hyper(q=0.1)).q == pytest.approx(0.1)


@pytest.mark.parametrize("people", [[], [[], []]])
def test_nobody_is_not_enough_to_estimate_from(people: list[list[EvidenceRow]]) -> None:
    with pytest.raises(ValueError, match=f"{len(people)} people"):
        estimate_hyper(people)


@pytest.mark.parametrize("mass", [0.0, 1.0, math.nan])
def test_an_interval_needs_a_mass(mass: float) -> None:
    with pytest.raises(ValueError, match="mass"):
        fit([]).interval(0.0, mass)


def test_times_must_be_finite_and_in_order() -> None:
    profile: Profile = fit([quiz(0.0, 0, 3.0)])
    with pytest.raises(ValueError, match="t1"):
        profile.change(2.0, 1.0)
    with pytest.raises(ValueError, match="finite"):
        profile.level(math.nan)


def _smooth(rows: list[EvidenceRow], hyper: Hyper) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Run a plain Kalman filter and Rauch-Tung-Striebel smoother over quiz rows in order of time."""
    mean, covariance, now = np.zeros(10), hyper.start, rows[0].time
    predicted, filtered = [], []
    for row in rows:
        covariance = covariance + hyper.drift * (row.time - now)
        now = row.time
        predicted.append((mean, covariance))
        assert row.noise_sd is not None
        gain = covariance[:, row.layer] / (covariance[row.layer, row.layer] + row.noise_sd**2)
        mean = mean + gain * (row.level - 2.5 - mean[row.layer])
        covariance = covariance - np.outer(gain, covariance[row.layer])
        filtered.append((mean, covariance))
    means, covariances = [filtered[-1][0]], [filtered[-1][1]]
    for (m, c), (pm, pc) in zip(reversed(filtered[:-1]), reversed(predicted[1:]), strict=True):
        smoother = c @ np.linalg.inv(pc)
        covariances.insert(0, c + smoother @ (covariances[0] - pc) @ smoother.T)
        means.insert(0, m + smoother @ (means[0] - pm))
    return means, covariances
