"""Read scripts of k6, Artillery, JMeter and Gatling as far as their text tells: whether they call, and what they hold a run to."""

from __future__ import annotations

import re

from assessor.analysis.facts.configuration_model import LoadFacts

__all__ = ["artillery", "read_load"]

SYSTEMS: tuple[tuple[str, re.Pattern[str], re.Pattern[str], re.Pattern[str]], ...] = (
    (
        "k6",
        re.compile(
            r"^[ \t]*(?:import\b[^\n]*from\s+|(?:const|let|var)\b[^\n]*require\()['\"]k6(?:/[\w/.]+)?['\"]",
            re.MULTILINE,
        ),
        re.compile(
            r"^(?![ \t]*(?://|\*))[^\n]*\b(?:http\.(?:get|post|put|patch|del|request|batch)|client\.invoke|ws\.connect)\s*\(",
            re.MULTILINE,
        ),
        re.compile(r"^(?![ \t]*(?://|\*))[^\n]*\bthresholds['\"]?\s*:", re.MULTILINE),
    ),
    (
        "jmeter",
        re.compile(r"<jmeterTestPlan"),
        re.compile(r"<HTTPSamplerProxy"),
        re.compile(r"<(?:DurationAssertion|ResponseAssertion)"),
    ),
    (
        "gatling",
        re.compile(r"extends\s+Simulation\b"),
        re.compile(r"^(?![ \t]*//)[^\n]*\bsetUp\s*\(", re.MULTILINE),
        re.compile(r"^(?![ \t]*//)[^\n]*\.assertions\s*\(", re.MULTILINE),
    ),
)
CALLS = re.compile(rb"^[ \t]+-?[ \t]*(?:get|post|put|patch|delete):", re.MULTILINE)
ENSURED = re.compile(rb"^[ \t]+(?:ensure|expect):", re.MULTILINE)


def read_load(_path: str, data: bytes) -> LoadFacts | None:
    """Return what a script says, None for one that calls nothing."""
    source = data.decode("utf-8", "replace")
    for system, marks, calls, targets in SYSTEMS:
        called = calls.search(source) if marks.search(source) else None
        if called is not None:
            held = targets.search(source)
            return LoadFacts(system, _line(source, called), _line(source, held) if held else None)
    return None


def artillery(data: bytes) -> LoadFacts | None:
    """Return what a scenario of Artillery says, None for one that calls nothing."""
    called = CALLS.search(data)
    if called is None:
        return None
    held = ENSURED.search(data)
    line = data.count(b"\n", 0, called.start()) + 1
    return LoadFacts("artillery", line, data.count(b"\n", 0, held.start()) + 1 if held else None)


def _line(source: str, found: re.Match[str]) -> int:
    return source.count("\n", 0, found.start()) + 1
