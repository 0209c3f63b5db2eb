"""Repositories, what their analyses say, and the evidence for it."""

from assessor.web.portfolio.views import pages

__all__ = ["pages"]
