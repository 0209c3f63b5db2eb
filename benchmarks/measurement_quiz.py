"""Simulated people who sit quizzes: how many questions, how far off, how honest, how fast, how often the same item."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from measurement_rows import Row, least, most, rmse, told

from assessor.measurement import adaptive, irt
from assessor.measurement.calibration import calibrate

try:
    from catsim import ItemBank
    from catsim.estimation import NumericalSearchEstimator
    from catsim.selection import MaxInfoSelector
except ImportError:
    ItemBank = None
try:
    from girth import twopl_mml
except ImportError:
    twopl_mml = None

LAYERS = 10
Z90 = 1.6449


@dataclass(frozen=True)
class Bank:
    """Hold items: half may be guessed with 0.2, slopes are log-normal (ln 1.2, 0.4), difficulties N(0, 1)."""

    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    layer: np.ndarray

    @classmethod
    def made(cls, rng: np.random.Generator, per_layer: int, layers: int = LAYERS) -> Bank:
        """Draw a bank."""
        items = per_layer * layers
        slopes = np.exp(rng.normal(math.log(1.2), 0.4, items))
        guess = np.where(rng.permutation(items) < items // 2, 0.2, 0.0)
        return cls(slopes, rng.normal(0, 1, items), guess, np.repeat(np.arange(layers), per_layer))

    def test(self, rng: np.random.Generator, **options: object) -> adaptive.AdaptiveTest:
        """Start a test."""
        return adaptive.AdaptiveTest(self.a, self.b, self.c, self.layer, rng=rng, **options)

    def answer(self, item: int, theta: np.ndarray, rng: np.random.Generator, recall: float = 0.0) -> bool:
        """Answer as somebody would who remembers the item with that probability."""
        logistic = 1 / (1 + math.exp(-self.a[item] * (theta[self.layer[item]] - self.b[item])))
        p = self.c[item] + (1 - self.c[item]) * logistic
        return bool(rng.random() < p + (1 - p) * recall)


def ordinary(rng: np.random.Generator, people: int) -> np.ndarray:
    """Draw people whose layers correlate 0.5."""
    return rng.multivariate_normal(np.zeros(LAYERS), 0.5 + 0.5 * np.eye(LAYERS), people)


def theorists(rng: np.random.Generator, people: int) -> np.ndarray:
    """Draw people strong in the first five layers and weak in the others: 2.4 levels apart, SD 0.5."""
    return np.where(np.arange(LAYERS) < 5, 1.2, -1.2) + rng.normal(0, 0.5, (people, LAYERS))


def unrelated(rng: np.random.Generator, people: int) -> np.ndarray:
    """Draw people whose layers have nothing to do with each other."""
    return rng.normal(size=(people, LAYERS))


def one_layer(people: int) -> list[Row]:
    """Ask one layer from a bank of 500 until the standard error is 0.35."""
    rng = np.random.default_rng(101)
    bank, asked, errors = Bank.made(rng, 500, 1), [], []
    thetas = rng.normal(size=(people, 1))
    for theta in thetas:
        test = bank.test(rng)
        while test.sds[0] > 0.35:
            item = test.next_item()
            test.record(item, bank.answer(item, theta, rng))
        asked.append(len(test.asked))
        errors.append(test.means[0] - theta[0])
    rows = [
        most("one layer, bank of 500, to SE 0.35: questions", float(np.mean(asked)), 11, 1),
        most("one layer, bank of 500, to SE 0.35: RMSE", rmse(errors), 0.37),
    ]
    chance = [_at_random(bank, theta, rng) for theta in thetas[: max(people // 10, 5)]]
    rows.append(told("  the same, items at random: questions", f"{np.mean(chance):.1f}"))
    if ItemBank is not None:
        counts, off = zip(*(_catsim(bank, theta, rng) for theta in thetas[: max(people // 10, 5)]), strict=True)
        rows.append(told("  the same by catsim: questions, RMSE", f"{np.mean(counts):.1f}, {rmse(off):.3f}"))
    return rows


def ten_layers(people: int) -> list[Row]:
    """Ask ten layers from 60 items each; ordinary people, and two kinds of uneven ones."""
    rows = []
    for name, draw, seed in (("ordinary", ordinary, 102), ("theory", theorists, 103), ("unrelated", unrelated, 104)):
        rng = np.random.default_rng(seed)
        bank = Bank.made(rng, 60)
        early, late, sds = [], [], []
        for theta in draw(rng, people):
            test = bank.test(rng)
            for count in range(1, 61):
                item = test.next_item()
                test.record(item, bank.answer(item, theta, rng))
                if count == 40:
                    early.append(test.means - theta)
            late.append(test.means - theta)
            sds.append(test.sds)
        covered = float(np.mean(np.abs(late) < Z90 * np.array(sds)))
        if name == "ordinary":
            rows += [
                most("ten layers, 60 questions: RMSE", rmse(late), 0.48),
                most("ten layers, 60 questions: SE of a person's worst layer", float(np.max(sds, axis=1).mean()), 0.50),
                most("ten layers, 40 questions: RMSE", rmse(early), 0.53),
                least("90% interval, ordinary people", covered, 0.87, upper=0.93),
            ]
        else:
            kind = "strong theory, weak production" if name == "theory" else "layers unrelated"
            rows.append(least(f"90% interval, {kind}", covered, 0.86))
            rows.append(told(f"  {kind}, 60 questions: RMSE", f"{rmse(late):.3f}"))
    return rows


def speed(people: int) -> list[Row]:
    """Time selecting and recording with 500 items in ten layers, and in one against catsim."""
    rng = np.random.default_rng(105)
    ours = _seconds(Bank.made(rng, 50), rng, people)
    rows = [told("select and record, 500 items, ten layers", f"{ours * 1e3:.3f} ms", "<= 0.15 ms (not judged)")]
    if ItemBank is not None:
        bank = Bank.made(rng, 500, 1)
        alone, peer = _seconds(bank, rng, people), _catsim_seconds(bank, rng)
        rows.append(least("select and record, 500 items, one layer: times faster than catsim", peer / alone, 5, 1))
    return rows


def exposure(people: int) -> list[Row]:
    """Count how often the most used item is asked when tests know of each other, and what that costs."""
    rng = np.random.default_rng(106)
    bank = Bank.made(rng, 60)
    thetas, used = ordinary(rng, people), np.zeros(60 * LAYERS)
    errors, sharpest = [], []
    for number, theta in enumerate(thetas):
        test = bank.test(rng, exposure=used / max(number, 1))
        free = bank.test(rng, max_exposure=1.0)
        for one in (test, free):
            for _ in range(60):
                item = one.next_item()
                one.record(item, bank.answer(item, theta, rng))
        used[test.asked] += 1
        errors.append(test.means - theta)
        sharpest.append(free.means - theta)
    return [
        most("exposure of the most used item", float(used.max() / people), 0.30),
        most("exposure: RMSE lost against not minding it", rmse(errors) - rmse(sharpest), 0.07),
    ]


def retakes(people: int) -> list[Row]:
    """Let people who do not grow come back four times to a bank that is soon used up, and remember 60% of repeats."""
    rng = np.random.default_rng(107)
    bank, attempts = Bank.made(rng, 8), 4
    bias = np.zeros((people, attempts))
    naive = np.zeros((people, attempts))
    for person, theta in enumerate(ordinary(rng, people)):
        for known, off in ((True, bias), (False, naive)):
            seen = np.zeros(8 * LAYERS)
            for attempt in range(attempts):
                test = bank.test(rng, seen=seen if known else None)
                for _ in range(40):
                    item = test.next_item()
                    test.record(item, bank.answer(item, theta, rng, recall=seen[item]))
                seen[test.asked] = 0.6
                off[person, attempt] = np.mean(test.means - theta)
    worst = bias.mean(axis=0)
    return [
        most("retakes, recall 0.6: largest bias of four attempts", float(np.abs(worst).max()), 0.10),
        told("  the same scored as if unseen", f"{np.abs(naive.mean(axis=0)).max():.3f}"),
    ]


def calibration(people: int) -> list[Row]:
    """Calibrate 1,000 people by 30 items against girth, and 100 people with what authors state."""
    rng = np.random.default_rng(108)
    a, b = np.exp(rng.normal(math.log(1.2), 0.3, 30)), rng.normal(0, 1, 30)
    p = irt.probability(rng.normal(size=(1000, 1)), a, b, 0.0)
    responses = (rng.random(p.shape) < p).astype(int)
    seconds = []
    for _ in range(3):
        began = time.process_time()
        found = calibrate(responses)
        seconds.append(time.process_time() - began)
    ours = float(np.median(seconds))
    rows = [told("2PL, 1,000 people by 30 items: RMSE of a, b", f"{rmse(found.a - a):.3f}, {rmse(found.b - b):.3f}")]
    rows.append(told("  time", f"{ours * 1e3:.0f} ms"))
    if twopl_mml is not None:
        began = time.process_time()
        peer = twopl_mml(responses.T)
        theirs = time.process_time() - began
        rows += [
            most("  RMSE of a, over that of girth", rmse(found.a - a) / rmse(peer["Discrimination"] - a), 1.01),
            most("  RMSE of b, over that of girth", rmse(found.b - b) / rmse(peer["Difficulty"] - b), 1.01),
            most("  time, over that of girth", ours / theirs, 1 / 20),
        ]
    off = []
    for _ in range(max(people // 20, 3)):
        a, b = np.exp(rng.normal(math.log(1.2), 0.4, 30)), rng.normal(0, 1, 30)
        p = irt.probability(rng.normal(size=(100, 1)), a, b, 0.0)
        responses = (rng.random(p.shape) < p).astype(int)
        off.append(calibrate(responses, prior_b=b + rng.normal(0, 0.7, 30)).b - b)
    rows.append(most("2PL, 100 people, authors' priors of SD 0.7: RMSE of b", rmse(off), 0.30))
    return rows


def stated(people: int) -> list[Row]:
    """Score items of which only the authors' difficulties are known, SD 0.7, with and without saying so."""
    rng = np.random.default_rng(109)
    plain, widened = [], []
    for theta in rng.normal(size=4 * people):
        bank = Bank.made(rng, 15, 1)
        answers = [bank.answer(item, np.array([theta]), rng) for item in range(15)]
        believed = bank.b + rng.normal(0, irt.AUTHOR_SD, 15)
        for slopes, inside in ((bank.a, plain), (irt.blurred(bank.a, irt.AUTHOR_SD), widened)):
            told_ = irt.estimate(slopes, believed, bank.c, answers)
            inside.append(told_.lower < theta < told_.upper)
    return [
        least("90% interval, difficulties only stated (irt.blurred)", float(np.mean(widened)), 0.87, upper=0.93),
        told("  the same as if they were known", f"{np.mean(plain):.3f}"),
    ]


