"""Reviews by rubric: ask, draft, hand in once, amend with a trace."""

from assessor.web.review.views import pages

__all__ = ["pages"]
