"""Attempts at the quiz: start, ask, answer, finish; one row of evidence per layer."""

from __future__ import annotations

from flask import Blueprint

__all__ = ["pages"]

pages = Blueprint("quiz", __name__)
