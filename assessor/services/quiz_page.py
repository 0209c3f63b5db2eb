"""What the pages of the quiz show: where one begins, the question that waits, an answered one, and what it came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from assessor.content.answers import ChoiceKey, Given, NumericKey, OrderingKey, OutputKey
from assessor.content.schema import Catalogue, Item, Layer, Topic
from assessor.models.quiz import Answer, Attempt
from assessor.services.errors import NotFound
from assessor.services.sitting import MOST_ALL, MOST_ONE, LayerResult, Sitting, shuffled

__all__ = [
    "AttemptLine",
    "IndexPage",
    "QuestionPage",
    "ReadPage",
    "ResultPage",
    "index_page",
    "question_page",
    "read_page",
    "result_page",
]

CONFIDENCE = (30, 50, 75, 95)
"""What people may say of how sure they are, as the probability of being right in percent."""


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """Show one attempt in the list."""

    attempt: Attempt
    layer: Layer | None
    answered: int
    right: int


@dataclass(frozen=True, slots=True)
class IndexPage:
    """Show what can begin. `free_from` maps layer keys, and "" for all layers, to when they can be measured again."""

    open: AttemptLine | None
    past: tuple[AttemptLine, ...]
    layers: tuple[Layer, ...]
    domains: tuple[Topic, ...]
    free_from: dict[str, datetime]
    questions: int
    most_all: int = MOST_ALL
    most_one: int = MOST_ONE


@dataclass(frozen=True, slots=True)
class QuestionPage:
    """Show the question that waits. `lines` are options or entries in the order of this page.

    `item` is None for one that was withdrawn from the bank. `width` is the mean width of the 90% intervals so far, in
    levels: how much is known, which tells nothing of which answers were right.
    """

    attempt: Attempt
    answer: Answer
    item: Item | None
    layer: Layer
    lines: tuple[str, ...]
    number: int
    most: int
    width: float

    @property
    def unit(self) -> str:
        """Return the unit of a number that is asked for."""
        return self.item.key.unit if self.item and isinstance(self.item.key, NumericKey) else ""


@dataclass(frozen=True, slots=True)
class ReadLine:
    """Show an option or entry after the answer: whether it is right, was given, and what is wrong with it."""

    text: str
    right: bool
    given: bool
    why: str | None


@dataclass(frozen=True, slots=True)
class ReadPage:
    """Show an answered question: what was given, what is right, and why. `answered` are the places one can turn to."""

    attempt: Attempt
    answer: Answer
    item: Item | None
    layer: Layer
    topic: Topic | None
    given: str | None
    right: str
    lines: tuple[ReadLine, ...]
    entries: tuple[str, ...]
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Sure:
    """Show how often somebody was right when they said to be so sure, in percent."""

    confidence: int
    said: int
    right: int


@dataclass(frozen=True, slots=True)
class ResultPage:
    """Show what an attempt came to, by itself and from the prior alone; `counts` tells whether it moves levels."""

    attempt: Attempt
    layer: Layer | None
    results: tuple[tuple[Layer, LayerResult], ...]
    answers: tuple[tuple[Answer, Item | None, Layer], ...]
    sure: tuple[Sure, ...]
    answered: int
    right: int
    counts: bool


def index_page(catalogue: Catalogue, attempts: Sequence[Attempt], now: datetime, cool_down: timedelta) -> IndexPage:
    """Put the first page together from all attempts of a person, newest first."""
    layers = catalogue.framework.layers
    lines = [_line(catalogue, attempt) for attempt in attempts]
    waits = next((one for one in lines if one.attempt.mode == "measured" and one.attempt.finished_at is None), None)
    free: dict[str, datetime] = {}
    for line in lines:
        attempt = line.attempt
        if attempt.mode != "measured" or attempt.finished_at is None or not line.answered:
            continue
        if attempt.finished_at + cool_down > now:
            key = "" if attempt.layer is None else layers[attempt.layer].key
            free[key] = max(free.get(key, now), attempt.finished_at + cool_down)
    return IndexPage(
        open=waits,
        past=tuple(one for one in lines if one is not waits),
        layers=layers,
        domains=tuple(topic for layer in layers if layer.choose is not None for topic in layer.topics),
        free_from=free,
        questions=len(catalogue.items),
    )


def question_page(
    catalogue: Catalogue, attempt: Attempt, answer: Answer, item: Item | None, sitting: Sitting
) -> QuestionPage:
    """Put the page of the question together that waits for an answer."""
    answered = sum(one.answered_at is not None for one in attempt.answers)
    return QuestionPage(
        attempt=attempt,
        answer=answer,
        item=item,
        layer=catalogue.framework.layers[answer.layer],
        lines=tuple(text for text, _ in _shown(attempt, answer, item)) if item else (),
        number=answered + 1,
        most=sitting.most,
        width=sitting.width(),
    )


def read_page(catalogue: Catalogue, attempt: Attempt, place: int) -> ReadPage:
    """Put the page of an answered question together. Raises NotFound for one that was not answered."""
    places = [one.place for one in attempt.answers if one.answered_at is not None]
    answer = next((one for one in attempt.answers if one.place == place and one.answered_at is not None), None)
    if answer is None:
        raise NotFound("This question was not answered.", "The results list those that were.")
    item = catalogue.items.get(answer.item_id)
    at = places.index(place)
    return ReadPage(
        attempt=attempt,
        answer=answer,
        item=item,
        layer=catalogue.framework.layers[answer.layer],
        topic=catalogue.framework.topics.get(item.topic) if item else None,
        given=_given(item, answer.given) if item else None,
        right=_right(item) if item else "",
        lines=tuple(_read(attempt, answer, item)) if item else (),
        entries=item.key.entries if item and isinstance(item.key, OrderingKey) else (),
        before=places[at - 1] if at else None,
        after=places[at + 1] if at + 1 < len(places) else None,
    )


def result_page(catalogue: Catalogue, attempt: Attempt, sitting: Sitting) -> ResultPage:
    """Put the page of a finished attempt together."""
    layers = catalogue.framework.layers
    answered = [one for one in attempt.answers if one.answered_at is not None]
    said, right = Counter[int](), Counter[int]()
    for one in answered:
        if one.confidence is not None:
            said[one.confidence] += 1
            right[one.confidence] += bool(one.right)
    return ResultPage(
        attempt=attempt,
        layer=None if attempt.layer is None else layers[attempt.layer],
        results=tuple((layers[one.layer], one) for one in sitting.results()),
        answers=tuple((one, catalogue.items.get(one.item_id), layers[one.layer]) for one in answered),
        sure=tuple(Sure(level, said[level], right[level]) for level in sorted(said)),
        answered=len(answered),
        right=sum(bool(one.right) for one in answered),
        counts=attempt.mode == "measured",
    )


def _line(catalogue: Catalogue, attempt: Attempt) -> AttemptLine:
    answered = [one for one in attempt.answers if one.answered_at is not None]
    layer = None if attempt.layer is None else catalogue.framework.layers[attempt.layer]
    return AttemptLine(attempt, layer, len(answered), sum(bool(one.right) for one in answered))


def _shown(attempt: Attempt, answer: Answer, item: Item) -> list[tuple[str, int]]:
    """Return options or entries with their places in the file, in the order of the page."""
    match item.key:
        case ChoiceKey(options=options):
            return [(options[place].text, place) for place in shuffled(attempt, answer, len(options))]
        case OrderingKey(entries=entries):
            return [(entries[place], place) for place in shuffled(attempt, answer, len(entries))]
    return []


def _read(attempt: Attempt, answer: Answer, item: Item) -> list[ReadLine]:
    if not isinstance(item.key, ChoiceKey):
        return []
    options = item.key.options
    return [
        ReadLine(text, options[place].why is None, answer.given == place, options[place].why)
        for text, place in _shown(attempt, answer, item)
    ]


def _given(item: Item, given: Given | None) -> str | None:
    """Return in words what was given to a question whose options are not listed, None for nothing."""
    if given is None or isinstance(item.key, ChoiceKey):
        return None
    if isinstance(item.key, OrderingKey):
        # By the numbers of the right order: 2, 1, 3 says which two were swapped.
        return ", ".join(str(place + 1) for place in given) if isinstance(given, list) else None
    unit = f" {item.key.unit}" if isinstance(item.key, NumericKey) and item.key.unit else ""
    return f"{given}{unit}"


def _right(item: Item) -> str:
    match item.key:
        case NumericKey(value=value, tolerance=tolerance, unit=unit):
            near = f" (± {tolerance:g})" if tolerance else ""
            return f"{value:g} {unit}".rstrip() + near
        case OutputKey(texts=texts):
            return texts[0]
    return ""
