"""Orders."""

import pytest

from forecast.orders import Line, crates, demand_at, newsvendor_ratio, order

MILK = Line("milk", {0.5: 100, 0.8: 130, 0.95: 160}, stock=20, crate=12, margin=0.3, waste=0.2)
SALAD = Line("salad", {0.5: 40, 0.8: 60, 0.95: 90}, stock=0, crate=10, margin=0.5, waste=1.0)


def test_what_spoils_dearly_is_ordered_carefully():
    assert newsvendor_ratio(MILK) == pytest.approx(0.6)
    assert newsvendor_ratio(SALAD) < 0.5
    assert demand_at(SALAD, newsvendor_ratio(SALAD)) == 40


def test_demand_between_two_quantiles():
    assert demand_at(MILK, 0.65) == pytest.approx(115)
    assert demand_at(MILK, 0.99) == 160


def test_stock_is_used_before_crates_are_ordered():
    assert crates(MILK) == 8  # 110 wanted, 20 there, 12 in a crate
    assert crates(Line("milk", MILK.quantiles, stock=500, crate=12, margin=1, waste=1)) == 0


def test_an_order_fits_on_the_truck():
    assert order([MILK, SALAD], room=20) == {"milk": 8, "salad": 4}
    assert order([MILK, SALAD], room=6) == {"milk": 2, "salad": 4}
    assert order([MILK, SALAD], room=0) == {"milk": 0, "salad": 0}
