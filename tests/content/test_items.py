"""Questions: what the reader of the files refuses, what keys mark, and what the real bank promises."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from assessor.config import resource_dir
from assessor.content.answers import ChoiceKey, NumericKey, Option, OrderingKey, OutputKey, read_number
from assessor.content.catalogue import ContentError, load_catalogue
from assessor.content.items import bank_problems, coverage_table

ITEM = """\
  - id: {id}
    version: 1
    type: numeric
    level: 2.5
    title: "A number"
    statement: "How many?"
    answer: {{value: 4, tolerance: 0.1, unit: "ms"}}
    explanation: "Because."
    source: {{title: "A paper"}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the content with one file of questions."""
    path = tmp_path / "rubrics"
    shutil.copytree(resource_dir("rubrics"), path, ignore=shutil.ignore_patterns("demo", "items"))
    write(path, "topic: probability\nitems:\n" + ITEM.format(id="a-number"))
    return path


def write(folder: Path, text: str, name: str = "mathematical-foundations/probability") -> None:
    file = folder / "items" / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_question_is_read_and_changes_the_hash(folder: Path) -> None:
    found = load_catalogue(folder)
    item = found.items["a-number"]
    assert (item.layer, item.topic, item.level, item.key) == (1, "probability", 2.5, NumericKey(4.0, 0.1, "ms"))
    write(folder, (folder / "items/mathematical-foundations/probability.yaml").read_text().replace("4,", "5,"))
    assert load_catalogue(folder).items_label != found.items_label
    assert load_catalogue(folder).framework.label == found.framework.label
    assert load_catalogue(folder, questions=False).items == {}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("a-number", "A Number", "lower-case words"),
        ("level: 2.5", "level: 2.3", "steps of 0.5"),
        ("type: numeric", "type: essay", "unknown 'essay'"),
        ("value: 4,", "value: four,", "must be a number"),
        ("How many?", "How `many?", "never closed"),
        ('statement: "How many?"', "", "'statement' is missing"),
        ('title: "A number"', f'title: "{"x" * 80}"', "at most 60 characters"),
        ('"How many?"', f'"{"word " * 200}"', "200 words"),
        ("topic: probability", "topic: statistics", "must be the same"),
        ('{title: "A paper"}', '{title: "A paper", link: "http://x.example"}', "starts with https"),
        ("    version: 1", "    version: 1\n    versoin: 2", "did you mean 'version'"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(folder: Path, old: str, new: str, told: str) -> None:
    file = folder / "items/mathematical-foundations/probability.yaml"
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(ContentError) as caught:
        load_catalogue(folder)
    assert any(told in problem.message for problem in caught.value.problems), str(caught.value)
    assert all(problem.file.startswith("rubrics/items/") for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("{text: a, correct: true}|{text: b, correct: true}|{text: c, why: no}", "one of them correct"),
        ("{text: a, correct: true}|{text: b, why: no}", "3 to 5 options"),
        ("{text: a, correct: true}|{text: b}|{text: c, why: no}", "says why it is wrong"),
        ("{text: a, correct: true}|{text: b, why: no}|{text: b, why: no}", "two options are the same"),
        ("{text: a, correct: true}|{text: All of the above, why: no}|{text: c, why: no}", "of its own"),
    ],
)
def test_a_choice_has_one_right_option_and_says_what_is_wrong_with_the_others(
    folder: Path, options: str, told: str
) -> None:
    listed = "".join(f"\n      - {option}" for option in options.split("|"))
    file = folder / "items/mathematical-foundations/probability.yaml"
    text = file.read_text().replace("type: numeric", "type: choice")
    file.write_text(text.replace('answer: {value: 4, tolerance: 0.1, unit: "ms"}', f"options:{listed}"))
    with pytest.raises(ContentError) as caught:
        load_catalogue(folder)
    assert told in str(caught.value)


def test_an_id_stands_in_the_whole_bank_once_and_files_are_named_after_topics(folder: Path) -> None:
    write(folder, "topic: statistics\nitems:\n" + ITEM.format(id="a-number"), "mathematical-foundations/statistics")
    write(folder, "topic: astrology\nitems: []\n", "mathematical-foundations/astrology")
    with pytest.raises(ContentError) as caught:
        load_catalogue(folder)
    assert "in the bank twice" in str(caught.value)
    assert "no topic has this name" in str(caught.value)


def test_a_bank_lacks_topics_without_questions_and_layers_in_which_guessing_pays(folder: Path) -> None:
    found = load_catalogue(folder)
    told = [str(problem) for problem in bank_problems(folder, found.framework, found.items)]
    assert len(told) == 54
    assert all("no questions" in line for line in told)


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [
        ("0.5", "", 0.5),
        (" -3 ", "", -3.0),
        ("\u22122", "", -2.0),
        ("0,5", "", 0.5),
        ("0,859", "", 0.859),
        ("1,500", "", 1500.0),
        ("1,500.25", "", 1500.25),
        ("12 000", "", 12000.0),
        ("3e-4", "", 0.0003),
        ("2/3", "", 2 / 3),
        (".25", "", 0.25),
        ("40%", "%", 40.0),
        ("40 MS", "ms", 40.0),
        ("$1,200", "$", 1200.0),
        ("", "", None),
        ("half", "", None),
        ("1/0", "", None),
        ("1e999", "", None),
        ("nan", "", None),
        ("1.2.3", "", None),
        ("1,2,3", "", None),
        ("5 s", "ms", None),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, unit: str, number: float | None) -> None:
    assert read_number(text, unit) == (None if number is None else pytest.approx(number))


def test_keys_mark_what_was_given() -> None:
    number = NumericKey(0.3, 0.0, "")
    assert number.marks("0.3")
    assert number.marks("3/10")
    assert not number.marks("0.31")
    assert not number.marks("about 0.3")
    choice = ChoiceKey((Option("a", "no"), Option("b", None), Option("c", "no")))
    assert choice.marks(1)
    assert not choice.marks(0)
    assert choice.guess == pytest.approx(1 / 3)
    order = OrderingKey(("a", "b", "c"))
    assert order.marks([0, 1, 2])
    assert not order.marks([1, 0, 2])
    printed = OutputKey(("['a', 'b']", "a b"))
    assert printed.marks('["a","b"]')
    assert not printed.marks("['a']")


def test_the_bank_asks_every_topic_of_the_quiz_and_half_of_it_cannot_be_guessed() -> None:
    folder = resource_dir("rubrics")
    found = load_catalogue(folder)
    assert bank_problems(folder, found.framework, found.items) == []
    for layer in found.framework.layers:
        own = [item for item in found.items.values() if item.layer == layer.id]
        assert len(own) >= 8, layer.key
        assert {item.type for item in own} >= {"choice", "numeric"}, layer.key
        assert max(item.level for item in own) - min(item.level for item in own) >= 2, layer.key
        if layer.choose:
            for topic in layer.topics:
                assert sum(item.topic == topic.key for item in own) >= 6, topic.key


def test_keys_of_the_bank_mark_their_own_answers() -> None:
    for item in load_catalogue(resource_dir("rubrics")).items.values():
        match item.key:
            case NumericKey(value=value, tolerance=tolerance):
                assert item.key.marks(f"{value!r} {item.key.unit}"), item.id
                assert not item.key.marks(repr(value + 3 * tolerance + abs(value) / 2 + 0.1)), item.id
            case OutputKey(texts=texts):
                assert all(item.key.marks(f" {text} ") for text in texts), item.id
            case OrderingKey(entries=entries):
                assert not item.key.marks(list(range(len(entries)))[::-1]), item.id
            case _:
                assert item.key.marks(item.key.right), item.id


def test_the_right_option_is_not_known_by_its_length() -> None:
    """Somebody who always takes the longest option must not do much better than by chance."""
    choices = [
        item.key for item in load_catalogue(resource_dir("rubrics")).items.values() if isinstance(item.key, ChoiceKey)
    ]
    assert len(choices) >= 20
    hits = sum(max(key.options, key=lambda option: len(option.text)).why is None for key in choices)
    assert hits / len(choices) <= 0.40


def test_the_document_of_the_bank_is_the_bank() -> None:
    document = (resource_dir("rubrics").parent / "docs" / "items.md").read_text()
    told = document.partition("<!-- coverage -->\n")[2].partition("\n<!-- end -->")[0]
    assert told == coverage_table(load_catalogue(resource_dir("rubrics"))), "write it anew: assessor content coverage"
