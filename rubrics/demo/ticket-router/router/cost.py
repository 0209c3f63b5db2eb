"""Meter every call: tokens, dollars, and who it was for; a day's budget that is spent stops calls, not tickets."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from prometheus_client import Counter, Gauge

from router.settings import Price

TOKENS = Counter("router_tokens_total", "Tokens sent and received", ["client", "direction"])
DOLLARS = Counter("router_cost_dollars_total", "What calls cost", ["client"])
LEFT = Gauge("router_budget_left_dollars", "What is left of today's budget")

MILLION = 1_000_000


class OverBudget(RuntimeError):
    """Today's budget is spent."""


@dataclass(frozen=True)
class Usage:
    """Tokens of one call, as the model's server counts them."""

    input_tokens: int
    output_tokens: int

    def dollars(self, price: Price) -> float:
        """Return what the call cost."""
        return (self.input_tokens * price.input + self.output_tokens * price.output) / MILLION


class Meter:
    """Add up what clients spend in a day (UTC)."""

    def __init__(self, budget: float, *, today: Callable[[], date] = lambda: datetime.now(UTC).date()) -> None:
        self._budget = budget
        self._today = today
        self._day = today()
        self._spent: dict[str, float] = defaultdict(float)

    def check_budget(self) -> None:
        """Return if a call may be made. Raises OverBudget."""
        self._turn()
        if sum(self._spent.values()) >= self._budget:
            raise OverBudget(f"the budget of {self._budget:.2f} dollars for {self._day} is spent")

    def charge(self, client: str, usage: Usage, price: Price) -> float:
        """Charge a client for a call and return the dollars."""
        self._turn()
        dollars = usage.dollars(price)
        self._spent[client] += dollars
        TOKENS.labels(client, "input").inc(usage.input_tokens)
        TOKENS.labels(client, "output").inc(usage.output_tokens)
        DOLLARS.labels(client).inc(dollars)
        LEFT.set(self._budget - sum(self._spent.values()))
        return dollars

    def _turn(self) -> None:
        if self._today() != self._day:
            self._day = self._today()
            self._spent.clear()
