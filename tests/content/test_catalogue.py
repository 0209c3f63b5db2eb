"""The content that is shipped is right, and whatever is wrong with content is told with file and line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from assessor.config import resource_dir
from assessor.content.catalogue import ContentError, load_catalogue

SIGNALS = "signals/00-engineering-practice.yaml"
ANCHORS = "anchors/01-mathematical-foundations.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Copy the shipped content, without the demo."""
    source = resource_dir("rubrics")
    return Path(shutil.copytree(source, tmp_path / "rubrics", ignore=shutil.ignore_patterns("demo")))


def test_the_shipped_content_has_its_public_size() -> None:
    catalogue = load_catalogue(resource_dir("rubrics"))
    framework = catalogue.framework
    assert (len(framework.layers), len(framework.topics), len(framework.signals)) == (10, 57, 76)
    assert len(catalogue.roles) >= 6
    assert catalogue.signal_texts.keys() == framework.signals.keys()


def test_every_topic_and_layer_has_five_sentences_of_its_own_and_shares_the_one_for_nothing() -> None:
    framework = load_catalogue(resource_dir("rubrics")).framework
    owners = [*framework.layers, *framework.topics.values()]
    assert {owner.anchors[0] for owner in owners} == {framework.levels[0].sentence}
    sentences = [sentence for owner in owners for sentence in owner.anchors[1:]]
    assert len(sentences) == len(set(sentences)) == 5 * (10 + 57)
    assert all(40 <= len(sentence) <= 200 for sentence in sentences)


def test_roles_ask_for_levels_that_people_reach() -> None:
    for role in load_catalogue(resource_dir("rubrics")).roles.values():
        assert len(role.levels) == len(role.weights) == 10
        assert all(0 < level <= 4.5 for level in role.levels), role.key


def test_a_changed_sentence_is_another_framework(folder: Path) -> None:
    before = load_catalogue(folder).framework.label
    change(folder / ANCHORS, lambda text: text.replace("linear-algebra:\n  - ", "linear-algebra:\n  - Then ", 1))
    path = folder / ANCHORS
    path.write_text(path.read_text() + "# a remark\n")
    assert load_catalogue(folder).framework.label != before


WRONG: dict[str, tuple[str, Callable[[str], str], str]] = {
    "misspelt key": (SIGNALS, lambda text: text.replace("  effort:", "  efort:", 1), "did you mean 'effort'?"),
    "unknown signal": (
        SIGNALS,
        lambda text: text.replace("- key: unit-tests", "- key: unit-test", 1),
        "unknown 'unit-test'",
    ),
    "text twice": (SIGNALS, lambda text: text + text, "twice"),
    "insecure link": (SIGNALS, lambda text: text.replace("https://", "http://", 1), "https://"),
    "no such effort": (SIGNALS, lambda text: text.replace("effort: low", "effort: none", 1), "'none'"),
    "empty text": (SIGNALS, lambda text: replace_line(text, "  why:", '  why: " "'), "empty"),
    "no YAML": (ANCHORS, lambda text: text + "\n  - [", "not YAML"),
    "key twice": (ANCHORS, lambda text: text + "\nversion: 1\n", "second time"),
    "a topic too many": (ANCHORS, lambda text: text + "\n  astrology: [a, b, c, d, e]\n", "astrology"),
    "version that is no number": (ANCHORS, lambda text: text.replace("version: 1", "version: one"), "number"),
    "level out of range": (
        "roles/ml-engineer.yaml",
        lambda text: replace_line(text, "  data-engineering:", "  data-engineering: 7"),
        "0 to 5",
    ),
    "key beside its file": ("roles/ml-engineer.yaml", lambda text: replace_line(text, "key:", "key: other"), "same"),
    "cap of no kind": ("framework.yaml", lambda text: text.replace("cap: 5", "cap: 3", 1), "a cap is 2"),
    "topic of no layer": (
        "framework.yaml",
        lambda text: text.replace("topics: [ci-cd]", "topics: [ci-dc]", 1),
        "did you mean 'ci-cd'?",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_file_and_line(folder: Path, name: str) -> None:
    file, spoil, told = WRONG[name]
    change(folder / file, spoil)
    with pytest.raises(ContentError) as raised:
        load_catalogue(folder)
    problem = next(one for one in raised.value.problems if told in one.message)
    assert problem.file == f"rubrics/{file}"
    assert 1 <= problem.line <= len((folder / file).read_text().splitlines()) + 1


def test_everything_that_is_wrong_is_told_at_once(folder: Path) -> None:
    for name in ("misspelt key", "level out of range", "cap of no kind"):
        file, spoil, _ = WRONG[name]
        change(folder / file, spoil)
    with pytest.raises(ContentError) as raised:
        load_catalogue(folder)
    files = {problem.file for problem in raised.value.problems}
    assert {f"rubrics/{file}" for file in (SIGNALS, "roles/ml-engineer.yaml", "framework.yaml")} <= files


def change(path: Path, spoil: Callable[[str], str]) -> None:
    before = path.read_text()
    after = spoil(before)
    assert after != before
    path.write_text(after)


def replace_line(text: str, start: str, line: str) -> str:
    lines = text.splitlines()
    place = next(number for number, one in enumerate(lines) if one.startswith(start))
    lines[place] = line
    return "\n".join(lines) + "\n"
