"""Rating oneself, the profile and its layers, the demo's profile, and how scores are made."""

from assessor.web.profile.views import pages

__all__ = ["pages"]
