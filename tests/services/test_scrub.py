from __future__ import annotations

import time

import pytest

from assessor.models.portfolio import Repository
from assessor.models.profile import Identity, Person
from assessor.services.scrub import Scrubber, scrubber


def of(
    *sources: str,
    name: str = "Ada Lovelace",
    emails: tuple[str, ...] = ("ada.king@analytical.example",),
    contact: str = "",
) -> Scrubber:
    person = Person(name=name, identities=[Identity(email=email) for email in emails])
    repositories = [
        Repository(kind="git" if "/" in one else "zip", source=one, name=one.rsplit("/", 1)[-1]) for one in sources
    ]
    return scrubber(person, repositories, contact or None)


ADA = of("https://github.com/countess-ada/engine-notes", "https://gitlab.com/byron/poems/bernoulli")


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("by Ada Lovelace, 1843", "by …, 1843"),
        ("LOVELACE and ada", "… and …"),
        ("ada.king@analytical.example wrote it", "… wrote it"),
        ("user ada.king logged in", "user … logged in"),
        ("king_utils.py", "…_utils.py"),
        ("engine-notes/app.py", "Repository 1/app.py"),
        ("from engine_notes.api import app", "from Repository 1.api import app"),
        ("EngineNotes().run()", "Repository 1().run()"),
        ("a bernoulli number", "a Repository 2 number"),
        ("countess-ada and byron and poems", "… and … and …"),
        ("see https://github.com/countess-ada/engine-notes/blob/main/a.py#L3 there", "see (link) there"),
        ("git+https://token@github.com/x/y.git", "(link)"),
        ("git@gitlab.com:byron/poems.git", "(link)"),
        ("docs at someone-else.github.io/page", "docs at (link)"),
        ("mail jane.roe@elsewhere.example", "mail …"),
        ("# Copyright (c) 2024 Jane Roe", "# Copyright (c) 2024 …"),
        ("© 2019-2024 Jane Roe", "© 2019-2024 …"),
        ('__author__ = "Jane Roe"', "__author__ = …"),
        ('authors = [{name = "Jane Roe"}]', "authors = [{name = …"),
        ('  "author": "Jane Roe",', '  "author": …'),
        ("# @author: Jane Roe", "# @author: …"),
    ],
)
def test_what_names_the_candidate_becomes_a_neutral_word(text: str, scrubbed: str) -> None:
    assert ADA.text(text) == scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "adaptive = adam(canada)",  # parts of longer words are other words
        "parking, kingdom, engine, notes",
        "bernoullis",
        "author = book.author",
        "def author(self) -> str:",
        "@app.get('/predict')",
        "https://docs.python.org/3/library/ast.html",
        "requirements.txt:3",
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    assert ADA.text(text) == text


def test_the_longest_name_wins() -> None:
    both = of("https://github.com/lovelace/lovelace-engine", "https://github.com/lovelace/lovelace-engine-web")
    assert both.text("lovelace-engine-web lovelace-engine lovelace") == "Repository 2 Repository 1 …"


def test_common_words_stay_unless_they_are_part_of_a_longer_name() -> None:
    ordinary = of("https://github.com/data/pipeline", "https://github.com/x/data-loader", name="Max Long", emails=())
    assert ordinary.text("max(data, pipeline) of a data loader") == "max(data, pipeline) of a data loader"
    assert ordinary.text("Max Long wrote data_loader.py in data-loader") == "… wrote Repository 2.py in Repository 2"


def test_names_are_found_with_and_without_their_accents() -> None:
    jose = of(name="José Núñez", emails=())
    assert jose.text("jose nunez, JOSÉ, Jose\u0301") == "…, …, …"


def test_what_the_managers_noted_is_taken_out_too() -> None:
    assert of(name="", emails=(), contact="grace.hopper@navy.example").text("hopper, grace.hopper") == "…, …"


def test_a_candidate_of_whom_nothing_is_known_leaves_words_alone() -> None:
    assert of(name="", emails=()).text("plain words") == "plain words"


def test_an_upload_is_known_by_its_name_alone() -> None:
    assert of("ada-homework-9").text("ada-homework-9/main.py") == "Repository 1/main.py"


@pytest.mark.parametrize("text", ["a" * 20_000, "a." * 10_000, "author " * 3_000, "github.com/" * 2_000, "@" * 20_000])
def test_hostile_texts_cost_no_time(text: str) -> None:
    began = time.perf_counter()
    ADA.text(text)
    assert time.perf_counter() - began < 0.5
