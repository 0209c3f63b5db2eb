"""The quiz: begin, answer one question a page, stop and resume, and read what it came to."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from assessor.models.quiz import Attempt, AttemptMode
from assessor.services.errors import Conflict, Invalid
from assessor.web.access import action, authorise
from assessor.web.context import signed_in, unit
from assessor.web.limits import limiter, per_person
from assessor.web.quiz.forms import AnswerForm, StartForm

__all__ = ["pages"]

pages = Blueprint("quiz", __name__)


@pages.get("/quiz")
@action("quiz.list")
def index() -> ResponseReturnValue:
    """Show what can begin, the quiz that is open, and earlier ones."""
    return _index_page()


@pages.post("/quiz")
@action("quiz.start")
@limiter.limit("30 per hour", key_func=per_person)
def start() -> ResponseReturnValue:
    """Begin a quiz, or go on with the open one."""
    who = signed_in()
    mode: AttemptMode = "practice" if request.form.get("mode") == "practice" else "measured"
    with unit() as u:
        form = StartForm.of(u.quiz.index(who.person_id), mode)
    if not form.sent():
        return _index_page(form), 400
    try:
        with unit(write=True) as u:
            attempt = u.quiz.start(
                who.person_id, mode, layer_key=form.layer.data or None, domain=form.domain.data or None
            )
            attempt_id = attempt.id
    except (Conflict, Invalid) as error:
        form.refuse(error)
        return _index_page(form), 409 if isinstance(error, Conflict) else 400
    return redirect(url_for("quiz.show", attempt_id=attempt_id))


@pages.get("/quiz/<int:attempt_id>")
@action("quiz.see", owned=True)
def show(attempt_id: int) -> ResponseReturnValue:
    """Show the question that waits, or what a finished quiz came to."""
    with unit() as u:
        attempt = u.quiz.attempt(attempt_id)
        authorise(attempt)
        if attempt.finished_at is not None:
            return render_template("quiz/result.html", page=u.quiz.result(attempt))
        page = u.quiz.question(attempt)
    return render_template("quiz/question.html", page=page, attempt=attempt, form=AnswerForm(formdata=None), given=[])


@pages.post("/quiz/<int:attempt_id>/answer")
@action("quiz.answer", owned=True)
def answer(attempt_id: int) -> ResponseReturnValue:
    """Store an answer and go to the next question; in practice, to its explanation."""
    attempt, form = _own(attempt_id), AnswerForm()
    if not form.sent():
        return _again(attempt_id, form, "Choose one, or say that you do not know.")
    try:
        with unit(write=True) as u:
            stored = u.quiz.answer(attempt_id, form.place.data or 0, form.version.data or 0, form.said())
    except Invalid as error:
        return _again(attempt_id, form, error.cause)
    except Conflict as error:
        flash(f"{error.cause} {error.cure}", "info")
        return redirect(url_for("quiz.show", attempt_id=attempt_id))
    if not stored:
        flash(
            "That question was answered already, in another tab or by a double click. The first answer counts.", "info"
        )
    if stored and attempt.mode == "practice":
        return redirect(url_for("quiz.read", attempt_id=attempt_id, place=form.place.data))
    return redirect(url_for("quiz.show", attempt_id=attempt_id))


@pages.post("/quiz/<int:attempt_id>/skip")
@action("quiz.answer", owned=True)
def skip(attempt_id: int) -> ResponseReturnValue:
    """Go on where the question that waits was withdrawn from the bank."""
    _own(attempt_id)
    with unit(write=True) as u:
        u.quiz.skip_withdrawn(attempt_id)
    return redirect(url_for("quiz.show", attempt_id=attempt_id))


@pages.post("/quiz/<int:attempt_id>/finish")
@action("quiz.answer", owned=True)
def finish(attempt_id: int) -> ResponseReturnValue:
    """Stop here; what was answered counts."""
    _own(attempt_id)
    with unit(write=True) as u:
        u.quiz.finish(attempt_id)
    return redirect(url_for("quiz.show", attempt_id=attempt_id))


@pages.get("/quiz/<int:attempt_id>/questions/<int:place>")
@action("quiz.see", owned=True)
def read(attempt_id: int, place: int) -> ResponseReturnValue:
    """Show an answered question with its explanation."""
    with unit() as u:
        attempt = u.quiz.attempt(attempt_id)
        authorise(attempt)
        page = u.quiz.read(attempt, place)
    return render_template("quiz/read.html", page=page)


def _own(attempt_id: int) -> Attempt:
    with unit() as u:
        attempt = u.quiz.attempt(attempt_id)
    authorise(attempt)
    return attempt


def _again(attempt_id: int, form: AnswerForm, cause: str) -> ResponseReturnValue:
    """Show the question once more with what was written and what is wrong with it."""
    with unit() as u:
        attempt = u.quiz.attempt(attempt_id)
        page = u.quiz.question(attempt)
    if page is None or page.answer.place != form.place.data:
        return redirect(url_for("quiz.show", attempt_id=attempt_id))
    return render_template(
        "quiz/question.html", page=page, attempt=attempt, form=form, given=form.values, wrong=cause
    ), 400


def _index_page(sent: StartForm | None = None) -> str:
    with unit() as u:
        page = u.quiz.index(signed_in().person_id)
    forms = {mode: StartForm.of(page, mode, formdata=None, **_preset()) for mode in ("measured", "practice")}
    if sent is not None:
        forms["practice" if sent.mode.data == "practice" else "measured"] = sent
    return render_template("quiz/index.html", page=page, forms=forms)


def _preset() -> dict[str, str]:
    """Return the layer that the link named from which somebody came."""
    layer = request.args.get("layer", "")
    return {"layer": layer} if layer else {}
