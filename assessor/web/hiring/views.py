"""Hiring: requisitions, candidates under code names, blind panels, decisions."""

from __future__ import annotations

from flask import Blueprint

__all__ = ["pages"]

pages = Blueprint("hiring", __name__)