def _seconds(bank: Bank, rng: np.random.Generator, people: int) -> float:
    """Return the median over people of the time of a question."""
    seconds = []
    for _ in range(max(people // 10, 5)):
        test = bank.test(rng)
        answers = rng.random(30) < 0.6
        began = time.process_time()
        for correct in answers:
            test.record(test.next_item(), bool(correct))
        seconds.append((time.process_time() - began) / 30)
    return float(np.median(seconds))


def _at_random(bank: Bank, theta: np.ndarray, rng: np.random.Generator) -> int:
    test = bank.test(rng)
    for item in rng.permutation(len(bank.a)):
        if test.sds[0] <= 0.35:
            break
        test.record(int(item), bank.answer(int(item), theta, rng))
    return len(test.asked)


def _catsim_parts(bank: Bank) -> tuple[object, object, object]:
    table = np.column_stack([bank.a, bank.b, bank.c, np.ones_like(bank.a)])
    return ItemBank(table), MaxInfoSelector(), NumericalSearchEstimator()


def _catsim(bank: Bank, theta: np.ndarray, rng: np.random.Generator) -> tuple[int, float]:
    """Return how many questions catsim asks until its standard error is 0.35, and how far off it is then."""
    items, selector, estimator = _catsim_parts(bank)
    asked: list[int] = []
    answers: list[bool] = []
    now = 0.0
    while True:
        item = int(selector.select(item_bank=items, administered_items=asked, est_theta=now))
        asked.append(item)
        answers.append(bank.answer(item, theta, rng))
        now = float(
            estimator.estimate(item_bank=items, administered_items=asked, response_vector=answers, est_theta=now)
        )
        if irt.information(now, bank.a[asked], bank.b[asked], bank.c[asked]).sum() >= 0.35**-2 or len(asked) == 60:
            return len(asked), now - theta[0]


def _catsim_seconds(bank: Bank, rng: np.random.Generator) -> float:
    items, selector, estimator = _catsim_parts(bank)
    seconds = []
    for _ in range(5):
        asked: list[int] = []
        answers: list[bool] = []
        now, coming = 0.0, rng.random(30) < 0.6
        began = time.process_time()
        for correct in coming:
            asked.append(int(selector.select(item_bank=items, administered_items=asked, est_theta=now)))
            answers.append(bool(correct))
            now = float(
                estimator.estimate(item_bank=items, administered_items=asked, response_vector=answers, est_theta=now)
            )
        seconds.append((time.process_time() - began) / 30)
    return float(np.median(seconds))
