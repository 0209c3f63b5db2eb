"""The blueprint that the views of managers, of panels and of candidates share."""

from __future__ import annotations

from flask import Blueprint

__all__ = ["pages"]

pages = Blueprint("hiring", __name__)
