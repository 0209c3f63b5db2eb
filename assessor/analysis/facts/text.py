"""Count lines as radon's raw figures do, without a second pass over tokens."""

from __future__ import annotations

import math
import re

from assessor.analysis.facts.model import Text
from assessor.analysis.facts.walk import Walk

__all__ = ["count"]

TOKEN = re.compile(
    r"\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|#[^\n]*", re.DOTALL
)
"""A string or a comment; what begins first hides what is inside it."""


def count(source: str, walk: Walk) -> Text:
    """Return lines, source lines, comments and Halstead's volume (Halstead 1977; counted as radon counts)."""
    lines = source.splitlines()
    comments = sum(token.startswith("#") for token in TOKEN.findall(source)) if "#" in source else 0
    bare = 0
    for line in lines:
        start = line.lstrip()[:1]
        bare += not start or start == "#"
    documents = sum(last - first + 1 for first, last in walk.strings)
    total = walk.operators + walk.operands
    vocabulary = len(walk.operators_seen) + len(walk.operands_seen)
    volume = total * math.log2(vocabulary) if vocabulary > 1 else 0.0
    # Lines of a docstring that are empty or begin with "#" were counted as bare above.
    hidden = sum(
        not lines[place].strip() or lines[place].lstrip().startswith("#")
        for first, last in walk.strings
        for place in range(first - 1, min(last, len(lines)))
    )
    return Text(len(lines), max(0, len(lines) - bare - documents + hidden), comments, round(volume, 2))
