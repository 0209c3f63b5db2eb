"""Tables and their invariants; rules live in services."""

from assessor.models import account, portfolio, profile, work
from assessor.models.base import Base

__all__ = ["Base", "account", "portfolio", "profile", "work"]
