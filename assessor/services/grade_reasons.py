"""Why a finding has its grade, in the order in which the policy of analysis/grading.py looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.grading import FULL_CREDIT, LIVE_IN_TESTS, NO_CREDIT, grade
from assessor.content.schema import Signal

__all__ = ["Reason", "grade_reasons"]

NOT_WIRED = "No entry point, route, container command or CI step was found that leads here."
NOT_RUN = "No CI step was found that runs it."
NOT_VERIFIED = "No test, gate or recorded result was found that would fail without it."


class Reason(NamedTuple):
    """Say one thing about a grade; `holds` is False where it kept the grade down."""

    holds: bool
    text: str


def grade_reasons(finding: Finding, signal: Signal) -> tuple[Reason, ...]:
    """Return what made the grade of a finding, the first condition first; what no longer mattered is left out."""
    stopped = _stopped(finding, signal)
    reasons = [Reason(False, stopped)] if stopped else [*_reach(finding, signal)]
    return (*reasons, *_authorship(finding), *_cap(finding, signal))


def _stopped(finding: Finding, signal: Signal) -> str | None:
    """Say what ends the way up before reach and verification are asked for, as `grading._standing` does."""
    reached = finding.wired_by is not None or finding.verified_by is not None
    if finding.strength is Strength.MENTIONED:
        return "It is mentioned in words, which is a claim and earns nothing."
    if not finding.alive:
        return "Nothing refers to this code, so it counts as declared."
    if finding.strength is Strength.DECLARED and not (signal.configuration and reached):
        return "It is declared here, and this place does not use it."
    if signal.polarity > 0 and signal.key not in LIVE_IN_TESTS and finding.setting in (Setting.TEST, Setting.EXAMPLE):
        where = "a test" if finding.setting is Setting.TEST else "an example"
        return f"It stands in {where}, which wires nothing in: used at most."
    return None


def _reach(finding: Finding, signal: Signal) -> Iterator[Reason]:
    declared = finding.strength is Strength.DECLARED
    yield Reason(
        True,
        "It is declared where it takes effect." if declared else "It is used: this place does what the signal names.",
    )
    wired, verified = finding.wired_by, finding.verified_by
    if wired is not None:
        yield Reason(True, f"Wired in: {wired}.")
    else:
        yield Reason(False, NOT_RUN if signal.key in LIVE_IN_TESTS else NOT_WIRED)
    yield Reason(True, f"Verified: {verified}.") if verified is not None else Reason(False, NOT_VERIFIED)


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
