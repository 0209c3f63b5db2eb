"""Names for candidates that say nothing of them: trees, birds, stones and waters."""

from __future__ import annotations

import random
from collections.abc import Collection

__all__ = ["CODE_NAMES", "draw_code_name"]

THINGS = """
Alder Almond Ash Aspen Beech Birch Cedar Cherry Chestnut Cypress Elm Fern Hawthorn Hazel Juniper Larch Linden Maple Oak
Olive Pine Poplar Rowan Spruce Willow Avocet Bittern Crane Curlew Dunlin Finch Goldcrest Heron Kestrel Kingfisher
Lapwing Magpie Nuthatch Osprey Petrel Plover Redstart Siskin Swallow Swift Tern Thrush Wagtail Warbler Wren Amber Basalt
Flint Granite Jasper Opal Quartz Slate Delta Fjord
"""
CODE_NAMES = tuple(THINGS.split())
"""Sixty, so that a requisition has room for sixty candidates."""


def draw_code_name(taken: Collection[str], chance: random.Random) -> str | None:
    """Return a code name at random that is not taken, or None when all are."""
    left = [name for name in CODE_NAMES if name not in taken]
    return chance.choice(left) if left else None
