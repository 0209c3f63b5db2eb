"""The adaptive test: what it asks and when, which way answers move it, and what it leaves behind."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assessor.measurement import irt
from assessor.measurement.adaptive import CORRELATIONS, AdaptiveTest, evidence_rows


@dataclass
class Bank:
    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    layer: np.ndarray

    def test(self, seed: int = 0, **options: object) -> AdaptiveTest:
        rng = np.random.default_rng(seed)
        return AdaptiveTest(self.a, self.b, self.c, self.layer, rng=rng, **options)  # type: ignore[arg-type]

    def answer(self, item: int, theta: np.ndarray, rng: np.random.Generator) -> bool:
        p = irt.probability(theta[self.layer[item]], self.a[item], self.b[item], self.c[item])
        return bool(rng.random() < p)


def bank(per_layer: int | list[int] = 12, seed: int = 3) -> Bank:
    counts = [per_layer] * 10 if isinstance(per_layer, int) else per_layer
    rng, items = np.random.default_rng(seed), sum(counts)
    return Bank(
        a=np.exp(rng.normal(math.log(1.2), 0.4, items)),
        b=rng.normal(0, 1, items),
        c=rng.choice([0.0, 0.2], items),
        layer=np.repeat(np.arange(10), counts),
    )


def sit(test: AdaptiveTest, items: Bank, theta: np.ndarray, questions: int, seed: int = 1) -> list[bool]:
    """Answer questions as somebody with these proficiencies would."""
    rng, answers = np.random.default_rng(seed), []
    for _ in range(questions):
        item = test.next_item()
        if item is None:
            break
        answers.append(items.answer(item, theta, rng))
        test.record(item, answers[-1])
    return answers


def test_before_any_answer_it_is_the_prior() -> None:
    test = bank().test()
    np.testing.assert_array_equal(test.means, np.zeros(10))
    np.testing.assert_allclose(test.sds, np.ones(10))
    assert test.correlation == 0.5
    assert test.asked == []


def test_every_layer_gets_three_answers_first() -> None:
    items = bank([12, 12, 2, 0, 12, 12, 1, 12, 12, 12])
    test = items.test()
    sit(test, items, np.zeros(10), 7 * 3 + 2 + 1)
    counts = np.bincount(items.layer[test.asked], minlength=10)
    np.testing.assert_array_equal(counts, [3, 3, 2, 0, 3, 3, 1, 3, 3, 3])


@pytest.mark.parametrize("counts", [[0, 0, 0, 0, 9, 0, 0, 0, 0, 0], [1] * 10, [0, 5, 0, 2, 0, 0, 0, 0, 1, 0]])
def test_asks_everything_once_and_then_ends(counts: list[int]) -> None:
    items = bank(counts)
    test = items.test()
    sit(test, items, np.zeros(10), 1000)
    assert sorted(test.asked) == list(range(sum(counts)))
    assert test.next_item() is None


def test_one_layer_alone_knows_no_correlation() -> None:
    items = bank([0, 0, 0, 40, 0, 0, 0, 0, 0, 0])
    test = items.test()
    sit(test, items, np.full(10, 1.5), 40)
    assert test.correlation == 0.5
    assert test.sds[3] < 0.4
    assert test.means[3] == pytest.approx(1.5, abs=0.8)


def test_one_layer_equals_the_posterior_on_the_grid() -> None:
    items = bank([25, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    test = items.test()
    answers = np.full(25, -1)
    correct = sit(test, items, np.full(10, 0.8), 12)
    answers[test.asked] = correct
    exact = irt.estimate(items.a, items.b, items.c, answers)
    assert test.means[0] == pytest.approx(exact.mean, abs=0.12)
    assert test.sds[0] == pytest.approx(exact.sd, abs=0.06)


def test_a_test_rebuilt_from_its_answers_goes_on_in_the_same_way() -> None:
    items = bank()
    whole = items.test(seed=5)
    answers = sit(whole, items, np.linspace(-1, 1, 10), 40)
    for done in range(40):
        rebuilt = items.test(seed=5)
        for item, correct in zip(whole.asked[:done], answers[:done], strict=True):
            rebuilt.record(item, correct)
        assert rebuilt.next_item() == whole.asked[done]
        assert rebuilt.next_item() == whole.asked[done]


def test_another_seed_asks_other_items() -> None:
    items = bank()
    first = {items.test(seed=seed).next_item() for seed in range(40)}
    assert 2 <= len(first) <= 5


def test_strong_theory_and_weak_production_are_not_averaged() -> None:
    items, uneven = bank(30), np.where(np.arange(10) < 5, 1.5, -1.5)
    test = items.test()
    sit(test, items, uneven, 29)
    assert test.correlation == 0.5  # not before every layer was asked
    sit(test, items, uneven, 31)
    assert test.correlation == 0.0
    assert test.means[:5].min() > test.means[5:].max()


def test_layers_alike_are_seen_as_alike() -> None:
    items, alike = bank(30), np.full(10, 1.0)
    test = items.test(correlation=0.25)
    sit(test, items, alike, 80)
    assert test.correlation in CORRELATIONS
    assert test.correlation > 0.25
    fewer = items.test(correlation=0.0)
    sit(fewer, items, alike, 20)
    assert test.sds.max() < fewer.sds.max()


def test_an_answer_tells_of_the_other_layers() -> None:
    items = bank()
    test = items.test()
    test.record(0, True)
    assert test.means[0] > test.means[5] > 0
    assert test.sds[0] < test.sds[5] < 1
    apart = items.test(correlation=0.0)
    apart.record(0, True)
    np.testing.assert_array_equal(apart.means[1:], np.zeros(9))


@given(
    st.integers(0, 10_000),
    st.lists(st.tuples(st.integers(0, 119), st.booleans()), min_size=1, max_size=60, unique_by=lambda pair: pair[0]),
    st.sampled_from([*CORRELATIONS, 0.6]),
)
@settings(max_examples=60, deadline=None)
def test_an_answer_never_moves_the_layer_asked_the_wrong_way(
    seed: int, answers: list[tuple[int, bool]], correlation: float
) -> None:
    items = bank(seed=seed)
    seen = np.random.default_rng(seed).choice([0.0, 0.15, 0.6], 120)
    test = items.test(correlation=correlation, seen=seen)
    for item, correct in answers:
        before = test.means[items.layer[item]]
        test.record(item, correct)
        after = test.means[items.layer[item]]
        assert after >= before - 1e-12 if correct else after <= before + 1e-12


def test_an_expert_at_the_end_of_the_grid_still_rises() -> None:
    items = bank([200, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    test, before = items.test(), -1.0
    for _ in range(200):
        item = test.next_item()
        assert item is not None
        test.record(item, True)
        assert test.means[0] >= before
        before = test.means[0]
    assert np.isfinite(test.means).all()
    assert (test.sds > 0).all()


def test_endless_answers_to_easy_items_stay_finite() -> None:
    many = 3000
    test = AdaptiveTest(np.full(many, 3.0), np.zeros(many), 0.0, np.zeros(many, int), rng=np.random.default_rng(0))
    for item in range(many):
        test.record(item, item % 2 == 0)
    assert test.means[0] == pytest.approx(0.0, abs=0.1)
    assert 0.04 < test.sds[0] < 0.06


def test_items_beyond_everybody_do_not_break_the_choice() -> None:
    test = AdaptiveTest([2.0, 2.0, 1.0], [-300.0, 300.0, 0.0], 0.0, [0, 1, 2], rng=np.random.default_rng(0))
    for correct in (False, True, True):
        item = test.next_item()
        assert item is not None
        test.record(item, correct)
    assert np.isfinite(test.means).all()


def test_what_is_remembered_least_comes_first() -> None:
    items = bank(6)
    seen = np.random.default_rng(4).choice([0.0, 0.15, 0.6], 60)
    test = items.test(seen=seen)
    sit(test, items, np.zeros(10), 60)
    assert (np.diff(seen[test.asked]) >= 0).all()


def test_a_right_answer_that_may_be_remembered_says_less() -> None:
    items = bank()
    fresh, again = items.test(), items.test(seen=np.full(120, 0.6))
    fresh.record(7, True)
    again.record(7, True)
    assert 0 < again.means[0] < fresh.means[0]
    fresh, again = items.test(), items.test(seen=np.full(120, 0.6))
    fresh.record(7, False)
    again.record(7, False)
    assert again.means[0] == pytest.approx(fresh.means[0])


def test_items_used_often_are_passed_over_but_not_barred() -> None:
    items = bank([8, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    used = items.test().next_item()
    assert used is not None
    exposure = np.zeros(8)
    exposure[used] = 0.5
    test = items.test(exposure=exposure)
    sit(test, items, np.zeros(10), 8)
    assert test.asked.index(used) >= 3
    assert len(test.asked) == 8


def test_exposure_stays_below_the_target_over_many_people() -> None:
    items, people = bank(20), 80
    used = np.zeros(200)
    for person in range(people):
        test = items.test(seed=person, exposure=used / max(person, 1))
        sit(test, items, np.random.default_rng(person).normal(size=10), 30, seed=person)
        used[test.asked] += 1
    assert used.max() / people <= 0.30


def test_any_open_item_can_be_recorded_and_none_twice() -> None:
    test = bank().test()
    test.record(np.int64(17), np.bool_(True))
    assert test.asked == [17]
    with pytest.raises(ValueError, match="17"):
        test.record(17, True)
    for item in (-1, 120, 1.5):
        with pytest.raises(ValueError, match=str(item)):
            test.record(item, True)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="-1"):
        test.record(3, -1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"correlation": 1.0}, "1.0"),
        ({"correlation": -0.1}, "-0.1"),
        ({"correlation": math.nan}, "nan"),
        ({"max_exposure": 0.0}, "0.0"),
        ({"exposure": [0.1]}, r"\(1,\)"),
        ({"exposure": [0.1, 1.1]}, "1.1"),
        ({"seen": [0.1, math.nan]}, "nan"),
        ({"layer": [0, 10]}, "10"),
        ({"layer": [0, 0.5]}, "0.5"),
        ({"layer": [0]}, r"\(1,\)"),
        ({"a": [1.0, -1.0]}, "-1.0"),
        ({"a": [], "b": [], "c": [], "layer": []}, r"\(0,\)"),
    ],
)
def test_bad_banks_are_named(changes: dict[str, object], named: str) -> None:
    good: dict[str, object] = {"a": [1.0, 1.2], "b": [0.0, 0.5], "c": [0.0, 0.2], "layer": [0, 3]}
    with pytest.raises(ValueError, match=named):
        AdaptiveTest(**(good | changes), rng=np.random.default_rng(0))  # type: ignore[arg-type]


def test_an_attempt_leaves_a_row_per_layer_answered() -> None:
    items = bank()
    answers = np.full(120, -1)
    answers[[0, 1, 2, 3]] = [1, 1, 0, 1]
    answers[[60, 61]] = 0
    strong, weak = evidence_rows(items.a, items.b, items.c, items.layer, answers, time=2.5, source="attempt 7")
    assert (strong.layer, weak.layer) == (0, 5)
    assert strong.level > 2.5 > weak.level
    assert {(row.time, row.source, row.instrument) for row in (strong, weak)} == {(2.5, "attempt 7", "quiz")}
    assert strong.noise_sd is not None
    assert strong.noise_sd > 0.2


def test_a_row_carries_the_reference_prior_to_the_posterior() -> None:
    items = bank()
    answers = np.full(120, -1)
    answers[:10] = [1, 0, 1, 1, 0, 1, 1, 1, 0, 1]
    (row,) = evidence_rows(items.a, items.b, items.c, items.layer, answers, time=0.0, source="a")
    assert row.noise_sd is not None
    noise = row.noise_sd**2 / 1.3 - 0.2**2
    posterior = irt.estimate(items.a[:10], items.b[:10], items.c[:10], answers[:10], prior_sd=1.25)
    _, prior_variance = irt.moments(irt.normal_on_grid(0.0, 1.25))
    variance = 1 / (1 / prior_variance + 1 / noise)
    assert math.sqrt(variance) == pytest.approx(posterior.sd, rel=1e-9)
    assert variance / noise * (row.level - 2.5) == pytest.approx(posterior.mean, rel=1e-9)


def test_a_row_does_not_borrow_from_other_layers() -> None:
    items = bank()
    answers = np.full(120, -1)
    answers[:5] = 1
    alone = evidence_rows(items.a, items.b, items.c, items.layer, answers, time=0.0, source="a")[0]
    answers[40:80] = 0
    together = evidence_rows(items.a, items.b, items.c, items.layer, answers, time=0.0, source="a")[0]
    assert alone == together


def test_lucky_answers_still_make_a_row() -> None:
    seen = np.full(3, 0.6)
    (row,) = evidence_rows(1.0, np.full(3, -3.0), 0.5, np.zeros(3, int), np.ones(3), time=0.0, source="a", seen=seen)
    assert row.noise_sd is not None
    assert math.isfinite(row.level)
    assert 1 < row.noise_sd < 9


def test_an_attempt_without_answers_leaves_nothing() -> None:
    items = bank()
    assert evidence_rows(items.a, items.b, items.c, items.layer, np.full(120, -1), time=0.0, source="a") == []


@pytest.mark.parametrize(("changes", "named"), [({"time": math.nan}, "nan"), ({"answers": [3]}, "3")])
def test_bad_attempts_are_named(changes: dict[str, object], named: str) -> None:
    good: dict[str, object] = {"a": [1.0], "b": [0.0], "c": [0.0], "layer": [0], "answers": [1], "time": 0.0}
    with pytest.raises(ValueError, match=named):
        evidence_rows(**(good | changes), source="a")  # type: ignore[arg-type]
