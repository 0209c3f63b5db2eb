"""Teams: members, what each shares, where the gaps are."""

from __future__ import annotations

from flask import Blueprint

__all__ = ["pages"]

pages = Blueprint("team", __name__)
