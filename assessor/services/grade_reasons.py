"""Why a finding has its grade, in the order in which the policy of analysis/grading.py looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.grading import FULL_CREDIT, LIVE_IN_TESTS, NO_CREDIT, grade
from assessor.content.schema import Signal

__all__ = ["Reason", "grade_reasons"]

STRENGTHS = {
    Strength.MENTIONED: "It is mentioned, which is a claim and earns nothing.",
    Strength.DECLARED: "It is declared, in a dependency or a configuration.",
    Strength.USED: "It is used: the place does what the signal names.",
}

NOT_WIRED = "No entry point, route, container command or CI step was found that leads here."
NOT_RUN = "No CI step was found that runs it."


class Reason(NamedTuple):
    """Say one thing about a grade; `holds` is False where it kept the grade down."""

    holds: bool
    text: str


def grade_reasons(finding: Finding, signal: Signal) -> tuple[Reason, ...]:
    """Return what made the grade of a finding, the first condition first."""
    return (
        Reason(finding.strength is not Strength.MENTIONED, STRENGTHS[finding.strength]),
        *_reach(finding, signal),
        *_authorship(finding),
        *_cap(finding, signal),
    )


def _reach(finding: Finding, signal: Signal) -> Iterator[Reason]:
    if finding.strength is Strength.MENTIONED:
        return
    in_tests = signal.key in LIVE_IN_TESTS
    if not finding.alive:
        yield Reason(False, "Nothing refers to this code, so it is declared at most.")
    if finding.setting is Setting.TEST and not in_tests and signal.polarity > 0:
        yield Reason(False, "It stands in a test, which wires nothing in: used at most.")
    if finding.setting is Setting.EXAMPLE and not in_tests and signal.polarity > 0:
        yield Reason(False, "It stands in an example, which wires nothing in: used at most.")
    if finding.wired_by is not None:
        yield Reason(True, f"Wired in by {finding.wired_by}.")
    else:
        yield Reason(False, NOT_RUN if in_tests else NOT_WIRED)
    if finding.verified_by is not None:
        yield Reason(True, f"Verified by {finding.verified_by}.")
    else:
        yield Reason(False, "No test, gate or recorded result was found that would fail without it.")


def _authorship(finding: Finding) -> Iterator[Reason]:
    share = finding.author_share
    if share is None:
        return
    part = f"The author wrote {round(share * 100)}% of the cited lines"
    if share < NO_CREDIT:
        yield Reason(False, f"{part}: under {NO_CREDIT:.0%} earns nothing.")
    elif share < FULL_CREDIT:
        yield Reason(False, f"{part}: under {FULL_CREDIT:.0%} costs one grade.")
    else:
        yield Reason(True, f"{part}.")


def _cap(finding: Finding, signal: Signal) -> Iterator[Reason]:
    if signal.cap is not None and signal.cap <= grade(finding, signal) and signal.cap < 4:
        yield Reason(False, f"This signal is a hint: it counts up to grade {signal.cap}, however well it is done.")
