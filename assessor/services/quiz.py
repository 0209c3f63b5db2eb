"""Attempts at the quiz: start, answer one question after another, finish; one row of evidence for each layer."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased, selectinload

from assessor.content.answers import ChoiceKey, Given, NumericKey, OrderingKey, read_number
from assessor.content.schema import Catalogue, Item
from assessor.models.profile import Evidence, Person
from assessor.models.quiz import Answer, Attempt, AttemptMode
from assessor.services.audit import AuditService
from assessor.services.errors import Conflict, Invalid, NotFound
from assessor.services.evidence import years
from assessor.services.quiz_page import (
    IndexPage,
    QuestionPage,
    ReadPage,
    ResultPage,
    index_page,
    question_page,
    read_page,
    result_page,
)
from assessor.services.sitting import Sitting, bank, shuffled

__all__ = ["COOL_DOWN", "QuizService", "Said"]

COOL_DOWN = timedelta(days=14)
"""How long after a measured test the next one over the same layers can begin."""

LONGEST = 200
"""Characters of a written answer."""


@dataclass(frozen=True, slots=True)
class Said:
    """Hold what a page sent for a question: one value, or one for each entry of an order; or that it is not known.

    `confidence` is the probability of being right that was stated, in percent.
    """

    values: Sequence[str]
    unknown: bool = False
    confidence: int | None = None


class QuizService:
    """Do what people do with the quiz."""

    def __init__(
        self,
        session: Session,
        catalogue: Catalogue,
        clock: Callable[[], datetime],
        audit: AuditService,
        chance: random.Random,
    ) -> None:
        self._session = session
        self._catalogue = catalogue
        self._clock = clock
        self._audit = audit
        self._chance = chance

    def start(
        self, person_id: int, mode: AttemptMode, *, layer_key: str | None = None, domain: str | None = None
    ) -> Attempt:
        """Begin a sitting over all layers or one, with its first question; an open measured one is returned instead.

        `domain` is the topic of a layer that people choose one topic of; without one that layer is not asked. Raises
        Invalid for an unknown layer or domain, Conflict where the last measured test is too recent.
        """
        # One after another for each person: two tabs that start get one attempt.
        self._session.execute(select(Person.id).where(Person.id == person_id).with_for_update())
        layer = self._layer(layer_key)
        if mode == "measured":
            waiting = self._open(person_id)
            if waiting is not None:
                return waiting
            self._cooled_down(person_id, layer)
        attempt = Attempt(
            person_id=person_id,
            mode=mode,
            layer=layer,
            domain=self._domain(layer, domain),
            seed=self._chance.randrange(2**31),
            exposure=self._exposure(),
            correlation=0.5,
            bank=self._catalogue.items_label,
            started_at=self._clock(),
            answers=[],
        )
        self._session.add(attempt)
        self._session.flush()
        self._ask(attempt)
        return attempt

    def attempt(self, attempt_id: int) -> Attempt:
        """Return an attempt with its answers. Raises NotFound."""
        return self._attempt(attempt_id, lock=False)

    def question(self, attempt: Attempt) -> QuestionPage | None:
        """Return the page of the question that waits for an answer, or None where none does."""
        waiting = _waiting(attempt)
        if attempt.finished_at is not None or waiting is None:
            return None
        item = self._catalogue.items.get(waiting.item_id)
        return question_page(self._catalogue, attempt, waiting, item, self._sitting(attempt))

    def answer(self, attempt_id: int, place: int, version: int, said: Said) -> bool:
        """Store the answer to a question and ask the next; the last answer finishes the attempt.

        Return False, and change nothing, where that question was answered before: in another tab, or by a double click.
        Raises Conflict where the attempt is finished or the question was changed meanwhile, Invalid for what is no
        answer, NotFound.
        """
        attempt = self._attempt(attempt_id, lock=True)
        waiting = _waiting(attempt)
        if attempt.finished_at is not None:
            raise Conflict("This quiz is finished, perhaps in another tab.", "Its results are here; begin another one.")
        if waiting is None or waiting.place != place:
            return False
        item = self._catalogue.items.get(waiting.item_id)
        if item is None or item.version != version:
            raise Conflict("This question was corrected while you had it open.", "Read it once more and answer again.")
        given = None if said.unknown else read_answer(item, shuffled(attempt, waiting, _count(item)), said.values)
        waiting.given, waiting.unknown = given, said.unknown
        waiting.right = given is not None and item.key.marks(given)
        waiting.confidence = None if said.unknown else said.confidence
        waiting.item_version, waiting.answered_at = item.version, self._clock()
        self._session.flush()
        self._ask(attempt)
        return True

    def skip_withdrawn(self, attempt_id: int) -> None:
        """Ask another question in place of one that the bank no longer has. Raises NotFound."""
        attempt = self._attempt(attempt_id, lock=True)
        waiting = _waiting(attempt)
        if attempt.finished_at is None and waiting is not None and waiting.item_id not in self._catalogue.items:
            attempt.answers.remove(waiting)
            self._session.flush()
            self._ask(attempt)

    def finish(self, attempt_id: int) -> None:
        """End an attempt; a measured one becomes a row of evidence for each layer that was asked. Twice does nothing."""
        attempt = self._attempt(attempt_id, lock=True)
        if attempt.finished_at is None:
            self._finish(attempt)

    def index(self, person_id: int) -> IndexPage:
        """Return what the page shows on which a quiz begins: the open one, earlier ones, and what may begin when."""
        attempts = self._session.scalars(
            select(Attempt)
            .where(Attempt.person_id == person_id)
            .options(selectinload(Attempt.answers))
            .order_by(Attempt.id.desc())
            .limit(100)
        ).all()
        return index_page(self._catalogue, attempts, self._clock(), COOL_DOWN)

    def result(self, attempt: Attempt) -> ResultPage:
        """Return what a finished attempt comes to. Raises Conflict before it is finished."""
        if attempt.finished_at is None:
            raise Conflict("This quiz is not finished.", "Go on with it, or stop it to see its results.")
        return result_page(self._catalogue, attempt, self._sitting(attempt))

    def read(self, attempt: Attempt, place: int) -> ReadPage:
        """Return an answered question with its explanation: at once in practice, after the end in a measured attempt.

        Raises NotFound, or Conflict while a measured attempt is open.
        """
        if attempt.mode == "measured" and attempt.finished_at is None:
            raise Conflict("Explanations wait for the end of a measured quiz.", "Go on, or stop it to read them.")
        return read_page(self._catalogue, attempt, place)

    def _ask(self, attempt: Attempt) -> None:
        """Draw the next question, or finish where there is none."""
        sitting = self._sitting(attempt)
        self._note_correlation(attempt, sitting.correlation)
        item = sitting.next_item()
        if item is None:
            self._finish(attempt)
            return
        attempt.answers.append(
            Answer(
                place=max((one.place for one in attempt.answers), default=0) + 1,
                item_id=item.id,
                item_version=item.version,
                layer=item.layer - 1,
                asked_at=self._clock(),
            )
        )
        self._session.flush()

    def _note_correlation(self, attempt: Attempt, chosen: float) -> None:
        """Log that the answers speak for another correlation between layers: it moves all ten estimates at once."""
        before, attempt.correlation = attempt.correlation, chosen
        if attempt.answers and chosen != before:
            self._audit.write(
                f"person:{attempt.person_id}", "quiz.correlation", f"quiz:{attempt.id}", before=before, chosen=chosen
            )

    def _finish(self, attempt: Attempt) -> None:
        now = self._clock().astimezone(UTC)
        attempt.finished_at = now
        if attempt.mode == "measured":
            self._session.add_all(
                Evidence(
                    person_id=attempt.person_id,
                    at=now,
                    layer=row.layer,
                    level=row.level,
                    noise_sd=row.noise_sd,
                    instrument="quiz",
                    source=row.source,
                    attempt_id=attempt.id,
                )
                for row in self._sitting(attempt).rows(years(now))
            )
        self._session.flush()

    def _sitting(self, attempt: Attempt) -> Sitting:
        """Return an attempt as measurement sees it: what was asked elsewhere before it was answered here counts as seen.

        That is of earlier attempts and of those begun meanwhile, for practice explains at once.
        """
        here = aliased(Answer)
        earlier = (
            select(Answer.item_id)
            .join(Attempt)
            .outerjoin(here, (here.attempt_id == attempt.id) & (here.item_id == Answer.item_id))
            .where(
                Attempt.person_id == attempt.person_id,
                Attempt.id != attempt.id,
                (Attempt.id < attempt.id) | here.answered_at.is_(None) | (Answer.asked_at < here.answered_at),
            )
            .distinct()
        )
        return Sitting(self._catalogue, attempt, set(self._session.scalars(earlier)))

    def _attempt(self, attempt_id: int, *, lock: bool) -> Attempt:
        query = select(Attempt).where(Attempt.id == attempt_id).options(selectinload(Attempt.answers))
        if lock:
            query = query.with_for_update().execution_options(populate_existing=True)
        found = self._session.scalar(query)
        if found is None:
            raise NotFound("There is no such quiz.", "Your quizzes are listed where you begin one.")
        return found

    def _open(self, person_id: int) -> Attempt | None:
        query = select(Attempt).where(
            Attempt.person_id == person_id, Attempt.mode == "measured", Attempt.finished_at.is_(None)
        )
        return self._session.scalar(query.options(selectinload(Attempt.answers)))

    def _cooled_down(self, person_id: int, layer: int | None) -> None:
        """Return if enough time went by since the last measured test in which anything was answered. Raises Conflict."""
        same = Attempt.layer.is_(None) if layer is None else Attempt.layer == layer
        last = self._session.scalar(
            select(func.max(Attempt.finished_at)).where(
                Attempt.person_id == person_id,
                Attempt.mode == "measured",
                same,
                Attempt.answers.any(Answer.answered_at.is_not(None)),
            )
        )
        if last is not None and self._clock() < last + COOL_DOWN:
            free = last + COOL_DOWN
            raise Conflict(
                f"A measured quiz over the same layers can be taken every {COOL_DOWN.days} days, "
                f"so that growth is learnt and not remembered; the next one from {free.day} {free:%b %Y} on.",
                "Practise until then, or take one of another layer.",
            )

    def _exposure(self) -> Mapping[str, Any]:
        """Return in which share of all earlier measured tests each question stood."""
        tests = self._session.scalar(select(func.count()).select_from(Attempt).where(Attempt.mode == "measured")) or 0
        asked = (
            select(Answer.item_id, func.count())
            .join(Attempt)
            .where(Attempt.mode == "measured")
            .group_by(Answer.item_id)
        )
        return {item: round(count / tests, 4) for item, count in self._session.execute(asked).all()} if tests else {}

    def _layer(self, key: str | None) -> int | None:
        if key is None:
            return None
        keys = [layer.key for layer in self._catalogue.framework.layers]
        if key not in keys:
            raise Invalid({"layer": f"There is no layer {key[:60]!r}; choose one of the list."})
        return keys.index(key)

    def _domain(self, layer: int | None, domain: str | None) -> str | None:
        """Return the domain of a sitting, None where it asks none. Raises Invalid."""
        choosing = [one for one in self._catalogue.framework.layers if one.choose is not None]
        if layer is not None:
            choosing = [one for one in choosing if one.id == layer + 1]
        known = {topic.key for one in choosing for topic in one.topics}
        if domain and known and domain not in known:
            raise Invalid({"domain": f"There is no domain {domain[:60]!r}; choose one of the list."})
        chosen = domain if domain and known else None
        if not bank(self._catalogue, layer, chosen):
            raise Invalid({"domain": "Choose the domain that you know best: this layer is asked in one."})
        return chosen


def read_answer(item: Item, order: Sequence[int], values: Sequence[str]) -> Given:
    """Return what was given in the form that keys mark and tables keep; `order` is how the page showed places.

    Raises Invalid for what is no answer to this kind of question: it is not taken for a wrong one.
    """
    key = item.key
    first = "".join(sign for sign in values[0] if sign.isprintable()).strip()[:LONGEST] if len(values) == 1 else ""
    if isinstance(key, OrderingKey):
        ranks = [value.strip() for value in values]
        if sorted(ranks) != sorted(str(place + 1) for place in range(len(order))):
            raise Invalid({"answer": f"Give each line a place of its own, from 1 to {len(order)}."})
        return [place for _, place in sorted(zip(map(int, ranks), order, strict=True))]
    if isinstance(key, ChoiceKey):
        if first not in {str(shown) for shown in range(len(order))}:
            raise Invalid({"answer": "Choose one of the answers, or say that you do not know."})
        return order[int(first)]
    if not first:
        raise Invalid({"answer": "Write an answer, or say that you do not know."})
    if isinstance(key, NumericKey) and read_number(first, key.unit) is None:
        unit = f", in {key.unit}" if key.unit else ""
        raise Invalid({"answer": f"Write a number{unit}, such as 0.25, 1,500, 3e-4 or 1/4."})
    return first


def _waiting(attempt: Attempt) -> Answer | None:
    return next((one for one in attempt.answers if one.answered_at is None), None)


def _count(item: Item) -> int:
    match item.key:
        case ChoiceKey(options=options):
            return len(options)
        case OrderingKey(entries=entries):
            return len(entries)
    return 0
