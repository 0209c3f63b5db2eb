from __future__ import annotations

import pytest

from assessor.analysis.findings import Finding, Setting, Strength
from assessor.content.schema import Catalogue
from assessor.services.grade_reasons import grade_reasons


def place(**known: object) -> Finding:
    return Finding("docker", "by-hand", "a.py", 1, "m", **known)  # type: ignore[arg-type]


WIRED = {"wired_by": "route /predict, a.py:3", "verified_by": "test_predict, t.py:5"}


@pytest.mark.parametrize(
    ("signal", "finding", "expected"),
    [
        ("http-api", place(strength=Strength.MENTIONED, **WIRED), ["- It is mentioned in words"]),
        ("http-api", place(alive=False, **WIRED), ["- Nothing refers to this code"]),
        ("http-api", place(strength=Strength.DECLARED, **WIRED), ["- It is declared here"]),
        ("http-api", place(setting=Setting.TEST, **WIRED), ["- It stands in a test"]),
        ("http-api", place(setting=Setting.EXAMPLE), ["- It stands in an example"]),
        ("http-api", place(**WIRED), ["+ It is used", "+ Wired in: route /predict", "+ Verified: test_predict"]),
        ("http-api", place(), ["+ It is used", "- No entry point", "- No test"]),
        ("unit-tests", place(setting=Setting.TEST), ["+ It is used", "- No CI step", "- No test"]),
        ("docker", place(strength=Strength.DECLARED, **WIRED), ["+ It is declared where", "+ Wired in", "+ Verified"]),
        (
            "http-api",
            place(author_share=0.1),
            ["+ It is used", "- No entry point", "- No test", "- The author wrote 10% of the cited lines: under 20%"],
        ),
        (
            "http-api",
            place(author_share=0.4),
            ["+ It is used", "- No entry point", "- No test", "- The author wrote 40% of the cited lines: under 50%"],
        ),
        (
            "type-hints",
            place(author_share=0.9, **WIRED),
            ["+ It is used", "+ Wired in", "+ Verified", "+ The author wrote 90%", "- This signal is a hint"],
        ),
    ],
)
def test_a_grade_is_explained_by_what_made_it(
    catalogue: Catalogue, signal: str, finding: Finding, expected: list[str]
) -> None:
    told = [
        f"{'+' if one.holds else '-'} {one.text}" for one in grade_reasons(finding, catalogue.framework.signals[signal])
    ]
    assert len(told) == len(expected)
    assert all(text.startswith(start) for text, start in zip(told, expected, strict=True)), told
