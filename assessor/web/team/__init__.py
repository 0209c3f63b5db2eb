"""Teams: members, what each shares, where the gaps are."""

from assessor.web.team.views import pages

__all__ = ["pages"]
