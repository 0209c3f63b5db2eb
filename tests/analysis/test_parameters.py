"""Numbers of configuration: read by text, with the keys they stand under."""

from __future__ import annotations

import time

from assessor.analysis.facts.parameters import LARGEST, read_parameters


def values(text: str) -> dict[str, float]:
    found = read_parameters(text.encode())
    return {key: value for key, value, _ in found.values} if found else {}


def test_keys_stand_under_their_parents() -> None:
    text = "train:\n  optim:\n    weight_decay: 1e-4\n  dropout: 0.3  # of inputs\nthresholds:\n  f1: .7\n"
    assert values(text) == {"train.optim.weight_decay": 1e-4, "train.dropout": 0.3, "thresholds.f1": 0.7}


def test_json_and_toml_are_read_alike() -> None:
    assert values('{\n  "thresholds": {\n    "recall": 0.8\n  }\n}\n') == {"thresholds.recall": 0.8}
    assert values("[model.fit]\nweight_decay = 0.01\n") == {"model.fit.weight_decay": 0.01}


def test_comments_words_and_other_numbers_are_left_out() -> None:
    assert values("# min_auc: 0.9\nname: dropout\nepochs: 3\n") == {}


def test_long_lines_and_large_files_cost_little() -> None:
    began = time.process_time()
    assert values("min_" + "a." * 50_000 + "\n" + " " * 90_000 + "dropout") == {}
    assert read_parameters(b"dropout: 0.1\n" * (LARGEST // 10)) is None
    assert time.process_time() - began < 2
