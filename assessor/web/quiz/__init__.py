"""Attempts at the quiz: start, ask, answer, finish; one row of evidence per layer."""

from assessor.web.quiz.views import pages

__all__ = ["pages"]
