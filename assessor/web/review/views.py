"""Reviews by rubric: ask, draft, hand in once, amend with a trace."""

from __future__ import annotations

from flask import Blueprint

__all__ = ["pages"]

pages = Blueprint("review", __name__)
