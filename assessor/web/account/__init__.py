"""Sign-in, registration, settings."""

from assessor.web.account.views import pages

__all__ = ["pages"]
