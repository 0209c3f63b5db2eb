"""Tables and their invariants; rules live in services."""

from assessor.models import account, calibration, hiring, portfolio, profile, quiz, review, team, work
from assessor.models.base import Base

__all__ = ["Base", "account", "calibration", "hiring", "portfolio", "profile", "quiz", "review", "team", "work"]
