"""What counts as a right answer, for each type of question: keys that mark what a person gave."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

__all__ = ["ChoiceKey", "Given", "Key", "NumericKey", "Option", "OrderingKey", "OutputKey", "read_number"]

Given = int | str | list[int]
"""What a person gave, as it is stored: the place of an option, a text, or places of entries in the person's order.

Places are those of the file, from 0, whatever order the page showed them in.
"""

THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}([, \u00a0\u202f']\d{3})+(\.\d+)?")
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d{1,3})?", re.IGNORECASE)
FRACTION = re.compile(r"([-+]?\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Option:
    """Hold one option of a choice; `why` says what is wrong with it and is None for the right one."""

    text: str
    why: str | None


@dataclass(frozen=True, slots=True)
class ChoiceKey:
    """Mark a choice among options, of which one is right."""

    options: tuple[Option, ...]

    @property
    def guess(self) -> float:
        """Return the probability of being right by guessing."""
        return 1.0 / len(self.options)

    @property
    def right(self) -> int:
        """Return the place of the right option."""
        return next(place for place, option in enumerate(self.options) if option.why is None)

    def marks(self, given: Given) -> bool:
        """Tell whether an answer is right."""
        return given == self.right


@dataclass(frozen=True, slots=True)
class NumericKey:
    """Mark a number against a value, within an absolute tolerance; the unit is shown beside the field."""

    value: float
    tolerance: float
    unit: str
    guess: float = 0.0

    def marks(self, given: Given) -> bool:
        """Tell whether an answer is right; a text that is no number is wrong."""
        number = read_number(str(given), self.unit)
        # The last digit of a float must not decide: 0.1 + 0.2 is within 0 of 0.3.
        return number is not None and abs(number - self.value) <= self.tolerance + 1e-9 * max(1.0, abs(self.value))


@dataclass(frozen=True, slots=True)
class OrderingKey:
    """Mark an order; `entries` stand in the right one."""

    entries: tuple[str, ...]
    guess: float = 0.0

    def marks(self, given: Given) -> bool:
        """Tell whether an answer is right: every entry in its place."""
        return given == list(range(len(self.entries)))


@dataclass(frozen=True, slots=True)
class OutputKey:
    """Mark one line that a program prints, without regard to white space and kind of quotes; the first text is shown."""

    texts: tuple[str, ...]
    guess: float = 0.0

    def marks(self, given: Given) -> bool:
        """Tell whether an answer is right."""
        return _bare(str(given)) in {_bare(text) for text in self.texts}


Key = ChoiceKey | NumericKey | OrderingKey | OutputKey


def read_number(text: str, unit: str = "") -> float | None:
    """Return the number that a person wrote, or None for what is none.

    The unit may be repeated after it, thousands may be grouped, a fraction such as 2/3 is a number, and a single comma is
    a decimal point where it cannot group thousands.
    """
    bare = text.strip().replace("\u2212", "-")
    if unit and bare.casefold().endswith(unit.casefold()):
        bare = bare[: -len(unit)].strip()
    if unit.startswith("$") or unit in ("€", "£"):
        bare = bare.removeprefix(unit[:1]).strip()
    if THOUSANDS.fullmatch(bare):
        bare = re.sub(r"[, \u00a0\u202f']", "", bare)
    elif bare.count(",") == 1 and "." not in bare:
        bare = bare.replace(",", ".")
    if parts := FRACTION.fullmatch(bare.replace(" ", "")):
        over = float(parts[2])
        return float(parts[1]) / over if over else None
    if not NUMBER.fullmatch(bare):
        return None
    number = float(bare)
    return number if math.isfinite(number) else None


def _bare(text: str) -> str:
    return re.sub(r"\s+", "", text).replace('"', "'")
