"""Compile long patterns when they are first asked: most repositories name few of the libraries that signals know."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["Lazy", "Pattern"]


class Lazy:
    """Stand for a pattern of `re` that is compiled at its first use."""

    __slots__ = ("_compiled", "_flags", "_text")

    def __init__(self, text: str, flags: int = 0) -> None:
        self._text, self._flags = text, flags
        self._compiled: re.Pattern[str] | None = None

    def _pattern(self) -> re.Pattern[str]:
        if self._compiled is None:
            self._compiled = re.compile(self._text, self._flags)
        return self._compiled

    def match(self, text: str) -> re.Match[str] | None:
        """Match from the start of a text."""
        return self._pattern().match(text)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """Match a whole text."""
        return self._pattern().fullmatch(text)

    def search(self, text: str) -> re.Match[str] | None:
        """Match anywhere in a text."""
        return self._pattern().search(text)

    def findall(self, text: str) -> list[str]:
        """Return all that the pattern's group finds."""
        return [str(found) for found in self._pattern().findall(text)]

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Yield every match in a text."""
        return self._pattern().finditer(text)

    @property
    def pattern(self) -> str:
        """Return the text of the pattern."""
        return self._text


Pattern = re.Pattern[str] | Lazy
"""What detectors are given to match with."""
