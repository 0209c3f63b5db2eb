"""Hiring: requisitions, candidates under code names, blind panels, decisions."""

from assessor.web.hiring import entry, panel, views
from assessor.web.hiring.blueprint import pages

__all__ = ["entry", "pages", "panel", "views"]
