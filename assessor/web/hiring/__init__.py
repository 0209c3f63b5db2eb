"""Hiring: requisitions, candidates under code names, blind panels, decisions."""

from assessor.web.hiring.views import pages

__all__ = ["pages"]
