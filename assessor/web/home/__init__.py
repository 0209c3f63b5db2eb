"""The landing page and what operators probe."""

from assessor.web.home.views import pages

__all__ = ["pages"]
