"""Run every golden case: a small tree, what must be seen in it, and what must not.

A case is one YAML file under tests/golden/<signal>/:

    why: one sentence
    outcome: present | absent
    at: path or path:line      where the signal must be seen (a good case)
    at_least: 3                the grade reached at least
    at_most: 1                 the grade reached at most
    signals: [a, b] | all      in place of the folder's name (gaming/)
    except: [c]                taken out of `all`
    tags: [v1.0]               names of git tags
    commits: [3, 40]           commits that change code: how many, and the days they span
    files: {path: text}

Only signals that are built can be asked for; `all` means those of positive polarity.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from assessor.analysis import facts, grading
from assessor.analysis.findings import Finding
from assessor.analysis.project import Project
from assessor.analysis.reach import Reach
from assessor.analysis.signals import DETECTORS, detect
from assessor.analysis.tree import MemoryTree
from assessor.config import resource_dir
from assessor.content.catalogue import load_framework
from assessor.content.schema import Framework

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """Hold one golden case for one signal."""

    name: str
    signal: str
    outcome: str
    at: str | None
    at_least: int
    at_most: int
    files: dict[str, str]
    tags: tuple[str, ...] = ()
    commits: tuple[int, ...] = ()


def read_cases(file: Path) -> list[Case]:
    raw: dict[str, Any] = yaml.safe_load(file.read_text())
    assert raw["outcome"] in {"present", "absent"}, file
    assert raw["why"], file
    return [
        Case(
            f"{file.parent.name}/{file.stem}[{signal}]",
            signal,
            raw["outcome"],
            raw.get("at"),
            raw.get("at_least", 0),
            raw.get("at_most", 5),
            raw["files"],
            tuple(raw.get("tags", ())),
            commit_times(*raw.get("commits", (0, 0))),
        )
        for signal in asked_signals(file, raw)
    ]


def commit_times(count: int, days: int) -> tuple[int, ...]:
    return tuple(1_700_000_000 - days * 86_400 * place // max(1, count - 1) for place in range(count))


def asked_signals(file: Path, raw: dict[str, Any]) -> list[str]:
    asked = raw.get("signals", [file.parent.name])
    if asked == "all":
        signals = the_framework().signals
        asked = [key for key in DETECTORS if signals[key].polarity > 0]
    return [key for key in asked if key not in raw.get("except", [])]


@cache
def the_framework() -> Framework:
    return load_framework(resource_dir("rubrics"))


def analyse(
    files: dict[str, str], tags: tuple[str, ...] = (), commits: tuple[int, ...] = ()
) -> dict[str, list[Finding]]:
    tree = MemoryTree(files)
    known = {
        entry.path: facts.extract(entry.path, data)
        for entry, data in tree.read(tree.entries())
        if data is not None and facts.wanted(entry.path)
    }
    project = Project(tree.entries(), known, [], tags)
    project.commits = commits
    return detect(project, Reach(project))


CASES = [case for file in sorted(HERE.glob("*/*.yaml")) for case in read_cases(file)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden(case: Case) -> None:
    signal = the_framework().signals[case.signal]
    findings = analyse(case.files, case.tags, case.commits)[case.signal]
    graded = [(grading.grade(finding, signal), finding) for finding in findings]
    best = max((grade for grade, _ in graded), default=0)
    seen = [f"{grade} {finding.path}:{finding.line} {finding.message}" for grade, finding in graded]
    floor = 1 if signal.configuration else 2
    assert ("present" if best >= floor else "absent") == case.outcome, seen
    assert case.at_least <= best <= case.at_most, seen
    if case.at is not None:
        places = {finding.path for grade, finding in graded if grade >= floor}
        places |= {f"{finding.path}:{finding.line}" for grade, finding in graded if grade >= floor}
        assert case.at in places, seen


def test_every_detector_has_good_and_bad_cases() -> None:
    outcomes = {(case.signal, case.outcome) for case in CASES if not case.name.startswith("gaming/")}
    missing = [
        (key, outcome) for key in DETECTORS for outcome in ("present", "absent") if (key, outcome) not in outcomes
    ]
    assert missing == []
