"""Find out whether something runs the project's tests, and whether that run can fail."""

from __future__ import annotations

from typing import NamedTuple

from assessor.analysis.project import Project

__all__ = ["Run", "test_run"]


class Run(NamedTuple):
    """Say what runs the tests and, where the run can fail, what makes it count."""

    wired_by: str
    verified_by: str | None


def test_run(project: Project) -> Run | None:
    """Return how CI runs the tests, None where it does not."""
    from assessor.analysis.signals.configuration import test_steps

    best: Run | None = None
    for path, line, can_fail in test_steps(project):
        told = f"{path}:{line} runs the tests"
        run = Run(told, f"{told} and can fail" if can_fail else None)
        if run.verified_by:
            return run
        best = best or run
    return best
