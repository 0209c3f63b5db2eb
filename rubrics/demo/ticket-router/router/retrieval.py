"""Find the passages of the handbook that a ticket is about: BM25, which needs no model and can be explained.

Robertson and Zaragoza (2009), The Probabilistic Relevance Framework: BM25 and Beyond, gives the formula.
"""

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

K1, B = 1.4, 0.75
WORD = re.compile(r"[a-zà-ÿ0-9]{2,}")


@dataclass(frozen=True)
class Passage:
    """A paragraph of the handbook and the queue that its section belongs to."""

    queue: str
    text: str


def words(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return WORD.findall(text.lower())


class Handbook:
    """Rank passages for a query."""

    def __init__(self, passages: list[Passage]) -> None:
        if not passages:
            raise ValueError("a handbook has at least one passage")
        self.passages = passages
        self._counts = [Counter(words(passage.text)) for passage in passages]
        lengths = np.array([sum(counts.values()) for counts in self._counts], dtype=float)
        self._norm = K1 * (1 - B + B * lengths / lengths.mean())
        seen = Counter(word for counts in self._counts for word in counts)
        self._idf = {word: float(np.log(1 + (len(passages) - n + 0.5) / (n + 0.5))) for word, n in seen.items()}

    def search(self, query: str, most: int) -> list[Passage]:
        """Return at most so many passages that share a word with the query, the best first."""
        scores = np.zeros(len(self.passages))
        for word in set(words(query)) & self._idf.keys():
            often = np.array([counts[word] for counts in self._counts], dtype=float)
            scores += self._idf[word] * often * (K1 + 1) / (often + self._norm)
        best = np.argsort(-scores, kind="stable")[:most]
        return [self.passages[place] for place in best if scores[place] > 0]
