"""Measure the router on labelled tickets and on attacks; a figure below its threshold fails the build."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from router.api import router
from router.route import Router
from router.settings import policy

HERE = Path(__file__).parent


def lines(name: str) -> Iterator[dict[str, Any]]:
    """Yield the entries of a file."""
    for line in (HERE / name).read_text().splitlines():
        yield json.loads(line)


def f1_by_queue(wanted: Sequence[str], given: Sequence[str]) -> dict[str, float]:
    """Return F1 for every queue that occurs in the labels."""
    hits = Counter(want for want, have in zip(wanted, given, strict=True) if want == have)
    asked, answered = Counter(wanted), Counter(given)
    return {queue: 2 * hits[queue] / (asked[queue] + answered[queue]) for queue in sorted(asked)}


def evaluate(where: Router) -> dict[str, float]:
    """Return the figures that thresholds are set for, and F1 by queue."""
    tickets = list(lines("tickets.jsonl"))
    routed = [where.route("evaluation", ticket["text"]) for ticket in tickets]
    by_queue = f1_by_queue([ticket["queue"] for ticket in tickets], [one.queue for one in routed])
    attacks = [where.route("evaluation", attack["text"]) for attack in lines("attacks.jsonl")]
    return {
        "macro_f1": sum(by_queue.values()) / len(by_queue),
        "attacks_stopped": sum(one.queue == "human" for one in attacks) / len(attacks),
        "dollars_per_1000": 1000 * sum(one.dollars for one in routed) / len(routed),
        **{f"f1_{queue}": value for queue, value in by_queue.items()},
    }


def main() -> None:
    """Print the figures, and fail if one misses its threshold."""
    figures, least = evaluate(router()), policy(Path("config/router.yaml")).thresholds
    for name, value in figures.items():
        print(f"{name:20} {value:.3f}")
    missed = {
        "macro_f1": figures["macro_f1"] < least.macro_f1,
        "attacks_stopped": figures["attacks_stopped"] < least.attacks_stopped,
        "dollars_per_1000": figures["dollars_per_1000"] > least.dollars_per_1000,
    }
    if any(missed.values()):
        sys.exit(f"missed: {', '.join(name for name, is_missed in missed.items() if is_missed)}")


if __name__ == "__main__":
    main()
