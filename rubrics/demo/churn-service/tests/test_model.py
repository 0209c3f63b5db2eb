import pandas as pd
import pandera.errors
import pytest
import torch
from churn.data import load
from churn.model import MonthAttention


def test_a_month_does_not_see_later_months():
    attend = MonthAttention(4)
    months = torch.randn(1, 12, 4)
    changed = months.clone()
    changed[:, -1] += 1.0
    assert torch.allclose(attend(months)[:, :-1], attend(changed)[:, :-1])


def test_a_negative_spend_stops_the_run(tmp_path):
    row = {"customer": "c1", "left": 0, **{f"spend_{month}": -1.0 for month in range(12)}}
    path = tmp_path / "customers.csv"
    pd.DataFrame([row]).to_csv(path, index=False)
    with pytest.raises(pandera.errors.SchemaErrors):
        load(path)
