"""One small repository that shows a route, a model, typed functions and tests, and an archive of any files."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

SERVICE = """\
from fastapi import FastAPI

from shop.prices import price

app = FastAPI()


@app.get("/price/{amount}")
def show(amount: int) -> dict[str, float]:
    return {"price": price(amount)}
"""

PRICES = """\
def price(amount: int, rate: float = 0.19) -> float:
    return round(amount * (1 + rate), 2)


def rebate(amount: float, share: float) -> float:
    return amount * (1 - share)


def total(amounts: list[int]) -> float:
    return sum(price(amount) for amount in amounts)
"""

NET = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 8)
        self.outer = nn.Linear(8, 1)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.outer(torch.relu(self.inner(rows)))


def main() -> None:
    print(Net()(torch.rand(2, 4)))


if __name__ == "__main__":
    main()
"""

TESTS = """\
from shop.prices import price, rebate


def test_price():
    assert price(100) == 119.0


def test_rebate():
    assert rebate(10.0, 0.5) == 5.0
"""

SHOP: dict[str, str | bytes] = {
    "shop/__init__.py": "",
    "shop/net.py": NET,
    "shop/prices.py": PRICES,
    "shop/service.py": SERVICE,
    "tests/test_prices.py": TESTS,
}


def make_zip(path: Path, files: Mapping[str, str | bytes], top: str = "") -> Path:
    """Write an archive of `files`, all below the folder `top` where it is given, and return `path`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(top + name, content)
    return path
